/* expect: 12 co-stale-local */
/* A jump back over the await. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int tries;
    co_begin;
    tries = 0;
again:
    co_await(co_sleep(1));
    if (++tries < 3)
        goto again;
    co_end;
}
