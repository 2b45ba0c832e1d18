/* expect: 12 co-stale-local */
/* An array that is filled, and read after an await. */
#include <stdio.h>
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    char buf[64];
    co_begin;
    snprintf(buf, sizeof buf, "%d", self->k);
    co_try(co_sleep(1));
    puts(buf);
    co_end;
}
