/* mistake: `int n = 3;` before an await, and not used after it */
/* expect: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc silent */
/* expect: clang silent */
/* expect c++: clang error cannot jump from switch statement to this case label */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    int n = self->x;
    self->x = n;
    co_pause;
    co_end;
}
