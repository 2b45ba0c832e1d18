/* mistake: co_next without an await */
/* expect: gcc warning <co_next\(&frame\) and co_gen_close\(&frame\) are ops on a */
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
