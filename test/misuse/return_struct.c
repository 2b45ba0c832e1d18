/* expect gcc: aggregate value used where an integer was expected */
/* expect clang: operand of type 'struct point' where arithmetic or pointer type is required */
#include "../../coro.h"

struct point { int x, y; };
struct plain { co_frame; struct point point; };

co_define(plain) {
    co_begin;
    co_pause;
    co_return(self->point);
    co_end;
}
