/* mistake: two tasks await one frame at once */
/* expect: both silent */
/* expect: run stop a coroutine was resumed after its end */
/* expect: debug stop is being awaited already */
#include "loop.h"

struct child { co_frame; int x; };
struct user { co_frame; struct child *child; };
struct m { co_frame; struct child child; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_try(co_sleep(0.001));
    co_end;
}
co_define(user) {
    co_begin;
    co_try(co_call(self->child, child));
    co_end;
}
co_define(m) {
    co_begin;
    if (co_go(user, .child = &self->child) < 0 || co_go(user, .child = &self->child) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.01));
    co_end;
}
int main(void) { return (int)co_main(m); }
