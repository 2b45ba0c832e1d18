/* expect: nothing */
/* Comments that switch a check off. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = 1;
    co_try(co_sleep(1));
    self->k = n;        // co-lint: off(co-stale-local)
    /* co-lint: off(co-stale-local, co-not-awaited) */
    co_sleep(1);
    co_sleep(2);        /* as meant: co-lint: off */
    co_end;
}
