/* mistake: a coroutine that is not declared */
/* expect: gcc error 'co_body_child' undeclared \(first use in this function\) */
/* expect c++: gcc error 'co_body_child' was not declared in this scope */
/* expect: clang error use of undeclared identifier 'co_body_child' */
#include "coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = 1));
    co_end;
}
