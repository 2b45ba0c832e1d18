/* expect: 19 co-stale-local */
/* A local across the turns of co_for_each. */
#include "loop.h"

struct gen { co_frame; int value; };
static co_define(gen) {
    co_begin;
    self->value = 1;
    co_yield;
    co_end;
}
struct m { co_frame; struct gen gen; intptr_t r; };
co_define(m) {
    int sum = 0;
    co_begin;
    sum = 5;
    co_init(&self->gen, gen);
    co_for_each(self->r, &self->gen)
        sum += self->gen.value;
    co_end;
}
