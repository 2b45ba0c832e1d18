/* expect: 16 co-not-awaited */
/* expect: 19 co-not-awaited */
/* expect: 22 co-not-awaited */
/* Ops that are kept in the frame: awaited never, late, and twice. */
#include "loop.h"

struct child { co_frame; };
static co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
struct m { co_frame; int k; co_op op; struct child child; struct co_within slot; };
co_define(m) {
    co_begin;
    self->op = co_sleep(1);
    self->op = co_sleep(2);
    co_pause;
    co_try(co_within(&self->slot, 1, self->op));
    self->op = co_sleep(3);
    co_try(self->op);
    co_try(self->op);
    self->op = co_call(&self->child, child);
    co_pause;
    co_try(self->op);
    self->op = co_done(1);
    co_end;
}
