/* mistake: none: words as the branches of an if without braces */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; intptr_t n; int x; };

co_define(m) {
    co_begin;
    if (self->x)
        co_try(self->n, co_sleep(0.001));
    else if (self->x > 3)
        co_pause;
    else
        co_await(self->n, co_sleep(0.001));
    while (self->x < 2)
        if (self->x++)
            co_pause;
        else
            co_wait_until(self->x > 0);
    if (self->n < 0)
        co_return(self->n);
    else
        co_return(0);
    co_end;
}
int main(void) { return (int)co_main(m); }
