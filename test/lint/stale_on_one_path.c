/* expect: 14 co-stale-local */
/* One of two branches awaits. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = self->k * 2;
    if (n > 3)
        co_try(co_sleep(1));
    else
        n = 0;
    self->k = n;
    co_end;
}
