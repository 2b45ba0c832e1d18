/* mistake: a loop variable of `for (int i = 0; ...)` around an await */
/* expect: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc warning 'i' may be used uninitialized */
/* expect: clang warning variable 'i' may be uninitialized when used here */
/* expect c++: clang error cannot jump from switch statement to this case label */
/* expect: lint co-stale-local */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    for (int i = 0; i < 3; i++)
        co_try(co_sleep(0.001));
    co_end;
}
int main(void) { return (int)co_main(m); }
