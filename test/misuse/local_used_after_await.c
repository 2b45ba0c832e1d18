/* mistake: a local is set before an await and used after it */
/* expect: gcc warning 'n' may be used uninitialized */
/* expect plain system: gcc silent */
/* expect: clang warning variable 'n' is uninitialized when used here */
/* expect plain: clang silent */
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
