/* expect: nothing */
/* Ops that are chosen, kept, wrapped and returned. */
#include "loop.h"

static CO_OP nap(double seconds)
{
    co_op op = co_sleep(seconds);

    return op;
}
struct m { co_frame; int k; struct co_within slot; co_op op; };
co_define(m) {
    co_op op;
    co_begin;
    op = self->k ? co_sleep(1) : co_sleep(2);
    co_try(op);
    op = co_sleep(3);
    if (self->k)
        op = co_within(&self->slot, 1, op);
    co_try(op);
    co_try(co_within(&self->slot, 1, nap(2)));
    self->op = co_sleep(1);
    co_try(self->op);
    for (;;) {
        self->op = nap(1);
        if (self->k)
            break;
        co_try(self->op);
    }
    co_try(self->op);
    co_try(self->k ? co_sleep(1) : co_done(0));
    co_end;
}
