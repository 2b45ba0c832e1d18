/* mistake: none: results that are dropped by (void) or looked at */
/* expect: both silent */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; struct co_group group; int r; };

co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
co_define(m) {
    co_begin;
    co_group_init(&self->group, NULL);
    self->r = co_go(child, .x = 1);
    if (self->r < 0 || co_group_go(&self->group, child, .x = 1) < 0)
        co_return(-ENOMEM);
    self->r = co_group_go(&self->group, child);
    co_try(co_group_wait(&self->group));
    co_return(self->r);
    co_end;
}
int main(void) { return (int)co_main(m); }
