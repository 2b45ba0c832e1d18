/* mistake: co_finally inside a block */
/* expect: gcc error expected 'while' before 'goto' */
/* expect c++: gcc error expected 'while' before 'co_out_' */
/* expect: clang error expected 'while' in do/while loop */
/* expect strict: clang error declaration shadows a local variable */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    if (self->x == 0) {
        co_try(co_sleep(0.001));
        co_finally;
        self->x = 2;
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
