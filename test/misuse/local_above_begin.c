/* mistake: a local with an initial value above co_begin counts over awaits */
/* expect: both silent */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    int n = 0;
    co_begin;
    n++;
    co_try(co_sleep(0.001));
    n++;
    printf("%d\n", n);
    co_end;
}
int main(void) { return (int)co_main(m); }
