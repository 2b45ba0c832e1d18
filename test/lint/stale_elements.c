/* expect: 12 co-stale-local */
/* An array that was filled in a loop, across the turns of another. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int all[4];
    co_begin;
    for (int i = 0; i < 4; i++)
        all[i] = i;
    for (;;) {
        self->k += all[0];
        co_try(co_sleep(1));
    }
    co_end;
}
