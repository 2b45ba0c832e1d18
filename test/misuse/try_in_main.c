/* mistake: co_try in main */
/* expect: gcc error 'co_op_' undeclared \(first use in this function\); did you */
/* expect c++: gcc error 'co_op_' was not declared in this scope; did you mean */
/* expect: clang error use of undeclared identifier 'co_op_' */
#include "coro.h"

int main(void)
{
    co_try(co_done(0));
    return 0;
}
