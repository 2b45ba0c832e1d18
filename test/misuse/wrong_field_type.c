/* expect gcc: initialization of 'int' from 'char \*' makes integer from pointer */
/* expect clang: incompatible pointer to integer conversion initializing 'int' */
#include "../../coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = "1"));
    co_end;
}
