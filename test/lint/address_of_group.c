/* expect: 17 co-local-address */
/* expect: 19 co-local-address */
/* A group of tasks on the C stack. */
#include "group.h"

struct child { co_frame; };
static co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
struct m { co_frame; int k; };
co_define(m) {
    struct co_group group;
    co_begin;
    co_group_init(&group, NULL);
    if (co_group_go(&group, child) < 0)
        co_return(-ENOMEM);
    co_try(co_group_wait(&group));
    co_end;
}
