/* expect: 10 co-stale-local */
/* The place of a result is evaluated after the await. */
#include "loop.h"

struct m { co_frame; intptr_t all[3]; int k; };
co_define(m) {
    int i;
    co_begin;
    i = self->k;
    co_await(self->all[i], co_sleep(1));
    co_end;
}
