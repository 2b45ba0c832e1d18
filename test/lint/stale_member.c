/* expect: 12 co-stale-local */
/* A member of a local struct. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    struct { int a, b; } pair;
    co_begin;
    pair.a = 1;
    co_try(co_sleep(1));
    pair.b = 2;
    self->k = pair.a + pair.b;
    co_end;
}
