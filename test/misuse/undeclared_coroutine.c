/* expect: co_body_child.* undeclared|undeclared identifier 'co_body_child' */
#include "../../coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = 1));
    co_end;
}
