/* mistake: if (co_await(op) < 0) */
/* expect: gcc error <await is a statement: co_await\(x, op\); if \(x < 0\) \.\.\.> */
/* expect: clang error use of undeclared identifier */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; intptr_t x; struct child child; };

co_declare(child);
co_define(m) {
    co_begin;
    if (co_await(co_call(&self->child, child)) < 0)
        co_return(-1);
    co_end;
}
