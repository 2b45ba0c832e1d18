/* mistake: what an await shall store into is no variable */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect c++: gcc error lvalue required as left operand of assignment */
/* expect: clang error expression is not assignable */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_await(3, co_done(4));
    co_end;
}
