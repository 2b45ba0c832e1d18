/* mistake: a coroutine awaits itself in its own frame */
/* expect: both silent */
/* expect: debug stop a coroutine awaits itself: the child needs its own frame */
/* expect: run stop a coroutine was resumed after its end */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_try(co_sleep(0.001));
    co_try(co_call(self, m));
    co_end;
}
int main(void) { return (int)co_main(m); }
