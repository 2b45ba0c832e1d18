/* mistake: a coroutine that is not declared */
/* expect: gcc error <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang error use of undeclared identifier 'co_body_child' */
#include "coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = 1));
    co_end;
}
