/* mistake: co_await in a plain function */
/* expect: gcc error 'co_op_' undeclared \(first use in this function\); did you */
/* expect c++: gcc error 'co_op_' was not declared in this scope; did you mean */
/* expect: clang error use of undeclared identifier 'co_op_' */
#include "coro.h"

struct child { co_frame; int x; };
co_declare(child);

int run(struct child *frame);
int run(struct child *frame)
{
    int n;
    co_await(n, co_call(frame, child, .x = 1));
    return n;
}
