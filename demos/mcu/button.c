/* You will see whether a button was pressed once or twice or held, by three awaits. */
#include "mcu.h"
#include "say.h"

enum { SAMPLE = 5, STEADY = 4, LONG = 600, DOUBLE = 250, NEVER = 0x7FFF };  /* ms; STEADY: times */

/* Awaits that the button is [level] for 20 ms on end, so that a bounce is none: 1. Not within [ms]:
 * 0. It looks each 5 ms: contacts bounce for less, and a finger is slower. */
struct button_is { co_frame; uint8_t level, same; uint16_t ms; };
co_define(button_is) {
    co_begin;
    while (self->same < STEADY) {
        co_try(co_sleep(SAMPLE / 1e3));
        self->same = board_button() == self->level ? (uint8_t)(self->same + 1) : 0;
        if (self->ms != NEVER && self->same == 0) {
            if (self->ms < SAMPLE)
                co_return(0);
            self->ms = (uint16_t)(self->ms - SAMPLE);
        }
    }
    co_return(1);
    co_end;
}
#define co_button(level_, ms_) co_call(&self->is, button_is, .level = level_, .ms = ms_)

struct button { co_frame; struct button_is is; int8_t yes; };
co_define(button) {
    co_begin;
    for (;;) {
        co_try(co_button(1, NEVER));
        co_try(self->yes, co_button(0, LONG));
        if (!self->yes) {
            say("long\n");
            co_try(co_button(0, NEVER));
            continue;
        }
        co_try(self->yes, co_button(1, DOUBLE));
        say(self->yes ? "double\n" : "click\n");
        if (self->yes)
            co_try(co_button(0, NEVER));
    }
    co_end;
}

static struct co_timer_slot timers[2];
static struct button frame;
static struct co_task task;

int main(void)
{
    mcu_init(timers, 2);
    co_task_init(&task, &frame, button);
    mcu_run();
    return 0;
}
