/* expect: 'co_begin_is_missing_' undeclared|undeclared identifier 'co_begin_is_missing_' */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_pause;
    self->x = 1;
    co_end;
}
