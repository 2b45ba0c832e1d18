/* mistake: an await in a switch of a char */
/* expect: gcc warning <no await inside switch, no local across an await: make it a */
/* expect c++: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc silent */
/* expect: clang warning overflow converting case value to switch condition type \( */
/* expect c++: clang error case value evaluates */
/* expect labels: clang silent */
/* expect: run stop an await inside a switch cannot be resumed: write it */
/* expect: lint co-await-in-switch */
#include "loop.h"

struct m { co_frame; char x; };

co_define(m) {
    co_begin;
    switch (self->x) {
    case 'a':
        co_try(co_sleep(0.001));
        break;
    default:
        co_pause;
        break;
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
