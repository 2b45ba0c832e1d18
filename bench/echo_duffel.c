/* SPDX-License-Identifier: BSD-2-Clause
 * echo_duffel.c: the echo server of echo.c, as coroutines; prints its port and its pid. */
#define _GNU_SOURCE
#include "net.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

struct session { co_frame; int fd; intptr_t n; char buf[4096]; };
co_define(session)
{
    co_begin;
    for (;;) {
        co_try(self->n, co_recv(self->fd, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        co_try(co_send_all(self->fd, self->buf, (size_t)self->n));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct server { co_frame; int listener, fd; };
co_define(server)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    if (self->listener < 0)
        co_return(self->listener);
    printf("%d %d\n", co_tcp_port(self->listener), (int)getpid());
    fflush(stdout);
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_go(session, .fd = self->fd) < 0)
            co_fd_close(self->fd);
    }
    co_end;
}

int main(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return co_main(server) < 0;
}
