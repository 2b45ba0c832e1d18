/* SPDX-License-Identifier: BSD-2-Clause
 * echo_libev.c: the echo server of echo.c, as callbacks on libev; prints its port and its pid.
 *
 * One ev_io a connection, which reads; while a send would block, it waits to write instead. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
    ev_io io;
    size_t start, end;          /* what was received and is not yet sent */
    char buf[4096];
};

static void session_end(struct ev_loop *loop, struct session *session)
{
    ev_io_stop(loop, &session->io);
    close(session->io.fd);
    free(session);
}

static void wait_for(struct ev_loop *loop, ev_io *io, int events)
{
    if ((io->events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(loop, io);
    ev_io_set(io, io->fd, events);
    ev_io_start(loop, io);
}

/* Sends what is left, and says whether the session goes on. */
static int session_send(struct ev_loop *loop, struct session *session)
{
    while (session->start < session->end) {
        ssize_t n = send(session->io.fd, session->buf + session->start,
                         session->end - session->start, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n >= 0)
            session->start += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return wait_for(loop, &session->io, EV_WRITE), 1;
        else if (errno != EINTR)
            return 0;
    }
    wait_for(loop, &session->io, EV_READ);
    return 1;
}

static void session_event(struct ev_loop *loop, ev_io *io, int events)
{
    struct session *session = (struct session *)(void *)io;

    if (events & EV_READ) {
        ssize_t n = recv(io->fd, session->buf, sizeof session->buf, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        session->start = 0;
        session->end = n > 0 ? (size_t)n : 0;
        if (n <= 0) {
            session_end(loop, session);
            return;
        }
    }
    if (!session_send(loop, session))
        session_end(loop, session);
}

static void listener_event(struct ev_loop *loop, ev_io *io, int events)
{
    int on = 1, fd;

    (void)events;
    while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct session *session = malloc(sizeof *session);

        if (!session) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ev_io_init(&session->io, session_event, fd, EV_READ);
        ev_io_start(loop, &session->io);
    }
}

int main(void)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ev_io io;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!loop || fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 ||
        listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
        perror("echo_libev");
        return 1;
    }
    printf("%d %d\n", ntohs(at.sin_port), (int)getpid());
    fflush(stdout);
    ev_io_init(&io, listener_event, fd, EV_READ);
    ev_io_start(loop, &io);
    ev_run(loop, 0);
    return 0;
}
