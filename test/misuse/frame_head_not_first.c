/* mistake: co_frame is not the first member */
/* expect: gcc error size of unnamed array is negative */
/* expect c++: gcc error narrowing conversion of '-1' from 'int' */
/* expect: clang error array size is negative */
#include "coro.h"

struct plain { int x; co_frame; };

co_define(plain) {
    co_begin;
    co_pause;
    co_end;
}
