/* Two tasks that blink at different rates: task.c, isr.c and mcu.c. */
#include "mcu.h"

struct blink { co_frame; uint8_t led, on; uint16_t ms; };
static co_define(blink) {
    co_begin;
    for (;;) {
        board_led(self->led, self->on ^= 1);
        co_try(co_sleep_ms(self->ms));
    }
    co_end;
}

static struct co_timer_slot timers[2];
static struct blink red_frame, green_frame;
static struct co_task red, green;

int main(void)
{
    mcu_init(timers, 2);
    co_task_init(&red, &red_frame, blink, .led = 0, .ms = 100);
    co_task_init(&green, &green_frame, blink, .led = 1, .ms = 250);
    mcu_run();
    return 0;
}
