/* mistake: co_frame is forgotten */
/* expect: gcc error <co_define\(NAME\) needs a struct NAME of plain data that */
/* expect: clang error no member named 'co' in 'plain' */
#include "coro.h"

struct plain { int x; };

co_define(plain) {
    co_begin;
    co_pause;
    co_end;
}
