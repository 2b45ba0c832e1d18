/* mistake: co_begin is forgotten */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error no co_begin stands above this word: write co_define\(NAME\) \{ */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_pause;
    self->x = 1;
    co_end;
}
