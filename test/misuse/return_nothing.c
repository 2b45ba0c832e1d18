/* mistake: co_return(); */
/* expect: gcc error expected expression before '\)' token */
/* expect c++: gcc error expected primary-expression before '\)' token */
/* expect: clang error expected expression */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_return();
    co_end;
}
