/* expect: 11 co-local-address */
/* Through two pointers. */
#include "net.h"

struct m { co_frame; int fd; };
co_define(m) {
    char buf[64], *p, *q;
    co_begin;
    p = buf + 1;
    q = self->fd ? p : NULL;
    co_try(co_recv(self->fd, q, 1));
    co_end;
}
