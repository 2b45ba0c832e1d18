/* expect clang: variable 'i' is uninitialized when used here */
/* clang alone: gcc 12 loses sight of a variable that a loop sets as well. */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    int i;
    co_begin;
    for (i = 0; i < self->x; i++)
        co_pause;
    co_end;
}
