/* mistake: a lock that others shall use is a local */
/* expect: gcc silent */
/* expect c++: gcc warning missing initializer for member 'co_lock::owner' */
/* expect: clang silent */
/* expect c++: clang warning missing field 'owner' initializer */
/* expect: lint co-local-address */
#include "loop.h"

struct child { co_frame; struct co_lock *lock; };
struct m { co_frame; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_try(co_lock_acquire(self->lock));
    co_lock_release(self->lock);
    co_end;
}
co_define(m) {
    struct co_lock lock;
    co_begin;
    lock = (struct co_lock){ 0 };
    if (co_go(child, .lock = &lock) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.01));
    co_end;
}
int main(void) { return (int)co_main(m); }
