/* mistake: co_call without an await */
/* expect: gcc warning <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang warning ignoring return value of function declared */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; struct child child; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_end;
}
co_define(m) {
    co_begin;
    co_call(&self->child, child, .x = 1);
    co_end;
}
int main(void) { return (int)co_main(m); }
