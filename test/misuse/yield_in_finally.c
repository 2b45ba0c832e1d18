/* mistake: co_yield in co_finally */
/* expect: gcc error size of unnamed array is negative */
/* expect c++: gcc error narrowing conversion of '-1' from 'int' */
/* expect: clang error array size is negative */
#include "coro.h"

struct gen { co_frame; int value; };
co_define(gen) {
    co_begin;
    co_yield;
    co_finally;
    self->value = 10;
    co_yield;
    co_end;
}
