/* expect gcc: switch jumps over variable initialization */
/* expect clang: variable 'n' is uninitialized when used here */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    int n = self->x;
    co_pause;
    co_return(n);
    co_end;
}
