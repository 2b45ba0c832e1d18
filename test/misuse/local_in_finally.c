/* mistake: a local is set in the body and read in co_finally */
/* expect: gcc warning 'p' may be used uninitialized */
/* expect plain: gcc silent */
/* expect: clang warning variable 'p' may be uninitialized when used here */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdlib.h>

struct m { co_frame; int x; };

co_define(m) {
    char *p;
    co_begin;
    p = (char *)malloc(10);
    co_try(co_sleep(0.001));
    co_finally;
    free(p);
    co_end;
}
int main(void) { return (int)co_main(m); }
