/* expect: 11 co-stale-local */
/* A pointer is gone, though what it points to stays. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int *p;
    co_begin;
    p = &self->k;
    co_try(co_sleep(1));
    *p = 3;
    co_end;
}
