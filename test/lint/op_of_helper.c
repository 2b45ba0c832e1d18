/* expect: 12 co-not-awaited */
/* An op through a helper without CO_OP, which no compiler warns of. */
#include "loop.h"

static co_op nap(void)
{
    return co_sleep(1);
}
struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    nap();
    co_end;
}
