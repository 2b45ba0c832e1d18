/* SPDX-License-Identifier: BSD-2-Clause
 * frame_other.c: a coroutine for frame.c to call, in the other form than frame.c's: CO_LABELS is a
 * choice that each file makes for itself. */
#ifdef CO_LABELS
#undef CO_LABELS
#elif defined __GNUC__
#define CO_LABELS
#endif
#include "frame_other.h"

co_define(add) {
    co_begin;
    while (self->pauses-- > 0)
        co_pause;
    co_return(self->a + self->b);
    co_end;
}

co_op add_two(struct add *frame, int a, int b)
{
    return co_call(frame, add, .pauses = 1, .a = a, .b = b);
}
