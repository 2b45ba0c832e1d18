/* expect gcc: 'struct child \*' from incompatible pointer type 'struct other \*' */
/* expect clang: incompatible pointer types initializing 'struct child \*' with .*other \*' */
#include "../../coro.h"

struct child { co_frame; int x; };
struct other { co_frame; int x; };
struct parent { co_frame; struct other child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = 1));
    co_end;
}
