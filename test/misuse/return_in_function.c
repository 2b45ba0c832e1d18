/* mistake: co_return in a plain function */
/* expect: gcc error <co_return takes an integer or a pointer, and a local does */
/* expect: clang error no co_begin stands above this word: write co_define\(NAME\) \{ */
#include "coro.h"

int helper(void);
int helper(void)
{
    co_return(3);
}
