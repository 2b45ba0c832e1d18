/* expect: 12 co-stale-local */
/* The right side of && is reached behind the await. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = self->k;
    do {
        co_try(co_sleep(1));
    } while (self->k && n > 0);
    co_end;
}
