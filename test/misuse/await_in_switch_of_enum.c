/* mistake: an await in a switch of an enum */
/* expect: gcc warning conversion from  to 'unsigned int' changes value from ' */
/* expect c++: gcc error narrowing conversion of ' */
/* expect labels: gcc silent */
/* expect: clang warning overflow converting case value to switch condition type \( */
/* expect c++: clang error case value evaluates */
/* expect labels: clang silent */
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
