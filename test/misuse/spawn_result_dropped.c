/* mistake: the task that co_spawn returns is dropped */
/* expect: gcc warning <keep the task that co_spawn\(NAME, \.field = \.\.\.\) returns: */
/* expect: clang warning ignoring return value of function declared */
/* expect: lint co-dropped-result */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; };

co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
co_define(m) {
    co_begin;
    co_spawn(child, .x = 1);
    co_end;
}
int main(void) { return (int)co_main(m); }
