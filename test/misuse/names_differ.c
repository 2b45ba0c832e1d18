/* mistake: struct request, but co_define(requests) */
/* expect: gcc error <co_define\(NAME\) needs a struct NAME of plain data that */
/* expect c++: gcc error 'requests' does not name a type; did you mean 'request'\? */
/* expect: clang error invalid application of 'sizeof' to an incomplete type 'struct */
/* expect c++: clang error unknown type name 'requests'; did you mean 'request'\? */
#include "coro.h"

struct request { co_frame; int x; };

co_define(requests) {
    co_begin;
    co_pause;
    self->x = 1;
    co_end;
}
