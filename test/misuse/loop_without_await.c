/* mistake: a loop that waits for another task without an await */
/* expect: both silent */
#include "loop.h"

struct child { co_frame; int *flag; };
struct m { co_frame; int flag; };

co_define(child) {
    co_begin;
    *self->flag = 1;
    co_end;
}
co_define(m) {
    co_begin;
    if (co_go(child, .flag = &self->flag) < 0)
        co_return(-ENOMEM);
    while (!*(volatile int *)&self->flag)
        ;
    co_end;
}
int main(void) { return (int)co_main(m); }
