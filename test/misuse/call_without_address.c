/* mistake: co_call(self->child, child): the & is missing */
/* expect: gcc error incompatible types when initializing type 'struct child \*' */
/* expect c++: gcc error cannot convert 'child' to 'child\*' in initialization */
/* expect: clang error initializing 'struct child \*' with an expression of */
/* expect c++: clang error no viable conversion from 'struct child' to 'struct child \*' */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; struct child child; };

co_declare(child);
co_define(m) {
    co_begin;
    co_try(co_call(self->child, child, .x = 1));
    co_end;
}
