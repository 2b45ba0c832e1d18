/* expect: 15 co-local-address */
/* The frame of a child is a local. */
#include "loop.h"

struct child { co_frame; };
static co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
struct m { co_frame; int k; };
co_define(m) {
    struct child c;
    co_begin;
    co_try(co_call(&c, child));
    co_end;
}
