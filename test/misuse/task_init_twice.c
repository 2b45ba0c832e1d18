/* mistake: a task of co_task_init is made again while it runs */
/* expect: both silent */
/* expect: debug stop co_task_init\(\) of a task that has not ended */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; struct co_task task; struct child child; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_end;
}
co_define(m) {
    co_begin;
    co_task_init(&self->task, &self->child, child, .x = 1);
    co_task_init(&self->task, &self->child, child, .x = 2);
    co_try(co_join(&self->task));
    co_end;
}
int main(void) { return (int)co_main(m); }
