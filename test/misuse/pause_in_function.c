/* mistake: co_pause in a plain function */
/* expect: gcc error 'co_begin_is_missing_' undeclared \(first use in this */
/* expect c++: gcc error 'co_begin_is_missing_' was not declared in this scope */
/* expect labels: gcc error 'chain_' undeclared \(first use in this function\) */
/* expect: clang error use of undeclared identifier 'co_begin_is_missing_' */
/* expect labels: clang error use of undeclared identifier 'chain_' */
#include "coro.h"

struct m { co_frame; int x; };

void helper(struct m *self);
void helper(struct m *self)
{
    self->x = 1;
    co_pause;
}
