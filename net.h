/* SPDX-License-Identifier: BSD-2-Clause
 * net.h: TCP on tasks, and lines read through a buffer of yours.
 *
 *     struct session { co_frame; int fd; intptr_t n; char buf[4096]; };
 *     co_define(session) {                                 // sends back what it gets
 *         co_begin;
 *         for (;;) {
 *             co_try(self->n, co_recv(self->fd, self->buf, sizeof self->buf));
 *             if (self->n == 0)
 *                 break;
 *             co_try(co_send_all(self->fd, self->buf, (size_t)self->n));
 *         }
 *         co_finally;
 *         fd_close(self->fd);
 *         co_end;
 *     }
 *
 * All ops give a negative errno on failure, -ECANCELED if the task was cancelled, and what loop.h
 * says of fds. Buffers must stay until the await is over. */
#ifndef CO_NET_H
#define CO_NET_H

#include "loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Addresses: numeric IPv4 or IPv6, or "localhost"; NULL is the loopback address ----------- */

enum tcp_flags { TCP_REUSEPORT = 1 };   /* several listeners on one port, one per core */

/* A listening socket on [host], "0.0.0.0" and "::" being all addresses of the machine; [port] 0 is
 * any free one. The fd, fd_close() it; -EINVAL for an address that is not numeric or a port out of
 * range, -EADDRINUSE, ... asyncio: start_server() */
int tcp_listen(const char *host, int port, unsigned flags);

/* The port that a socket is bound to, or negative errno. */
int tcp_port(int fd);

/* ---- Ops ------------------------------------------------------------------------------------- */

/* The next connection: an fd, non-blocking, close-on-exec, TCP_NODELAY; fd_close() it. While the
 * process has no fd to spare, it waits until there is one; the peers stay in the backlog. */
CO_OP co_accept(int listener);

/* Connects. The fd, as above. -EINVAL: the address is not numeric (names are not resolved yet:
 * getaddrinfo would block every task) or the port out of range; -ECONNREFUSED, ... [slot] must
 * stay until the await is over. asyncio: open_connection() */
struct co_connect;
CO_OP co_connect(struct co_connect *slot, const char *host, int port);

/* Receives at most [size] bytes: bytes, 0 at the end. asyncio: loop.sock_recv() */
CO_OP co_recv(int fd, void *buf, size_t size);

/* Receives [size] bytes: size, or -ENODATA if the end came before. Cancelled or failed, what had
 * come is lost. asyncio: readexactly() */
CO_OP co_recv_exact(int fd, void *buf, size_t size);

/* Sends at least one byte: bytes. A peer that is gone is -EPIPE, never SIGPIPE. */
CO_OP co_send(int fd, const void *buf, size_t size);

/* Sends all: size. Cancelled or failed, part of it may have been sent. asyncio: sock_sendall() */
CO_OP co_send_all(int fd, const void *buf, size_t size);

/* ---- Streams: reading through a buffer of yours ---------------------------------------------- */

struct stream_line_ {           /* private */
    co_frame;
    struct stream *stream;
    char **line;
    size_t seen;
    intptr_t n;
};
struct stream_exact_ {          /* private */
    co_frame;
    struct stream *stream;
    char *to;
    size_t size, done;
    intptr_t n;
};

struct stream {
    int fd;                     /* ro */
    char *buf;                  /* private: yours, read through this only */
    size_t size;                /* ro: of buf: the longest line, with its end, and one byte more */
    size_t start, end;          /* private: what was received and not yet read */
    union {                     /* private: the read in progress, one at a time */
        struct stream_line_ line;
        struct stream_exact_ exact;
    } read;
};

/* Reads [fd] through [buf] from now on, one read at a time: a second one gives -EBUSY.
 * asyncio: StreamReader */
void stream_init(struct stream *stream, int fd, char *buf, size_t size);

/* Reads a line: *line is in the buffer, until the next read, without its "\n" or "\r\n" and with a
 * NUL. The number of bytes it took, its end included; 0 at the end of the stream; a last line
 * without an end is given as it is. -EMSGSIZE: longer than the buffer. Cancelled, nothing is lost:
 * the next read goes on. asyncio: StreamReader.readline() */
CO_OP co_read_line(struct stream *stream, char **line);

/* Reads [size] bytes into [to]: size, or -ENODATA if the end came before. Cancelled or failed, what
 * had come is lost. asyncio: StreamReader.readexactly() */
CO_OP co_read_exact(struct stream *stream, void *to, size_t size);

/* ---- Machinery ------------------------------------------------------------------------------- */

struct co_connect {
    co_frame;
    const char *host;
    int port, fd, done;
    intptr_t result;
};

#ifdef __cplusplus
}
#endif
#endif
