/* expect: nothing */
/* A lock may always be released; a semaphore if it was acquired. */
#include "loop.h"
#include "sync.h"

static struct co_semaphore permits;
static struct co_lock lock;
struct m { co_frame; int inside; };
co_define(m) {
    co_begin;
    co_try(co_lock_acquire(&lock));
    co_try(co_semaphore_acquire(&permits));
    self->inside = 1;
    co_try(co_sleep(1));
    co_finally;
    if (self->inside)
        co_semaphore_release(&permits);
    co_lock_release(&lock);
    co_end;
}

/* Here another one has acquired it. */
struct of_another { co_frame; };
co_define(of_another) {
    co_begin;
    co_try(co_sleep(1));
    co_finally;
    co_semaphore_release(&permits);
    co_end;
}
