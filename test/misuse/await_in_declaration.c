/* mistake: intptr_t n = co_await(op) */
/* expect: gcc error <await is a statement: co_await\(x, op\); if \(x < 0\) \.\.\.> */
/* expect: clang error use of undeclared identifier */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; intptr_t x; struct child child; };

co_declare(child);
co_define(m) {
    co_begin;
    intptr_t n = co_try(co_call(&self->child, child));
    self->x = n;
    co_end;
}
