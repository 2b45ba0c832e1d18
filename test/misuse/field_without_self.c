/* mistake: a member of the frame without self-> */
/* expect: gcc error 'x' undeclared \(first use in this function\) */
/* expect c++: gcc error 'x' was not declared in this scope */
/* expect: clang error use of undeclared identifier 'x' */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    x = 1;
    co_end;
}
