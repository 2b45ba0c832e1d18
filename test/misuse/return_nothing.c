/* mistake: co_return(); */
/* expect: gcc error <co_return takes an integer or a pointer, and a local does */
/* expect: clang error expected expression */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_return();
    co_end;
}
