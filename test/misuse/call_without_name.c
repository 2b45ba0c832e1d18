/* mistake: co_call(&self->child): the name of the coroutine is missing */
/* expect: gcc error <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect strict: gcc error ISO C99 requires at least one argument for the "\.\.\." in a */
/* expect c++: gcc error cannot convert 'child\*' to 'int\*' in initialization */
/* expect: clang error declaration of anonymous struct must be a definition */
/* expect strict: clang error must specify at least one argument for '\.\.\.' parameter of */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; struct child child; };

co_declare(child);
co_define(m) {
    co_begin;
    co_try(co_call(&self->child));
    co_end;
}
