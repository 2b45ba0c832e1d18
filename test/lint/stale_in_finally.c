/* expect: 13 co-stale-local */
/* A failed co_try goes to co_finally. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = 1;
    co_try(co_sleep(1));
    n = 2;
    co_finally;
    self->k = n;
    co_end;
}
