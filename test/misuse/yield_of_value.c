/* expect: expected ';' */
#include "../../coro.h"

struct numbers { co_frame; int value; };

co_define(numbers) {
    co_begin;
    co_yield(self->value);
    co_end;
}
