/* mistake: an await in a switch */
/* expect: gcc warning <no await inside switch, no local across an await: make it a */
/* expect c++: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc silent */
/* expect: clang warning overflow converting case value to switch condition type \( */
/* expect c++: clang error case value evaluates */
/* expect labels: clang silent */
/* expect: lint co-await-in-switch */
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
