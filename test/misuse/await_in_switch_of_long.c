/* mistake: an await in a switch of 64 bits */
/* expect: both silent */
/* expect: run stop an await inside a switch cannot be resumed: write it */
/* expect: lint co-await-in-switch */
#include "loop.h"

struct m { co_frame; uint64_t x; };

co_define(m) {
    co_begin;
    switch (self->x) {
    case 0:
        co_try(co_sleep(0.001));
        break;
    default:
        break;
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
