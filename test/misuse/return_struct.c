/* mistake: co_return of a struct */
/* expect: gcc error aggregate value used where an integer was expected */
/* expect c++: gcc error invalid cast from type 'point' to type 'intptr_t' \{aka \} */
/* expect: clang error operand of type 'struct point' where arithmetic or pointer */
/* expect c++: clang error cannot convert 'struct point' to 'intptr_t' \(aka \) without a */
#include "coro.h"

struct point { int x, y; };
struct plain { co_frame; struct point point; };

co_define(plain) {
    co_begin;
    co_pause;
    co_return(self->point);
    co_end;
}
