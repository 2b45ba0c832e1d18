/* expect gcc: incompatible types when returning type 'int' but 'co_step_' .*was expected */
/* expect clang: returning 'int' from a function with incompatible result type 'co_step_' */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    return 0;
    co_end;
}
