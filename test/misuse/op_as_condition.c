/* mistake: an op as a condition: `if (op)` */
/* expect: gcc error <co_next\(&frame\) and co_gen_close\(&frame\) are ops on a */
/* expect: clang error statement requires expression of scalar type \('co_op' \(aka */
/* expect c++: clang error value of type 'co_op' is not contextually convertible */
#include "coro.h"

struct numbers { co_frame; int value; };
struct parent { co_frame; struct numbers numbers; int sum; };

co_define(parent) {
    co_begin;
    while (co_next(&self->numbers))
        self->sum += self->numbers.value;
    co_end;
}
