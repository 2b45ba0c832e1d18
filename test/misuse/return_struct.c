/* mistake: co_return of a struct */
/* expect: gcc error <co_return takes an integer or a pointer, and a local does */
/* expect: clang error operand of type 'struct point' where arithmetic or pointer */
/* expect c++: clang error cannot convert 'struct point' to 'intptr_t' */
#include "coro.h"

struct point { int x, y; };
struct plain { co_frame; struct point point; };

co_define(plain) {
    co_begin;
    co_pause;
    co_return(self->point);
    co_end;
}
