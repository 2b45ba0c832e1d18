/* expect: 9 co-local-address */
/* An op that waits is given a buffer on the C stack. */
#include "net.h"

struct m { co_frame; int fd; };
co_define(m) {
    char buf[64];
    co_begin;
    co_try(co_recv(self->fd, buf, sizeof buf));
    co_end;
}
