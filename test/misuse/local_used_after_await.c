/* mistake: a local is set before an await and used after it */
/* expect: gcc warning <co_return takes an integer or a pointer, and a local does */
/* expect plain: gcc silent */
/* expect: clang warning variable 'n' is uninitialized when used here */
/* expect: lint co-stale-local */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    int n;
    co_begin;
    n = self->x * 2;
    co_pause;
    co_return(n);
    co_end;
}
