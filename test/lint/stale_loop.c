/* expect: 8 co-stale-local */
/* A loop variable. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    for (int i = 0; i < 3; i++)
        co_try(co_sleep(1));
    co_end;
}
