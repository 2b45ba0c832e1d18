/* expect: nothing */
/* flags: -D_DEFAULT_SOURCE */
/* Calls that look as if they would block, and do not. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
#include "loop.h"

struct m { co_frame; struct pollfd p; int status, fd; char c[8]; FILE *file; };
co_define(m) {
    co_begin;
    sleep(0);
    self->status = poll(&self->p, 1, 0);
    while (waitpid(-1, &self->status, WNOHANG) > 0)
        ;
    if (read(self->fd, self->c, 8) < 0)
        co_return(-EIO);
    if (!fgets(self->c, 8, self->file))
        co_return(-EIO);
    co_end;
}
