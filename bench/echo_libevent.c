/* SPDX-License-Identifier: BSD-2-Clause
 * echo_libevent.c: the echo server of echo.c, as raw callbacks on libevent; prints its port and its
 * pid.
 *
 * One persistent event a connection, which reads; while a send would block, another one waits to
 * write instead. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#if __has_include(<event2/event.h>)
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
    struct event readable, writable;
    int fd;
    size_t start, end;          /* what was received and is not yet sent */
    char buf[4096];
};

static void session_end(struct session *session)
{
    event_del(&session->readable);
    event_del(&session->writable);
    close(session->fd);
    free(session);
}

/* Sends what is left, and says whether the session goes on. */
static int session_send(struct session *session)
{
    while (session->start < session->end) {
        ssize_t n = send(session->fd, session->buf + session->start,
                         session->end - session->start, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n >= 0)
            session->start += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return event_del(&session->readable) == 0 && event_add(&session->writable, NULL) == 0;
        else if (errno != EINTR)
            return 0;
    }
    return 1;
}

static void on_writable(int fd, short events, void *arg)
{
    struct session *session = arg;

    (void)fd, (void)events;
    if (!session_send(session) ||
        (session->start == session->end && event_add(&session->readable, NULL) < 0))
        session_end(session);
}

static void on_readable(int fd, short events, void *arg)
{
    struct session *session = arg;
    ssize_t n = recv(fd, session->buf, sizeof session->buf, MSG_DONTWAIT);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    session->start = 0;
    session->end = n > 0 ? (size_t)n : 0;
    if (n <= 0 || !session_send(session))
        session_end(session);
}

static void on_connection(int listener, short events, void *base)
{
    int on = 1, fd;

    (void)events;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct session *session = malloc(sizeof *session);

        if (!session) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        session->fd = fd;
        event_assign(&session->readable, base, fd, EV_READ | EV_PERSIST, on_readable, session);
        event_assign(&session->writable, base, fd, EV_WRITE, on_writable, session);
        event_add(&session->readable, NULL);
    }
}

int main(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct event_base *base = event_base_new();
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct event *event;

    if (!base || fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 ||
        listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0 ||
        !(event = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, base)) ||
        event_add(event, NULL) < 0) {
        perror("echo_libevent");
        return 1;
    }
    printf("%d %d\n", ntohs(at.sin_port), (int)getpid());
    fflush(stdout);
    return event_base_dispatch(base);
}
#else
int main(void)
{
    fputs("echo_libevent: built where there was no libevent\n", stderr);
    return EXIT_FAILURE;
}
#endif
