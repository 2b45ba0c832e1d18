/* mistake: co_try in main */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error no co_begin stands above this word: write co_define\(NAME\) \{ */
#include "coro.h"

int main(void)
{
    co_try(co_done(0));
    return 0;
}
