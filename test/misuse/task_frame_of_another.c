/* mistake: CO_TASK_FRAME with the name of another coroutine */
/* expect: both silent */
/* expect: run stop CO_TASK_FRAME: the task that stands here does not run */
#include "loop.h"

struct child { co_frame; int x; };
struct other { co_frame; char big[100]; };
struct m { co_frame; struct co_task *task; };

co_declare(other);
co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
co_define(other) {
    co_begin;
    self->big[0] = 1;
    co_end;
}
co_define(m) {
    co_begin;
    self->task = co_spawn(child);
    CO_TASK_FRAME(self->task, other)->big[99] = 1;
    co_try(co_join(self->task));
    co_task_free(self->task);
    co_end;
}
int main(void) { return (int)co_main(m); }
