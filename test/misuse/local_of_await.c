/* mistake: the result of an await is kept in a local over the next one */
/* expect: gcc warning 'n' may be used uninitialized */
/* expect plain: gcc silent */
/* expect: clang warning variable 'n' is used uninitialized whenever switch case is */
/* expect labels: clang warning variable 'n' may be uninitialized when used here */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    intptr_t n, r;
    co_begin;
    co_await(n, co_sleep(0.001));
    co_await(r, co_sleep(0.001));
    printf("%d %d\n", (int)n, (int)r);
    co_end;
}
int main(void) { return (int)co_main(m); }
