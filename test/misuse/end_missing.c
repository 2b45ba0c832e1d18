/* expect: expected (declaration or statement at end of input|'\}') */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    self->x = 1;
}
