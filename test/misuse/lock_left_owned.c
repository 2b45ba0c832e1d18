/* mistake: a task ends and still owns a lock */
/* expect: both silent */
/* expect: run stop child ended and still owns a lock: co_lock_release\(\) */
#include "loop.h"

struct child { co_frame; struct co_lock *lock; };
struct m { co_frame; struct co_lock lock; };

co_define(child) {
    co_begin;
    co_try(co_lock_acquire(self->lock));
    co_end;
}
co_define(m) {
    co_begin;
    if (co_go(child, .lock = &self->lock) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.001));
    co_try(co_lock_acquire(&self->lock));
    co_lock_release(&self->lock);
    co_end;
}
int main(void) { return (int)co_main(m); }
