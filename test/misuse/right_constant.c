/* mistake: none: a local above co_begin that has the same value at each resume */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    int *x = &self->x;
    const int turns = 3;
    co_begin;
    while (++*x < turns)
        co_try(co_sleep(0.001));
    co_end;
}
int main(void) { return (int)co_main(m); }
