/* mistake: co_next without an await */
/* expect: gcc warning ignoring return value of 'co_next_' declared with attribute */
/* expect system: gcc silent */
/* expect c++: gcc warning ignoring return value of 'co_op co_next_\(co_head\*, const */
/* expect: clang warning ignoring return value of function declared */
#include "coro.h"

struct numbers { co_frame; int value; };
struct parent { co_frame; struct numbers numbers; };
co_declare(numbers);

co_define(parent) {
    co_begin;
    co_init(&self->numbers, numbers);
    co_next(&self->numbers);
    co_end;
}
