/* expect: 9 co-not-awaited */
/* An op in a local that is made again instead of awaited. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_op op;
    co_begin;
    op = co_sleep(1);
    op = co_sleep(2);
    co_try(op);
    co_end;
}
