/* Two coroutines that blink at different rates, with coro.h alone, without a scheduler or libc.
 * Neither awaits a child, so only their frames are kept and not their chains. */
#include "coro.h"
#include "board.h"

struct red { co_frame; uint16_t since; uint8_t on; };
static co_define(red) {
    co_begin;
    for (;; self->since = (uint16_t)(self->since + 100)) {
        board_led(0, self->on ^= 1);
        co_wait_until((uint16_t)(board_ticks() - self->since) >= 100);
    }
    co_end;
}

struct green { co_frame; uint16_t since; uint8_t on; };
static co_define(green) {
    co_begin;
    for (;; self->since = (uint16_t)(self->since + 250)) {
        board_led(1, self->on ^= 1);
        co_wait_until((uint16_t)(board_ticks() - self->since) >= 250);
    }
    co_end;
}

static struct red red;                  /* zeroed, it is a coroutine that has not started */
static struct green green;

static void run(struct co_head *frame)
{
    struct co_chain chain = { frame, 0 };

    co_resume(&chain);
}

int main(void)
{
    board_init();
    red.co.body = co_body_red;
    green.co.body = co_body_green;
    for (;;) {
        run(&red.co);
        run(&green.co);
    }
}
