/* mistake: the array of co_gather is a compound literal */
/* forms: plain strict system labels debug */
/* expect: both silent */
/* expect: lint co-local-address */
/* expect: debug stop lies on the C stack, which is gone when the await suspends */
#include "loop.h"

struct child { co_frame; };
struct m { co_frame; struct co_task *a, *b; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    co_end;
}
co_define(m) {
    co_begin;
    self->a = co_spawn(child);
    self->b = co_spawn(child);
    co_try(co_gather((struct co_task *[]){ self->a, self->b }, 2));
    co_finally;
    co_task_free(self->a);
    co_task_free(self->b);
    co_end;
}
int main(void) { return (int)co_main(m); }
