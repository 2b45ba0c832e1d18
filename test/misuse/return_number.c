/* mistake: `return 0;` in a body */
/* expect: gcc error incompatible types when returning type 'int' but 'co_step_' */
/* expect c++: gcc error could not convert '0' from 'int' to 'co_step_' */
/* expect: clang error returning 'int' from a function with incompatible result type */
/* expect c++: clang error no viable conversion from returned value of type 'int' */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    return 0;
    co_end;
}
