/* mistake: co_join without an await */
/* expect: gcc warning ignoring return(ed)? value of type .co_op */
/* expect: clang warning ignoring return value of function declared */
/* expect: run stop co_task_free\(\) of a task that has not ended: join it */
#include "loop.h"

struct child { co_frame; };
struct m { co_frame; struct co_task *task; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_end;
}
co_define(m) {
    co_begin;
    self->task = co_spawn(child);
    co_join(self->task);
    co_task_free(self->task);
    co_end;
}
int main(void) { return (int)co_main(m); }
