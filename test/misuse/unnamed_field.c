/* expect gcc: missing braces around initializer */
/* expect clang: suggest braces around initialization of subobject */
#include "../../coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, 3));
    co_end;
}
