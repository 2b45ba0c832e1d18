/* mistake: a coroutine is called as a function */
/* expect: gcc warning implicit declaration of function 'child' */
/* expect c++: gcc error no matching function for call to 'child::child\(child\*\)' */
/* expect: clang warning implicit declaration of function 'child' is invalid in C99 */
/* expect c++: clang error no matching conversion for functional-style cast from 'struct */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; struct child child; };

co_declare(child);
co_define(m) {
    co_begin;
    child(&self->child);
    co_end;
}
