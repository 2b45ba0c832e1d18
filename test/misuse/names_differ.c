/* mistake: struct request, but co_define(requests) */
/* expect: gcc error 'struct requests' declared inside parameter list will not be */
/* expect c++: gcc error invalid use of incomplete type 'struct requests' */
/* expect: clang error declaration of 'struct requests' will not be visible outside */
/* expect c++: clang error offsetof of incomplete type 'struct requests' */
#include "coro.h"

struct request { co_frame; int x; };

co_define(requests) {
    co_begin;
    co_pause;
    self->x = 1;
    co_end;
}
