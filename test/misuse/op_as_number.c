/* expect gcc: incompatible types when assigning to type 'intptr_t' .*from type 'co_op' */
/* expect clang: assigning to 'intptr_t' .*from incompatible type 'co_op' */
#include "../../coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; intptr_t n; };
co_declare(child);

co_define(parent) {
    co_begin;
    self->n = co_call(&self->child, child, .x = 1);
    co_end;
}
