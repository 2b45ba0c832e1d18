/* SPDX-License-Identifier: BSD-2-Clause
 * echo_epoll.c: the echo server of echo.c, by hand on epoll; prints its port and its pid.
 *
 * Level-triggered: a connection is received from when it is ready, once; while a send would block,
 * it waits to write instead. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 512 };

struct session {
    int fd;
    uint32_t events;            /* what epoll reports */
    size_t start, end;          /* what was received and is not yet sent */
    char buf[4096];
};

static struct session *session_new(int fd)
{
    struct session *session = malloc(sizeof *session);

    if (session) {
        session->fd = fd;
        session->events = EPOLLIN;
    }
    return session;
}

static void session_end(struct session *session)
{
    close(session->fd);         /* epoll forgets it with that */
    free(session);
}

static void wait_for(int epoll, struct session *session, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = session };

    if (session->events == events)
        return;
    session->events = events;
    epoll_ctl(epoll, EPOLL_CTL_MOD, session->fd, &event);
}

/* Sends what is left, and says whether the session goes on. */
static int session_send(int epoll, struct session *session)
{
    while (session->start < session->end) {
        ssize_t n = send(session->fd, session->buf + session->start,
                         session->end - session->start, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n >= 0)
            session->start += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return wait_for(epoll, session, EPOLLOUT), 1;
        else if (errno != EINTR)
            return 0;
    }
    wait_for(epoll, session, EPOLLIN);
    return 1;
}

/* The same, after a receive if that is what it waited for. */
static int session_event(int epoll, struct session *session)
{
    if (session->events == EPOLLIN) {
        ssize_t n = recv(session->fd, session->buf, sizeof session->buf, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return 1;
        if (n <= 0)
            return 0;
        session->start = 0;
        session->end = (size_t)n;
    }
    return session_send(epoll, session);
}

static void accept_all(int epoll, int listener)
{
    static struct epoll_event event = { .events = EPOLLIN };
    int on = 1, fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        event.data.ptr = session_new(fd);
        if (!event.data.ptr || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
            free(event.data.ptr);
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

static void serve(int epoll, int listener)
{
    static struct epoll_event events[BATCH];

    for (;;) {
        int n = epoll_wait(epoll, events, BATCH, -1);

        for (int i = 0; i < n; i++) {
            struct session *session = events[i].data.ptr;

            if (!session)
                accept_all(epoll, listener);
            else if (!session_event(epoll, session))
                session_end(session);
        }
    }
}

int main(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event event = { .events = EPOLLIN };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd < 0 || epoll < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 ||
        listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("echo_epoll");
        return 1;
    }
    printf("%d %d\n", ntohs(at.sin_port), (int)getpid());
    fflush(stdout);
    serve(epoll, fd);
}
