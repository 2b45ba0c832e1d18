/* blink.h: a light that blinks. In a tab of its own: for what looks like a function in the sketch
 * itself, the Arduino tools write a prototype, and co_define() takes none. */
#ifndef BLINK_H
#define BLINK_H

#include <Duffel.h>

struct blink { co_frame; uint8_t pin; uint16_t ms; bool on; };

co_define(blink) {
    co_begin;
    pinMode(self->pin, OUTPUT);
    for (;;) {
        self->on = !self->on;
        digitalWrite(self->pin, self->on ? HIGH : LOW);
        co_try(co_sleep_ms(self->ms));
    }
    co_end;
}

#endif
