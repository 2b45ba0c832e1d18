/* mistake: an await of a plain function that returns nothing */
/* expect: gcc error void value not ignored as it ought to be */
/* expect c++: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error assigning to 'co_op' \(aka 'struct co_op'\) from incompatible */
/* expect c++: clang error no viable overloaded '=' */
#include "coro.h"

struct m { co_frame; int x; };

void f(void);
co_define(m) {
    co_begin;
    co_await(f());
    co_end;
}
