/* mistake: a task is given the address of a local */
/* expect: both silent */
/* expect: lint co-local-address */
#include "loop.h"
#include <stdio.h>

struct child { co_frame; int *n; };
struct m { co_frame; };

co_define(child) {
    co_begin;
    printf("%d\n", *self->n);
    co_end;
}
co_define(m) {
    int n;
    co_begin;
    n = 42;
    if (co_go(child, .n = &n) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.001));
    co_end;
}
int main(void) { return (int)co_main(m); }
