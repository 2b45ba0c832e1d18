/* mistake: `return;` in a body */
/* expect: gcc error 'return' with no value, in function returning non-void */
/* expect c++: gcc error return-statement with no value, in function returning */
/* expect: clang error non-void function 'co_run_m' should return a value */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_try(co_sleep(0.001));
    if (self->x == 0)
        return;
    co_end;
}
int main(void) { return (int)co_main(m); }
