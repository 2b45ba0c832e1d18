/* expect gcc: incompatible types when assigning to type 'co_op' .*from type 'int' */
/* expect clang: assigning to 'co_op' .*from incompatible type 'int' */
#include "../../coro.h"

int plain_read(int fd);
struct plain { co_frame; int fd; };

co_define(plain) {
    co_begin;
    co_await(plain_read(self->fd));
    co_end;
}
