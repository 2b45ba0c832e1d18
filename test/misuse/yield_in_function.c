/* mistake: co_yield in a plain function */
/* expect: gcc error <co_yield needs co_define\(NAME\) \{ co_begin; \.\.\. \} around it, */
/* expect: clang error no co_begin stands above this word: write co_define\(NAME\) \{ */
#include "coro.h"

struct m { co_frame; int x; };

void helper(struct m *self);
void helper(struct m *self)
{
    self->x = 1;
    co_yield;
}
