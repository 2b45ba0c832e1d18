/* mistake: co_yield in co_finally */
/* expect: gcc error <co_yield needs co_define\(NAME\) \{ co_begin; \.\.\. \} around it, */
/* expect: clang error array size is negative */
#include "coro.h"

struct gen { co_frame; int value; };
co_define(gen) {
    co_begin;
    co_yield;
    co_finally;
    self->value = 10;
    co_yield;
    co_end;
}
