/* expect: 21 co-stale-local */
/* flags: -DCO_LABELS */
/* With CO_LABELS an await may stand in a switch, but a local does not survive it. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = self->k;
    switch (self->k) {
    case 1:
        co_try(co_sleep(1));
        break;
    case 2:
        n = 2;
        break;
    default:
        co_return(0);
    }
    self->k = n;
    co_end;
}
