/* mistake: co_await() of nothing */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error expected expression */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_await();
    co_end;
}
