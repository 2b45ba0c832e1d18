/* expect: ignoring return value of .*warn_unused_result */
#include "../../net.h"

struct reader { co_frame; int fd; char buf[16]; };

co_define(reader) {
    co_begin;
    co_recv(self->fd, self->buf, sizeof self->buf);
    co_end;
}
