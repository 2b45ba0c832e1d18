/* SPDX-License-Identifier: BSD-2-Clause
 * net.h: TCP, UDP and unix sockets on tasks.
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
 *         co_fd_close(self->fd);
 *         co_end;
 *     }
 *
 * All ops give a negative errno on failure, -ECANCELED if the task was cancelled, and what loop.h
 * says of fds. Buffers must stay until the await is over. */
#ifndef CO_NET_H
#define CO_NET_H

#include "loop.h"
#include "stream.h"
#include "thread.h"

#include <sys/socket.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may have the name of the op that it is for */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* ---- Addresses: numeric IPv4 or IPv6, or "localhost"; NULL is the loopback address ----------- */

enum co_tcp_flags { CO_TCP_REUSEPORT = 1 };     /* several listeners on one port, one per core */

/* A listening socket on [host], "0.0.0.0" and "::" being all addresses of the machine; [port] 0 is
 * any free one. The fd, co_fd_close() it; -EINVAL for an address that is not numeric or a port out
 * of range, -EADDRINUSE, ... asyncio: start_server() */
int co_tcp_listen(const char *host, int port, unsigned flags);

/* The port that a socket is bound to, or negative errno. */
int co_tcp_port(int fd);

/* ---- Other sockets and pipes: fds, non-blocking, close-on-exec; co_fd_close() them ----------- */

/* A unix socket that listens at [path], which must not exist; unlink() it in the end. The fd, or
 * -EADDRINUSE, -ENAMETOOLONG, -EINVAL for "", ... asyncio: start_unix_server() */
int co_unix_listen(const char *path);

int co_fd_pipe(int fds[2]);     /* fds[0] to read, fds[1] to write. 0 */
int co_fd_pair(int fds[2]);     /* two connected unix sockets. 0. socket.socketpair() */

/* A UDP socket bound to [host] and [port], as co_tcp_listen. asyncio: create_datagram_endpoint() */
int co_udp_open(const char *host, int port, unsigned flags);

struct co_datagram {
    void *data;                 /* rw: yours */
    size_t size;                /* rw: of the data, or of the room for it */
    struct sockaddr_storage peer;       /* rw: from whom, or to whom */
    socklen_t peer_size;        /* rw */
    size_t length;              /* ro: bytes received; more than [size] if it was cut */
};

/* Sets the peer to a numeric address. 0, or -EINVAL. */
int co_datagram_to(struct co_datagram *datagram, const char *host, int port);

/* ---- Ops ------------------------------------------------------------------------------------- */

/* The next connection: an fd, non-blocking, close-on-exec, TCP_NODELAY; co_fd_close() it. While the
 * process has no fd to spare, it waits until there is one; the peers stay in the backlog. */
CO_OP co_accept(int listener);

/* Connects to the first address of [host], a name or an address, that answers: Happy Eyeballs, RFC
 * 8305; a new attempt each 250 ms or when one fails, the losers are taken back. The fd, as above.
 * -ENOENT: there is no such name; -EINVAL: the port is out of range; -ECONNREFUSED, ... of the
 * first that failed. [slot] and [host] must stay until the await is over.
 * asyncio: open_connection(happy_eyeballs_delay=0.25) */
struct co_connect;
CO_OP co_connect(struct co_connect *slot, const char *host, int port);

/* The addresses of a name, on a thread of the pool (an address takes none): how many, the list is
 * slot->found; co_resolve_free() it, also after a failure. -ENOENT: there is no such name; -EAGAIN:
 * the name server does not answer. asyncio: loop.getaddrinfo() */
struct co_resolve;
struct addrinfo;
CO_OP co_resolve(struct co_resolve *slot, const char *host, int port);
void co_resolve_free(struct co_resolve *slot);

/* Connects to the unix socket [path]. The fd. asyncio: open_unix_connection() */
struct co_connect_unix;
CO_OP co_connect_unix(struct co_connect_unix *slot, const char *path);

/* Receives at most [size] bytes: bytes, 0 at the end. asyncio: loop.sock_recv() */
CO_OP co_recv(int fd, void *buf, size_t size);

/* Receives [size] bytes: size, or -ENODATA if the end came before. Cancelled or failed, what had
 * come is lost. asyncio: readexactly() */
CO_OP co_recv_exact(int fd, void *buf, size_t size);

/* Sends at least one byte: bytes. A peer that is gone is -EPIPE, never SIGPIPE. */
CO_OP co_send(int fd, const void *buf, size_t size);

/* Sends all: size. Cancelled or failed, part of it may have been sent. asyncio: sock_sendall() */
CO_OP co_send_all(int fd, const void *buf, size_t size);

/* Sends [size] bytes of the regular file [file] from [offset] on, without a copy through buffers of
 * yours: the bytes sent; fewer than [size] if the file ends before. The file's own position is
 * neither used nor moved. A part that is not in memory is read from the disk meanwhile: the loop
 * waits for that. [slot] must stay until the await is over. -ESPIPE: [file] is a pipe or so.
 * Cancelled or failed, slot->done bytes were sent. asyncio: loop.sock_sendfile() */
struct co_sendfile;
CO_OP co_sendfile(int fd, struct co_sendfile *slot, int file, int64_t offset, size_t size);

/* Receives a datagram and its sender: the bytes it has; more than [size] if it was cut.
 * asyncio: loop.sock_recvfrom() */
CO_OP co_recvfrom(int fd, struct co_datagram *datagram);

/* Sends one to its peer: bytes. asyncio: loop.sock_sendto() */
CO_OP co_sendto(int fd, const struct co_datagram *datagram);

/* Receives up to [n] of them in one system call, waiting for the first: how many. recvmmsg(2) of
 * Linux; elsewhere one at a time. It saves 2 to 4 % of the CPU: make bench-udp. */
CO_OP co_recvmmsg(int fd, struct co_datagram *datagrams, size_t n);

/* Sends [n] of them: n. Cancelled or failed, some of them may have been sent. sendmmsg(2) */
CO_OP co_sendmmsg(int fd, const struct co_datagram *datagrams, size_t n);

/* ---- Machinery ------------------------------------------------------------------------------- */

struct co_resolve {
    co_frame;
    const char *host;
    int port, flags;
    char service[8];
    intptr_t result;
    struct addrinfo *found;     /* ro: the addresses, after a result above 0 */
};

struct co_sendfile {
    int file;                   /* private */
    int64_t offset;             /* private: of the next byte */
    size_t size, done;          /* ro: how many in all; were sent */
};

struct co_connect_try_ {
    co_frame;
    const struct sockaddr *to;
    socklen_t size;
    int fd, done;
    intptr_t result;
};

enum { CO_CONNECT_MAX = 6 };    /* addresses that are tried */
struct co_connect {
    co_frame;
    const char *host;
    int port, fd;
    unsigned count, next, alive;
    int cancelled;
    intptr_t n, result;
    struct co_resolve resolve;
    struct co_within delay;
    const struct addrinfo *order[CO_CONNECT_MAX];
    struct co_task *running[CO_CONNECT_MAX], tasks[CO_CONNECT_MAX];
    struct co_connect_try_ tries[CO_CONNECT_MAX];
};

struct co_connect_unix {
    co_frame;
    const char *path;
    struct sockaddr_un at;
    int fd, done;
    intptr_t result;
};

int co_net_socket_(int family, int type);
void co_net_no_delay_(int fd);
int co_net_give_up_(int fd);    /* closes: negative errno of the call that failed */
int co_net_unix_address_(const char *path, struct sockaddr_un *at);

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
