/* expect: 16 co-dropped-result */
/* expect: 17 co-dropped-result */
/* expect: 19 co-dropped-result */
/* Tasks that may not have been started. */
#include "group.h"

struct child { co_frame; int fd; };
static co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
struct m { co_frame; struct co_group group; int i; };
co_define(m) {
    co_begin;
    co_go(child, .fd = 3);
    co_spawn(child, .fd = 4);
    for (self->i = 0; self->i < 2; self->i++)
        co_group_go(&self->group, child);
    co_try(co_group_wait(&self->group));
    co_end;
}
