/* expect: 8 co-ignored-cancel */
/* A loop that no cancel ends. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    for (;;)
        co_await(co_sleep(1));
    co_end;
}
