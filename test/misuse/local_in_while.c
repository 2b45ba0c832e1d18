/* mistake: a local counts the turns of a loop with an await */
/* expect: gcc warning 'n' may be used uninitialized */
/* expect plain: gcc silent */
/* expect: clang warning variable 'n' may be uninitialized when used here */
/* expect: lint co-stale-local */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    int n;
    co_begin;
    n = 3;
    while (n-- > 0)
        co_try(co_sleep(0.001));
    co_end;
}
int main(void) { return (int)co_main(m); }
