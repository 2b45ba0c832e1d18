/* expect: 16 co-local-address */
/* The frame of a child is given the address of a local. */
#include "loop.h"

struct child { co_frame; int *out; };
static co_define(child) {
    co_begin;
    co_pause;
    *self->out = 3;
    co_end;
}
struct m { co_frame; struct child child; };
co_define(m) {
    int answer = 0;
    co_begin;
    co_try(co_call(&self->child, child, .out = &answer));
    co_end;
}
