/* mistake: co_call with the frame of another coroutine */
/* expect: gcc error initialization of 'struct child \*' from incompatible pointer */
/* expect c++: gcc error cannot convert 'other\*' to 'child\*' in initialization */
/* expect: clang error incompatible pointer types initializing 'struct child \*' */
/* expect c++: clang error cannot initialize a variable of type 'struct child \*' with an */
#include "coro.h"

struct child { co_frame; int x; };
struct other { co_frame; int x; };
struct parent { co_frame; struct other child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = 1));
    co_end;
}
