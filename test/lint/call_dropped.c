/* expect: 14 co-not-awaited */
/* A child that never runs. */
#include "loop.h"

struct child { co_frame; };
static co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
struct m { co_frame; struct child child; };
co_define(m) {
    co_begin;
    co_call(&self->child, child);
    co_end;
}
