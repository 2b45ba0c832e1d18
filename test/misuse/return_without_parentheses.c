/* mistake: co_return 3; */
/* expect: gcc error 'co_return' undeclared \(first use in this function\); did you */
/* expect c++: gcc error 'co_return' was not declared in this scope */
/* expect: clang error use of undeclared identifier 'co_return'; did you mean */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_return 3;
    co_end;
}
