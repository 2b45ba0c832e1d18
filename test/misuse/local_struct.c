/* mistake: a struct is filled, then an await, then it is read */
/* expect: both silent */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };
struct point { int x, y; };

co_define(m) {
    struct point p;
    co_begin;
    p.x = 1, p.y = 2;
    co_try(co_sleep(0.001));
    printf("%d %d\n", p.x, p.y);
    co_end;
}
int main(void) { return (int)co_main(m); }
