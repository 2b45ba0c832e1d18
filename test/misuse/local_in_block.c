/* mistake: a local with an initial value, in a block of its own with an await */
/* expect: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc warning 'n' may be used uninitialized */
/* expect: clang warning variable 'n' may be uninitialized when used here */
/* expect c++: clang error cannot jump from switch statement to this case label */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    {
        int n = self->x + 3;
        co_try(co_sleep(0.001));
        printf("%d\n", n);
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
