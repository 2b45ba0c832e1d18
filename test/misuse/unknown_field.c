/* mistake: co_call with a field that the frame does not have */
/* expect: gcc error 'struct child' has no member named 'y' */
/* expect c++: gcc error <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang error field designator 'y' does not refer to any field in type */
#include "coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .y = 1));
    co_end;
}
