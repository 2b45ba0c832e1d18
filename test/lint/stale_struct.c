/* expect: 12 co-stale-local */
/* A whole struct. */
#include "loop.h"

struct pair { int a, b; };
struct m { co_frame; struct pair p; };
co_define(m) {
    struct pair local;
    co_begin;
    local = (struct pair){ 1, 2 };
    co_try(co_sleep(1));
    self->p = local;
    co_end;
}
