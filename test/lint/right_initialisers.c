/* expect: nothing */
/* Initialisers above co_begin are done anew at each resume, which is well. */
#include "net.h"

struct m { co_frame; int fd; char buf[64]; intptr_t n; };
co_define(m) {
    char *const buf = self->buf;
    const size_t size = sizeof self->buf;
    int seen = 0;
    (void)seen;
    co_begin;
    co_try(self->n, co_recv(self->fd, buf, size));
    co_try(co_send_all(self->fd, buf, (size_t)self->n));
    co_return(buf[0] + seen);
    co_end;
}
