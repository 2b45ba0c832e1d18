/* mistake: co_group_init is forgotten, and the storage is not zeroed */
/* expect: both silent */
#include "loop.h"
#include <stdlib.h>
#include <string.h>

struct child { co_frame; };
struct m { co_frame; struct co_group *group; };

co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
co_define(m) {
    co_begin;
    self->group = (struct co_group *)malloc(sizeof *self->group);
    if (!self->group)
        co_return(-ENOMEM);
    memset(self->group, 0xA5, sizeof *self->group);
    if (co_group_go(self->group, child) < 0)
        co_return(-ENOMEM);
    co_try(co_group_wait(self->group));
    co_finally;
    free(self->group);
    co_end;
}
int main(void) { return (int)co_main(m); }
