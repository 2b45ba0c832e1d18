/* expect gcc: 'struct child' has no member named 'y' */
/* expect clang: field designator 'y' does not refer to any field in type 'struct child' */
#include "../../coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .y = 1));
    co_end;
}
