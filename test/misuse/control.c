/* mistake: none: what the other programs do wrong, done right */
/* expect: both silent */
#include "coro.h"

struct square { co_frame; int x; };
struct numbers { co_frame; int value; };
struct sum { co_frame; struct square child; struct numbers numbers; intptr_t n, total; };

co_define(square) {
    co_begin;
    co_pause;
    co_return(self->x * self->x);
    co_end;
}
co_define(numbers) {
    co_begin;
    for (self->value = 0; self->value < 3; self->value++)
        co_yield;
    co_end;
}
co_define(sum) {
    int scratch;
    co_begin;
    co_init(&self->numbers, numbers);
    for (;;) {
        co_try(self->n, co_next(&self->numbers));
        if (!self->n)
            break;
        co_try(self->n, co_call(&self->child, square, .x = self->numbers.value));
        scratch = (int)self->n + 1;
        self->total += scratch;
    }
    switch (self->n) {
    case 1:
        co_return(1);
    default:
        break;
    }
    co_return(self->total);
    co_finally;
    co_pause;
    co_end;
}
