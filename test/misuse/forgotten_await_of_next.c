/* expect: ignoring return value of .*warn_unused_result */
#include "../../coro.h"

struct numbers { co_frame; int value; };
struct parent { co_frame; struct numbers numbers; };
co_declare(numbers);

co_define(parent) {
    co_begin;
    co_init(&self->numbers, numbers);
    co_next(&self->numbers);
    co_end;
}
