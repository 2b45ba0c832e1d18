/* mistake: co_pause in a plain function */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error no co_begin stands above this word: write co_define\(NAME\) \{ */
#include "coro.h"

struct m { co_frame; int x; };

void helper(struct m *self);
void helper(struct m *self)
{
    self->x = 1;
    co_pause;
}
