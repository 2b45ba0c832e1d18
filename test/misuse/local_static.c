/* mistake: a static local, which all tasks of the coroutine share */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    static int n;
    co_begin;
    n = self->x;
    co_try(co_sleep(0.001));
    self->x = n;
    co_end;
}
int main(void) { return (int)co_main(m); }
