/* expect: 9 co-local-address */
/* The slot of a deadline is a local. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    struct co_within slot;
    co_begin;
    co_try(co_within(&slot, 1, co_sleep(2)));
    co_end;
}
