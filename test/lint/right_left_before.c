/* expect: nothing */
/* The await is on a path that leaves. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    n = self->k;
    if (n > 3) {
        co_try(co_sleep(1));
        co_return(0);
    }
    if (n < 0)
        goto out;
    self->k = n;
out:
    co_await(co_sleep(1));
    co_end;
}
