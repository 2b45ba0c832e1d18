/* mistake: a local is set before an await and used after it, under CO_LABELS */
/* forms: labels */
/* expect: gcc warning <co_return takes an integer or a pointer, and a local does */
/* expect: clang warning variable 'n' is uninitialized when used here */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    int n = self->x * 2;
    co_pause;
    co_return(n);
    co_end;
}
