/* mistake: none: a switch that no await stands in, with co_return inside */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_try(co_sleep(0.001));
    switch (self->x) {
    case 0:
        self->x = 1;
        break;
    case 1:
        co_return(-1);
    default:
        break;
    }
    co_finally;
    switch (self->x) {
    case 5: self->x = 0; break;
    default: break;
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
