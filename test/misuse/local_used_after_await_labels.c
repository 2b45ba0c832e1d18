/* expect gcc: 'n' may be used uninitialized */
/* expect clang: variable 'n' is uninitialized when used here */
/* flags: -DCO_LABELS */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    int n = self->x * 2;
    co_pause;
    co_return(n);
    co_end;
}
