/* expect: 8 co-ignored-cancel */
/* The break leaves the inner loop only. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    while (1) {
        for (self->k = 0; self->k < 9; self->k++)
            if (self->k == 5)
                break;
        co_await(co_sleep(1));
    }
    co_end;
}
