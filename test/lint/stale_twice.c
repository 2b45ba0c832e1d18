/* expect: 13 co-stale-local */
/* expect: 13 co-stale-local */
/* expect: 17 co-stale-local */
/* One finding for each variable and await, not for each use. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int a, b;
    co_begin;
    a = b = 1;
    co_try(co_sleep(1));
    self->k = a + b;
    self->k = a + b;
    a = b = 2;
    co_try(co_sleep(2));
    self->k = a;
    co_end;
}
