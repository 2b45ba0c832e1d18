/* expect: 8 co-local-address */
/* A compound literal of tasks. */
#include "loop.h"

struct m { co_frame; struct co_task *a, *b; };
co_define(m) {
    co_begin;
    co_try(co_gather((struct co_task *[]){ self->a, self->b }, 2));
    co_end;
}
