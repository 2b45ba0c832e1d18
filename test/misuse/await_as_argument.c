/* mistake: f(co_await(op)) */
/* expect: gcc error <await is a statement: co_await\(x, op\); if \(x < 0\) \.\.\.> */
/* expect: clang error use of undeclared identifier */
#include "coro.h"

struct child { co_frame; int x; };
struct m { co_frame; intptr_t x; struct child child; };

void f(intptr_t);
co_declare(child);
co_define(m) {
    co_begin;
    f(co_await(co_call(&self->child, child)));
    co_end;
}
