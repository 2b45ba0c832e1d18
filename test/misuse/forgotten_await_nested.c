/* mistake: co_call without an await, in a whole program */
/* expect: gcc warning <co_call\(&frame, NAME, \.field = \.\.\.\) needs a frame of struct */
/* expect: clang warning ignoring return value of function declared */
#include "loop.h"

#include <stdio.h>

struct inner { co_frame; };
co_define(inner) {
    co_begin;
    co_try(co_sleep(0.1));
    co_return(42);
    co_end;
}

struct outer { co_frame; struct inner inner; int value; };
co_define(outer) {
    co_begin;
    co_call(&self->inner, inner);
    printf("%d\n", self->value);
    co_end;
}

int main(void)
{
    return co_main(outer) < 0;
}
