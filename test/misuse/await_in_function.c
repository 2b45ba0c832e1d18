/* expect: 'co_begin_is_missing_' undeclared|undeclared identifier 'co_begin_is_missing_' */
#include "../../coro.h"

struct child { co_frame; int x; };
co_declare(child);

int run(struct child *frame);
int run(struct child *frame)
{
    int n;
    co_await(n, co_call(frame, child, .x = 1));
    return n;
}
