/* mistake: co_end is forgotten */
/* expect: gcc error expected declaration or statement at end of input */
/* expect c++: gcc error expected '\}' at end of input */
/* expect: clang error expected '\}' */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    self->x = 1;
}
