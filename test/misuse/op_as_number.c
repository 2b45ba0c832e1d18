/* mistake: an op is assigned to a number */
/* expect: gcc error <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang error assigning to 'intptr_t' */
#include "coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; intptr_t n; };
co_declare(child);

co_define(parent) {
    co_begin;
    self->n = co_call(&self->child, child, .x = 1);
    co_end;
}
