/* mistake: co_finally releases a semaphore whose acquire was cancelled */
/* expect: both silent */
/* expect: lint co-finally-release */
#include "loop.h"

struct child { co_frame; struct co_semaphore *semaphore; };
struct m { co_frame; struct co_semaphore semaphore; struct co_task *task; };

co_define(child) {
    co_begin;
    co_try(co_semaphore_acquire(self->semaphore));
    co_try(co_sleep(0.001));
    co_finally;
    co_semaphore_release(self->semaphore);
    co_end;
}
co_define(m) {
    co_begin;
    self->task = co_spawn(child, .semaphore = &self->semaphore);
    co_try(co_sleep(0.001));
    co_cancel(self->task);
    co_await(co_join(self->task));
    co_task_free(self->task);
    co_return((intptr_t)self->semaphore.value);
    co_end;
}
int main(void) { return (int)co_main(m); }
