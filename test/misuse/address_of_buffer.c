/* mistake: an op that waits is given a local array */
/* expect: both silent */
/* expect: lint co-local-address */
/* expect: debug stop lies on the C stack, which is gone when the await suspends */
#include "net.h"
#include <stdio.h>
#include <unistd.h>

struct m { co_frame; int fds[2]; intptr_t n; };
struct later { co_frame; int fd; };

co_define(later) {
    co_begin;
    co_try(co_sleep(0.001));
    if (write(self->fd, "hello", 5) < 0)
        co_return(-EIO);
    co_end;
}
co_define(m) {
    char text[64];
    co_begin;
    if (pipe(self->fds) < 0 || co_fd_nonblock(self->fds[0]) < 0)
        co_return(-EIO);
    if (co_go(later, .fd = self->fds[1]) < 0)
        co_return(-ENOMEM);
    co_try(self->n, co_read(self->fds[0], text, sizeof text));
    printf("%.*s\n", (int)self->n, text);
    co_end;
}
int main(void) { return (int)co_main(m); }
