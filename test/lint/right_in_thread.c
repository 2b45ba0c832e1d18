/* expect: nothing */
/* A function for a thread may block. */
#include <unistd.h>
#include "loop.h"
#include "thread.h"

static intptr_t slow(void *arg)
{
    (void)arg;
    return (intptr_t)sleep(1);
}
struct m { co_frame; int n; };
co_define(m) {
    co_begin;
    co_try(co_thread(slow, &self->n));
    co_end;
}
