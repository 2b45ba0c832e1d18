/* mistake: none: a result that is a pointer, by co_await */
/* expect: both silent */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; struct child child; int *p; };

co_define(child) {
    co_begin;
    co_pause;
    co_return(&self->x);
    co_end;
}
co_define(m) {
    co_begin;
    co_await(self->p, co_call(&self->child, child));
    co_return(*self->p);
    co_end;
}
int main(void) { return (int)co_main(m); }
