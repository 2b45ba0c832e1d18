/* mistake: `int n = 3;` across an await */
/* expect: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc warning <co_return takes an integer or a pointer, and a local does */
/* expect: clang warning variable 'n' is uninitialized when used here */
/* expect c++: clang error cannot jump from switch statement to this case label */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    int n = self->x;
    co_pause;
    co_return(n);
    co_end;
}
