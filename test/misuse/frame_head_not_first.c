/* mistake: co_frame is not the first member */
/* expect: gcc error <co_define\(NAME\) needs a struct NAME of plain data that */
/* expect: clang error array size is negative */
#include "coro.h"

struct plain { int x; co_frame; };

co_define(plain) {
    co_begin;
    co_pause;
    co_end;
}
