/* mistake: an op of net.h without its await */
/* expect: gcc warning ignoring return(ed)? value of type .co_op */
/* expect: clang warning ignoring return value of function declared */
#include "net.h"

struct reader { co_frame; int fd; char buf[16]; };

co_define(reader) {
    co_begin;
    co_recv(self->fd, self->buf, sizeof self->buf);
    co_end;
}
