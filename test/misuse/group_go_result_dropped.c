/* mistake: the result of co_group_go is dropped, so that nobody sees -ENOMEM */
/* expect: gcc warning <co_group_go\(&group, NAME, \.field = \.\.\.\) returns an error if */
/* expect: clang warning ignoring return value of function declared */
/* expect: lint co-dropped-result */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; struct co_group group; };

co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
co_define(m) {
    co_begin;
    co_group_init(&self->group, NULL);
    co_group_go(&self->group, child, .x = 1);
    co_try(co_group_wait(&self->group));
    co_end;
}
int main(void) { return (int)co_main(m); }
