/* expect: 15 co-local-address */
/* A task outlives the step that starts it. */
#include "loop.h"

struct child { co_frame; const char *name; };
static co_define(child) {
    co_begin;
    co_return(self->name[0]);
    co_end;
}
struct m { co_frame; struct co_task *task; };
co_define(m) {
    char name[8] = "x";
    co_begin;
    self->task = co_spawn(child, .name = name);
    co_try(co_join(self->task));
    co_finally;
    co_task_free(self->task);
    co_end;
}
