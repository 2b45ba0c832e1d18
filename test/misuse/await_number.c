/* mistake: an await of a number */
/* expect: gcc error <this word needs an op, and co_define\(NAME\) \{ co_begin; \.\.\. */
/* expect: clang error assigning to 'co_op' \(aka 'struct co_op'\) from incompatible */
/* expect c++: clang error no viable overloaded '=' */
#include "coro.h"

int plain_read(int fd);
struct plain { co_frame; int fd; };

co_define(plain) {
    co_begin;
    co_await(plain_read(self->fd));
    co_end;
}
