/* mistake: an op without its await */
/* expect: gcc warning <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang warning ignoring return value of function declared */
#include "coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_call(&self->child, child, .x = 1);
    co_end;
}
