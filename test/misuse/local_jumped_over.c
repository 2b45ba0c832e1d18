/* mistake: `int n = 3;` across an await */
/* expect: gcc error switch jumps over variable initialization */
/* expect system: gcc silent */
/* expect c++: gcc error jump to case label */
/* expect labels: gcc warning 'n' may be used uninitialized */
/* expect: clang warning variable 'n' is uninitialized when used here */
/* expect plain: clang silent */
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
