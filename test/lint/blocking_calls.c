/* expect: 21 co-blocking */
/* expect: 22 co-blocking */
/* expect: 23 co-blocking */
/* expect: 25 co-blocking */
/* expect: 27 co-blocking */
/* expect: 29 co-blocking */
/* expect: 30 co-blocking */
/* expect: 31 co-blocking */
/* flags: -D_DEFAULT_SOURCE */
/* Calls that stop the whole loop. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include "loop.h"

struct m { co_frame; char line[80]; struct pollfd p; int status; };
co_define(m) {
    co_begin;
    sleep(1);
    usleep(10);
    if (!fgets(self->line, 80, stdin))
        co_return(0);
    if (read(STDIN_FILENO, self->line, 80) < 0)
        co_return(-EIO);
    if (system("true"))
        co_return(-EIO);
    self->status = poll(&self->p, 1, -1);
    waitpid(-1, &self->status, 0);
    wait(NULL);
    co_end;
}
