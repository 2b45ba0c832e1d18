/* echo.h: a serial line that is awaited line by line. In a tab of its own: for what looks like a
 * function in the sketch itself, the Arduino tools write a prototype; co_define() takes none. */
#ifndef ECHO_H
#define ECHO_H

#include <Duffel.h>

/* Reads a line into [text]: its length; what does not fit is dropped. */
struct line { co_frame; char text[40]; uint8_t length; char c; };

co_define(line) {
    co_begin;
    for (;;) {
        co_wait_until(Serial.available() > 0);
        self->c = (char)Serial.read();
        if (self->c == '\n')
            break;
        if (self->length < sizeof self->text - 1)
            self->text[self->length++] = self->c;
    }
    self->text[self->length] = '\0';
    co_return(self->length);
    co_end;
}

struct echo { co_frame; struct line line; struct co_within within; intptr_t n; };

co_define(echo) {
    co_begin;
    for (;;) {
        co_wait_until(Serial.available() > 0);
        co_await(self->n, co_within(&self->within, 5, co_call(&self->line, line)));
        if (self->n == -ETIMEDOUT)
            Serial.println("that line took too long");
        else
            Serial.println(self->line.text);
    }
    co_end;
}

#endif
