/* expect gcc: used struct type value where scalar is required */
/* expect clang: statement requires expression of scalar type \('co_op' */
#include "../../coro.h"

struct numbers { co_frame; int value; };
struct parent { co_frame; struct numbers numbers; int sum; };

co_define(parent) {
    co_begin;
    while (co_next(&self->numbers))
        self->sum += self->numbers.value;
    co_end;
}
