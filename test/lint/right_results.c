/* expect: nothing */
/* Results that are looked at, and one that is given up with a cast. */
#include "group.h"

struct child { co_frame; int fd; };
static co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
struct m { co_frame; struct co_group group; struct co_task *task; };
co_define(m) {
    co_begin;
    if (co_go(child) < 0 || co_group_go(&self->group, child) < 0)
        co_return(-ENOMEM);
    (void)co_go(child, .fd = 1);
    if (!(self->task = co_spawn(child)))
        co_return(-ENOMEM);
    co_try(co_join(self->task));
    co_finally;
    co_task_free(self->task);
    co_end;
}
