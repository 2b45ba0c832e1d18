/* expect: 8 co-above-begin */
/* A statement above co_begin. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int *k = &self->k;
    ++*k;
    co_begin;
    co_try(co_sleep(1));
    co_end;
}
