/* mistake: an op as a condition: `if (op)` */
/* expect: gcc error used struct type value where scalar is required */
/* expect c++: gcc error could not convert 'co_next_\(\(&\(& */
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
