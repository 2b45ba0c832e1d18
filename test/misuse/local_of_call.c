/* mistake: `int n; n = f();`, then an await, then a use */
/* expect: gcc warning 'n' may be used uninitialized */
/* expect plain: gcc silent */
/* expect: clang warning variable 'n' may be uninitialized when used here */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

int f(void);
int f(void) { return (int)co_time(); }
struct m { co_frame; int x; };

co_define(m) {
    int n;
    co_begin;
    n = f();
    co_try(co_sleep(0.001));
    printf("%d\n", n);
    co_end;
}
int main(void) { return (int)co_main(m); }
