/* mistake: co_finally inside a loop */
/* expect: gcc silent */
/* expect strict: gcc warning declaration of 'co_in_finally_' shadows a previous local */
/* expect: clang silent */
/* expect strict: clang warning declaration shadows a local variable */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    while (self->x++ < 3) {
        co_try(co_sleep(0.001));
        co_finally;
        self->x = 2;
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
