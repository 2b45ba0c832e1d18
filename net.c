/* SPDX-License-Identifier: BSD-2-Clause
 * net.c: TCP sockets and line streams, on the fd ops of loop.c. */
#define _GNU_SOURCE
#include "net.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0          /* loop_new ignores SIGPIPE where there is no such flag */
#endif

/* ---- Sockets --------------------------------------------------------------------------------- */

/* The address of a numeric [host] and [port]. 0, or negative errno. */
static int address(const char *host, int port, struct sockaddr_storage *to, socklen_t *size)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    char service[8];
    int error;

    to->ss_family = AF_UNSPEC;
    *size = 0;
    if (port < 0 || port > 65535)
        return -EINVAL;
    snprintf(service, sizeof service, "%d", port);
    if (!host || strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    error = getaddrinfo(host, service, &hints, &found);
    if (error != 0)
        return error == EAI_MEMORY ? -ENOMEM : error == EAI_SYSTEM ? -errno : -EINVAL;
    memcpy(to, found->ai_addr, found->ai_addrlen);
    *size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static void no_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* A new socket. Its number may have been in use: the loop forgets what it knew of that. */
static int tcp_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    fd_forget_(fd);
    return fd;
}

/* Closes [fd] and gives the errno of the call that failed. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    return -error;
}

int tcp_listen(const char *host, int port, unsigned flags)
{
    struct sockaddr_storage at;
    socklen_t size;
    int fd, on = 1, error = address(host, port, &at, &size);

    if (error < 0)
        return error;
    fd = tcp_socket(at.ss_family);
    if (fd < 0)
        return fd;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || ((flags & TCP_REUSEPORT) != 0
            && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        || bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, SOMAXCONN) < 0)
        return give_up(fd);
    return fd;
}

int tcp_port(int fd)
{
    struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof at;

    if (getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        return -errno;
    if (at.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&at)->sin_port);
    if (at.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
    return -EAFNOSUPPORT;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

/* A result of recv() and its like; an interrupted call is tried again at once. */
static intptr_t net_result(ssize_t n)
{
    return n >= 0 ? n : errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}

static intptr_t accept_try(int listener, struct fd_op *op)
{
    (void)op;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            fd_forget_(fd);
            no_delay(fd);
            return fd;
        }
        switch (errno) {
        case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM:
            return FD_PAUSE_;
        case ECONNABORTED: case EINTR: case EPROTO: case ENETDOWN: case EHOSTDOWN:
        case EHOSTUNREACH: case ENETUNREACH: case ENOPROTOOPT: case ENONET:
            continue;                   /* that peer is gone: the next one (accept(2), Linux) */
        default:
            return net_result(-1);
        }
    }
}

co_op co_accept(int listener)
{
    static const struct task_wait wait = { "co_accept", fd_take_back_ };

    return co_fd_(listener, FD_READ, &wait, (struct fd_op){ .attempt = accept_try });
}

static intptr_t recv_try(int fd, struct fd_op *op)
{
    ssize_t n = recv(fd, op->data.in, op->size, MSG_DONTWAIT);

    op->drained = n != (ssize_t)op->size;
    return net_result(n);
}

co_op co_recv(int fd, void *buf, size_t size)
{
    static const struct task_wait wait = { "co_recv", fd_take_back_ };

    return co_fd_(fd, FD_READ, &wait,
                  (struct fd_op){ .attempt = recv_try, .data.in = buf, .size = size });
}

static intptr_t recv_exact_try(int fd, struct fd_op *op)
{
    while (op->done < op->size) {
        size_t left = op->size - op->done;
        ssize_t n = recv(fd, (char *)op->data.in + op->done, left, MSG_DONTWAIT);

        op->drained = n != (ssize_t)left;
        if (n <= 0)
            return n == 0 ? -ENODATA : net_result(n);
        op->done += (size_t)n;
    }
    return (intptr_t)op->size;
}

co_op co_recv_exact(int fd, void *buf, size_t size)
{
    static const struct task_wait wait = { "co_recv_exact", fd_take_back_ };

    return co_fd_(fd, FD_READ, &wait,
                  (struct fd_op){ .attempt = recv_exact_try, .data.in = buf, .size = size });
}

static intptr_t send_try(int fd, struct fd_op *op)
{
    return net_result(send(fd, op->data.out, op->size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

co_op co_send(int fd, const void *buf, size_t size)
{
    static const struct task_wait wait = { "co_send", fd_take_back_ };

    return co_fd_(fd, FD_WRITE, &wait,
                  (struct fd_op){ .attempt = send_try, .data.out = buf, .size = size });
}

static intptr_t send_all_try(int fd, struct fd_op *op)
{
    while (op->done < op->size) {
        ssize_t n = send(fd, (const char *)op->data.out + op->done, op->size - op->done,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return net_result(n);
        op->done += (size_t)n;
    }
    return (intptr_t)op->size;
}

co_op co_send_all(int fd, const void *buf, size_t size)
{
    static const struct task_wait wait = { "co_send_all", fd_take_back_ };

    return co_fd_(fd, FD_WRITE, &wait,
                  (struct fd_op){ .attempt = send_all_try, .data.out = buf, .size = size });
}

/* ---- Connect --------------------------------------------------------------------------------- */

/* A socket that connects: the fd, with *done telling whether it is connected already. */
static int tcp_connect(const char *host, int port, int *done)
{
    struct sockaddr_storage at;
    socklen_t size;
    int fd, error = address(host, port, &at, &size);

    if (error < 0)
        return error;
    fd = tcp_socket(at.ss_family);
    if (fd < 0)
        return fd;
    no_delay(fd);
    *done = connect(fd, (struct sockaddr *)&at, size) == 0;
    return *done || errno == EINPROGRESS || errno == EINTR ? fd : give_up(fd);
}

static intptr_t socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

static co_define(co_connect)
{
    co_begin;
    self->fd = tcp_connect(self->host, self->port, &self->done);
    if (self->fd < 0)
        co_return(self->fd);
    if (!self->done)
        co_await(self->result, co_writable(self->fd));
    if (self->result == 0)
        self->result = socket_error(self->fd);
    if (self->result < 0)
        fd_close(self->fd);
    co_return(self->result < 0 ? self->result : self->fd);
    co_end;
}

co_op co_connect(struct co_connect *slot, const char *host, int port)
{
    return co_call(slot, co_connect, .host = host, .port = port);
}

/* ---- Streams --------------------------------------------------------------------------------- */

void stream_init(struct stream *stream, int fd, char *buf, size_t size)
{
    *stream = (struct stream){ .fd = fd, .buf = buf, .size = size };
}

/* Room behind what was received: moves it to the front of the buffer if need be. */
static size_t stream_room(struct stream *s)
{
    if (s->start > 0 && (s->start == s->end || s->end + 1 >= s->size)) {
        memmove(s->buf, s->buf + s->start, s->end - s->start);
        s->end -= s->start;
        s->start = 0;
    }
    return s->end + 1 < s->size ? s->size - 1 - s->end : 0;     /* one byte for the NUL */
}

/* Gives the first [n] bytes as a line, without its end. */
static intptr_t stream_line(struct stream *s, size_t n, char **line)
{
    char *end = s->buf + s->start + n;

    *line = s->buf + s->start;
    s->start += n;
    if (n > 0 && end[-1] == '\n') {
        end--;
        if (n > 1 && end[-1] == '\r')
            end--;
    }
    *end = '\0';
    return (intptr_t)n;
}

/* The last line may have no end. Its NUL lies in the byte that stream_room keeps free. */
static co_define(stream_line_)
{
    struct stream *s = self->stream;
    char *newline;

    co_begin;
    for (;;) {
        newline = memchr(s->buf + s->start + self->seen, '\n', s->end - s->start - self->seen);
        if (newline)
            co_return(stream_line(s, (size_t)(newline + 1 - s->buf) - s->start, self->line));
        self->seen = s->end - s->start;
        if (stream_room(s) == 0)
            co_return(-EMSGSIZE);
        co_try(self->n, co_read(s->fd, s->buf + s->end, stream_room(s)));
        if (self->n == 0)
            co_return(stream_line(s, s->end - s->start, self->line));
        s->end += (size_t)self->n;
    }
    co_end;
}

/* A read is in progress: its frame, of either kind, has a caller. */
static int stream_busy(const struct stream *s)
{
    return s->read.line.co.caller != NULL;
}

co_op co_read_line(struct stream *stream, char **line)
{
    if (stream_busy(stream))
        return task_done(-EBUSY);
    return co_call(&stream->read.line, stream_line_, .stream = stream, .line = line);
}

/* What is in the buffer first; the rest goes where it is wanted, without a copy. */
static co_define(stream_exact_)
{
    struct stream *s = self->stream;

    co_begin;
    self->done = s->end - s->start < self->size ? s->end - s->start : self->size;
    memcpy(self->to, s->buf + s->start, self->done);
    s->start += self->done;
    while (self->done < self->size) {
        co_try(self->n, co_read(s->fd, self->to + self->done, self->size - self->done));
        if (self->n == 0)
            co_return(-ENODATA);
        self->done += (size_t)self->n;
    }
    co_return(self->size);
    co_end;
}

co_op co_read_exact(struct stream *stream, void *to, size_t size)
{
    if (stream_busy(stream))
        return task_done(-EBUSY);
    return co_call(&stream->read.exact, stream_exact_, .stream = stream, .to = to, .size = size);
}
