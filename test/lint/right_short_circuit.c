/* expect: nothing */
/* What an await cannot have come before. */
#include "loop.h"

struct m { co_frame; int k, done; };
co_define(m) {
    int n = 0;
    co_begin;
    while (!self->done && (n = self->k) > 0 && n < 9) {
        self->k = n + 1;
        co_try(co_sleep(1));
    }
    co_return((n = self->k, n));
    co_end;
}
