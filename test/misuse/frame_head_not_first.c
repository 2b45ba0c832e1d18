/* expect: negative|static assertion|static_assert */
#include "../../coro.h"

struct plain { int x; co_frame; };

co_define(plain) {
    co_begin;
    co_pause;
    co_end;
}
