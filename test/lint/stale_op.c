/* expect: 11 co-stale-local */
/* An op that was made before another await. */
#include "loop.h"

struct m { co_frame; int fd; char c; };
co_define(m) {
    co_op op;
    co_begin;
    op = co_readable(self->fd);
    co_try(co_sleep(1));
    co_try(op);
    co_end;
}
