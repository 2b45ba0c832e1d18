/* mistake: an await in a switch */
/* expect: gcc warning overflow in conversion from  to 'int' changes value from ' */
/* expect c++: gcc error narrowing conversion of ' */
/* expect labels: gcc silent */
/* expect: clang warning overflow converting case value to switch condition type \( */
/* expect c++: clang error case value evaluates */
/* expect labels: clang silent */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    switch (self->x) {
    case 1:
        co_pause;
        break;
    default:
        break;
    }
    co_end;
}
