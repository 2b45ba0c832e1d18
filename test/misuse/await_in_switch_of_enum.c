/* mistake: an await in a switch of an enum */
/* expect: gcc warning <no await inside switch, no local across an await: make it a */
/* expect c++: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc silent */
/* expect: clang warning overflow converting case value to switch condition type \( */
/* expect c++: clang error case value evaluates */
/* expect labels: clang silent */
/* expect: lint co-await-in-switch */
#include "coro.h"

enum state { IDLE, BUSY };
struct plain { co_frame; enum state state; };

co_define(plain) {
    co_begin;
    switch (self->state) {
    case IDLE:
        co_pause;
        break;
    case BUSY:
        break;
    }
    co_end;
}
