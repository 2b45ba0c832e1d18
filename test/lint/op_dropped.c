/* expect: 9 co-not-awaited */
/* expect: 11 co-not-awaited */
/* An op whose result nobody looks at. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    co_sleep(1);
    if (self->k)
        co_sleep(2), self->k++;
    co_end;
}
