/* mistake: the frame of a call is a local */
/* expect: both silent */
/* expect: lint co-local-address */
/* expect: debug stop lies on the C stack, which is gone when the await suspends */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; int x; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_try(co_sleep(0.001));
    co_return(self->x);
    co_end;
}
co_define(m) {
    struct child c;
    co_begin;
    co_try(co_call(&c, child, .x = 3));
    co_end;
}
int main(void) { return (int)co_main(m); }
