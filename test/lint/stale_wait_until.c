/* expect: 11 co-stale-local */
/* co_wait_until pauses. */
#include "coro.h"

struct m { co_frame; int ready, k; };
co_define(m) {
    int n;
    co_begin;
    n = self->k;
    co_wait_until(self->ready);
    self->k = n;
    co_end;
}
