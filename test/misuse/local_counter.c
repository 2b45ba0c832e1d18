/* mistake: a local counts a loop with an await */
/* expect: gcc silent */
/* expect: clang warning variable 'i' is uninitialized when used here */
/* expect: lint co-stale-local */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    int i;
    co_begin;
    for (i = 0; i < self->x; i++)
        co_pause;
    co_end;
}
