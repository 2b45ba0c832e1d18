/* mistake: none: a result in a local that is read before the next await */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    intptr_t r;
    co_begin;
    co_await(r, co_sleep(0.001));
    if (r < 0)
        co_return(r);
    co_await(r, co_sleep(0.001));
    if (r < 0)
        co_return(r);
    co_end;
}
int main(void) { return (int)co_main(m); }
