/* expect: duplicate case value */
/* flags: -Wno-builtin-macro-redefined -U__COUNTER__ */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause; co_pause;
    co_end;
}
