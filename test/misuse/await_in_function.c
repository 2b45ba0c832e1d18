/* mistake: co_await in a plain function */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error no co_begin stands above this word: write co_define\(NAME\) \{ */
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
