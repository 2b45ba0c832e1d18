/* mistake: co_begin is forgotten */
/* expect: gcc error 'co_begin_is_missing_' undeclared \(first use in this */
/* expect c++: gcc error 'co_begin_is_missing_' was not declared in this scope */
/* expect labels: gcc error 'co_in_finally_' undeclared \(first use in this function\); did */
/* expect: clang error use of undeclared identifier 'co_begin_is_missing_' */
/* expect labels: clang error use of undeclared identifier 'co_in_finally_' */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_pause;
    self->x = 1;
    co_end;
}
