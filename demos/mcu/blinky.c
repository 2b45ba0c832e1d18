/* You will see two lights blink at different rates, and their states on the UART. */
#include "mcu.h"
#include "say.h"

struct blink { co_frame; uint8_t led, on; uint16_t ms; };
co_define(blink) {
    co_begin;
    for (;;) {
        self->on = !self->on;
        board_led(self->led, self->on);
        say(self->led ? "        green " : "red ");
        say(self->on ? "on\n" : "off\n");
        co_try(co_sleep_ms(self->ms));
    }
    co_end;
}

static struct co_timer_slot timers[3];          /* one for each that sleeps; one for a script */
static struct blink red_frame, green_frame;
static struct co_task red, green;

int main(void)
{
    mcu_init(timers, 3);
    co_task_init(&red, &red_frame, blink, .led = 0, .ms = 500);
    co_task_init(&green, &green_frame, blink, .led = 1, .ms = 330);
    mcu_run();
    return 0;
}
