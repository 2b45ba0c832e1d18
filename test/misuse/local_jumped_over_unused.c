/* mistake: `int n = 3;` before an await, and not used after it */
/* expect: gcc error switch jumps over variable initialization */
/* expect system labels: gcc silent */
/* expect c++: gcc error jump to case label */
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
