/* expect: 13 co-finally-release */
/* A permit out of nothing. */
#include "loop.h"
#include "sync.h"

static struct co_semaphore permits;
struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    co_try(co_semaphore_acquire(&permits));
    co_try(co_sleep(1));
    co_finally;
    co_semaphore_release(&permits);
    co_end;
}
