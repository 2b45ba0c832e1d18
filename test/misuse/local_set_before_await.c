/* mistake: `int n; n = 3;`, then an await, then a use */
/* expect: gcc silent */
/* expect: clang warning variable 'n' may be uninitialized when used here */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    int n;
    n = 3;
    co_try(co_sleep(0.001));
    printf("%d\n", n);
    co_end;
}
int main(void) { return (int)co_main(m); }
