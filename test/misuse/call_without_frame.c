/* mistake: co_call(child, .x = 1): the frame is missing */
/* expect: gcc error <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang error pasting formed 'co_body_\.', an invalid preprocessing token */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; struct child child; };

co_declare(child);
co_define(m) {
    co_begin;
    co_try(co_call(child, .x = 1));
    co_end;
}
