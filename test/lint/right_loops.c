/* expect: nothing */
/* Loops that end: by co_try, by a result, by a generator's close. */
#include "loop.h"

struct m { co_frame; intptr_t r; int k; };
co_define(m) {
    co_begin;
    for (;;) {
        co_await(self->r, co_sleep(1));
        if (self->r < 0)
            break;
    }
    while (1) {
        co_await(co_sleep(1));
        co_pause;
    }
    co_end;
}

struct gen { co_frame; int value; };
co_define(gen) {
    co_begin;
    for (;; self->value++) {
        co_await(co_sleep(1));
        co_yield;
    }
    co_end;
}
