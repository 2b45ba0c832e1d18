/* mistake: co_yield in a plain function */
/* expect: gcc error 'co_in_finally_' undeclared \(first use in this function\); did */
/* expect c++: gcc error 'co_in_finally_' was not declared in this scope; did you mean */
/* expect: clang error use of undeclared identifier 'co_in_finally_' */
#include "coro.h"

struct m { co_frame; int x; };

void helper(struct m *self);
void helper(struct m *self)
{
    self->x = 1;
    co_yield;
}
