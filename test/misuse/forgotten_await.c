/* expect: ignoring return value of .*warn_unused_result */
#include "../../coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_call(&self->child, child, .x = 1);
    co_end;
}
