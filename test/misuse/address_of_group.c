/* mistake: a group is a local */
/* expect: both silent */
/* expect: lint co-local-address */
/* expect: debug stop lies on the C stack, which is gone when the await suspends */
#include "loop.h"

struct child { co_frame; };
struct m { co_frame; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_end;
}
co_define(m) {
    struct co_group group;
    co_begin;
    co_group_init(&group, NULL);
    if (co_group_go(&group, child) < 0)
        co_return(-ENOMEM);
    co_try(co_group_wait(&group));
    co_end;
}
int main(void) { return (int)co_main(m); }
