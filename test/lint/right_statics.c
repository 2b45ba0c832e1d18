/* expect: nothing */
/* Statics, and pointers to what stays. */
#include "net.h"

struct m { co_frame; int fd; char *p; };
co_define(m) {
    static char buf[64];
    static const char greeting[] = "hello";
    const char *text = greeting;
    char *where;
    co_begin;
    co_try(co_recv(self->fd, buf, sizeof buf));
    buf[0] = 'x';
    co_try(co_send_all(self->fd, text, sizeof greeting));
    where = self->p;
    co_try(co_send_all(self->fd, where, 1));
    co_return(buf[0]);
    co_end;
}
