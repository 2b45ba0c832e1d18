/* expect: 11 co-stale-local */
/* A scalar that was set, and is read after an await. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = 3;
    co_try(co_sleep(1));
    self->k = n;
    co_end;
}
