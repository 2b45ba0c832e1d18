/* mistake: co_yield of a value */
/* expect: gcc error expected ';' before '\(' token */
/* expect: clang error expected ';' after do/while statement */
#include "coro.h"

struct numbers { co_frame; int value; };

co_define(numbers) {
    co_begin;
    co_yield(self->value);
    co_end;
}
