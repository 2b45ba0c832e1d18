/* mistake: a coroutine ends and leaves tasks in a group of its frame */
/* expect: both silent */
/* expect: run stop user has ended and leaves tasks in its group: await */
#include "loop.h"

struct child { co_frame; };
struct user { co_frame; struct co_group group; };
struct m { co_frame; struct user user; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.01));
    co_end;
}
co_define(user) {
    co_begin;
    co_group_init(&self->group, NULL);
    if (co_group_go(&self->group, child) < 0)
        co_return(-ENOMEM);
    co_end;
}
co_define(m) {
    co_begin;
    co_try(co_call(&self->user, user));
    co_try(co_sleep(0.001));
    co_end;
}
int main(void) { return (int)co_main(m); }
