/* expect: 9 co-not-awaited */
/* expect: 11 co-not-awaited */
/* A comment for another check, or for another line, switches nothing off. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    co_sleep(1);        /* co-lint: off(co-stale-local) */
    co_pause;           /* co-lint: off(co-not-awaited) */
    co_sleep(2);
    co_end;
}
