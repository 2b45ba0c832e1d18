/* mistake: two tasks use one slot of co_within at once */
/* expect: both silent */
/* expect: run stop a coroutine was resumed after its end */
/* expect: debug stop is being awaited already */
#include "loop.h"

struct user { co_frame; struct co_within *slot; };
struct m { co_frame; struct co_within slot; };

co_define(user) {
    co_begin;
    co_try(co_within(self->slot, 0.1, co_sleep(0.001)));
    co_end;
}
co_define(m) {
    co_begin;
    if (co_go(user, .slot = &self->slot) < 0 || co_go(user, .slot = &self->slot) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.01));
    co_end;
}
int main(void) { return (int)co_main(m); }
