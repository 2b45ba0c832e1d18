/* mistake: a task fails, and nobody looks at its result */
/* expect: both silent */
#include "loop.h"

struct child { co_frame; };
struct m { co_frame; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_return(-EIO);
    co_end;
}
co_define(m) {
    co_begin;
    if (co_go(child) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.01));
    co_end;
}
int main(void) { return (int)co_main(m); }
