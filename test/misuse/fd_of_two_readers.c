/* mistake: two tasks read one fd, and nobody looks at -EBUSY */
/* expect: both silent */
#include "loop.h"
#include <unistd.h>

struct child { co_frame; int fd; char text[8]; };
struct m { co_frame; int fds[2]; };

co_define(child) {
    co_begin;
    co_await(co_read(self->fd, self->text, sizeof self->text));
    co_end;
}
co_define(m) {
    co_begin;
    if (pipe(self->fds) < 0 || co_fd_nonblock(self->fds[0]) < 0)
        co_return(-EIO);
    if (co_go(child, .fd = self->fds[0]) < 0 || co_go(child, .fd = self->fds[0]) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(0.01));
    co_end;
}
int main(void) { return (int)co_main(m); }
