/* mistake: a task is woken that does not wait */
/* expect: both silent */
/* expect: run stop co_wake\(\) of a task that does not wait: wake each wait */
#include "loop.h"

struct child { co_frame; };
struct m { co_frame; struct co_task *task; };

co_define(child) {
    co_begin;
    co_await(co_wait());
    co_end;
}
co_define(m) {
    co_begin;
    self->task = co_spawn(child);
    co_try(co_sleep(0.001));
    co_wake(self->task, 1);
    co_wake(self->task, 1);
    co_try(co_join(self->task));
    co_end;
}
int main(void) { return (int)co_main(m); }
