/* expect: nothing */
/* What survives is in the frame. */
#include "loop.h"

struct m { co_frame; int i, n; char buf[64]; intptr_t r; };
co_define(m) {
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        int twice = self->i * 2;
        self->n += twice;
        co_try(co_sleep(1));
    }
    co_return(self->n);
    co_end;
}
