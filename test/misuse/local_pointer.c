/* mistake: a pointer into the frame is made before an await and used after it */
/* expect: both silent */
/* expect: lint co-stale-local */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    int *p = NULL;
    co_begin;
    p = &self->x;
    co_try(co_sleep(0.001));
    *p = 3;
    co_end;
}
int main(void) { return (int)co_main(m); }
