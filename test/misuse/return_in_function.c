/* mistake: co_return in a plain function */
/* expect: gcc error 'self' undeclared \(first use in this function\) */
/* expect c++: gcc error 'self' was not declared in this scope */
/* expect: clang error use of undeclared identifier 'self' */
#include "coro.h"

int helper(void);
int helper(void)
{
    co_return(3);
}
