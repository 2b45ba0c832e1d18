/* SPDX-License-Identifier: BSD-2-Clause
 * net_test.h: what the tests of sockets share: an echo server, a backlog that is full, a reset. */
#ifndef NET_TEST_H
#define NET_TEST_H
#include "loop_test.h"

#include <netinet/in.h>
#include <poll.h>

/* Sends back what it gets, until its peer is done. */
struct echo_session { co_frame; int fd; intptr_t n; char buf[4096]; };
static inline co_define(echo_session)
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

/* Serves [left] peers, each in a task of its own. */
struct echo_server { co_frame; int listener, left; intptr_t n; };
static inline co_define(echo_server)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        co_try(self->n, co_accept(self->listener));
        if (co_go(echo_session, .fd = (int)self->n) < 0)
            co_fd_close((int)self->n);
    }
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

/* A listener whose backlog is full: whoever connects now waits. */
struct full { int listener, port, count, fds[64]; };

static inline void full_begins(struct full *full)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    full->listener = co_tcp_listen(NULL, 0, 0);
    full->port = co_tcp_port(full->listener);
    listen(full->listener, 0);
    to.sin_port = htons((uint16_t)full->port);
    for (full->count = 0; full->count < 64; full->count++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct pollfd wait = { .fd = fd, .events = POLLOUT };

        full->fds[full->count] = fd;
        co_fd_nonblock(fd);
        connect(fd, (struct sockaddr *)&to, sizeof to);
        if (poll(&wait, 1, 50) == 0) {
            full->count++;
            break;
        }
    }
    assert_true(full->count < 64);
}

static inline void full_ends(struct full *full)
{
    for (int i = 0; i < full->count; i++)
        close(full->fds[i]);
    co_fd_close(full->listener);
}

/* Closes with a RST, not a FIN. */
static inline void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    co_fd_close(fd);
}

#endif
