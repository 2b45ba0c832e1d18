/* mistake: the result of co_go is dropped, so that nobody sees -ENOMEM */
/* expect: gcc warning <co_go\(NAME, \.field = \.\.\.\) returns -ENOMEM if nothing runs: */
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
    co_go(child, .x = 1);
    co_end;
}
int main(void) { return (int)co_main(m); }
