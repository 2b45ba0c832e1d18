/* mistake: a break that stands in no loop */
/* expect: both silent */
/* expect: run stop a break that stands in no loop left this coroutine */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_try(co_sleep(0.001));
    if (self->x == 0)
        break;
    co_end;
}
int main(void) { return (int)co_main(m); }
