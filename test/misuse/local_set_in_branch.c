/* mistake: a local is set in a branch before an await and read after it */
/* expect: gcc warning 'd' may be used uninitialized */
/* expect plain: gcc silent */
/* expect: clang warning variable 'd' may be uninitialized when used here */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    double d;
    co_begin;
    if (self->x)
        d = 1;
    else
        d = 2;
    co_try(co_sleep(0.001));
    printf("%g\n", d);
    co_end;
}
int main(void) { return (int)co_main(m); }
