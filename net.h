/* SPDX-License-Identifier: BSD-2-Clause
 * net.h: TCP, UDP and unix sockets on tasks.
 *
 *     struct session { co_frame; int fd; intptr_t n; char buf[4096]; };
 *     co_define(session) {                                 // sends back what it receives
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
 * All ops return negative errno on failure, as loop.h says of fds, and -ECANCELED if the task was
 * cancelled. Two that need not wait complete all the same, and the next await fails with
 * -ECANCELED: a co_resolve of a numeric address, and a co_connect_unix while there is room in the
 * backlog. Buffers must stay until the await is over. */
#ifndef CO_NET_H
#define CO_NET_H

#include "loop.h"
#include "stream.h"
#include "thread.h"

#include <sys/socket.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may share the name of its op */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* ---- Sockets and pipes: plain calls ----------------------------------------------------------
 * All fds are non-blocking and close-on-exec; close them by co_fd_close(). All calls return
 * negative errno on failure. A [host] is a numeric IPv4 or IPv6 address or "localhost"; NULL means
 * 127.0.0.1. */

enum co_tcp_flags { CO_TCP_REUSEPORT = 1 };     /* listeners share a port, one for each core */

/* Makes a socket that listens on [host], where "0.0.0.0" and "::" mean all addresses of the
 * machine, and on [port], where 0 means any free one. Returns the fd; -EINVAL: the address is not
 * numeric, or the port is out of range; -EADDRINUSE, ... asyncio: start_server() */
int co_tcp_listen(const char *host, int port, unsigned flags);

/* Returns the port that a socket is bound to. */
int co_tcp_port(int fd);

/* Makes a unix socket that listens at [path], which must not exist; unlink() it in the end. Returns
 * the fd; -EADDRINUSE; -ENAMETOOLONG; -EINVAL: the path is empty; ...
 * asyncio: start_unix_server() */
int co_unix_listen(const char *path);

int co_fd_pipe(int fds[2]);     /* makes a pipe: fds[0] to read, fds[1] to write. Returns 0 */
int co_fd_pair(int fds[2]);     /* makes two connected unix sockets. Returns 0. socketpair() */

/* Makes a UDP socket that is bound to [host] and [port], which mean the same as in co_tcp_listen.
 * Returns the fd. asyncio: create_datagram_endpoint() */
int co_udp_open(const char *host, int port, unsigned flags);

struct co_datagram {
    void *data;                 /* rw: yours */
    size_t size;                /* rw: of the data to send, or of the room to receive in */
    struct sockaddr_storage peer;       /* rw: the receiver, or the sender */
    socklen_t peer_size;        /* rw */
    size_t length;              /* ro: bytes received; more than [size] if it was cut */
};

/* Sets the peer to a numeric address. Returns 0, or -EINVAL. */
int co_datagram_to(struct co_datagram *datagram, const char *host, int port);

/* ---- Ops ------------------------------------------------------------------------------------- */

/* Waits for the next connection. Returns its fd, which is non-blocking, close-on-exec and
 * TCP_NODELAY; close it by co_fd_close(). While the process has no fd to spare, this waits until
 * there is one, and the peers stay in the backlog. A [listener] of your own must be non-blocking, as
 * for co_read. */
CO_OP co_accept(int listener);

/* Connects to the first address of [host] that answers, by Happy Eyeballs, RFC 8305. [host] is a
 * name or an address. A new attempt starts every 250 ms, or as soon as one fails; when one has
 * succeeded, the others are cancelled. Returns the fd, which is set up as that of co_accept.
 * -ENOENT: there is no such name; -EINVAL: it is empty, or the port is out of range; -ECONNREFUSED,
 * ...: the failure that came first. [slot] and [host] must stay until the await is over.
 * asyncio: open_connection(happy_eyeballs_delay=0.25) */
struct co_connect;
CO_OP co_connect(struct co_connect *slot, const char *host, int port);

/* Looks up the addresses of a name, on a thread of the pool; a numeric address needs no thread.
 * Returns how many there are. slot->found is their list, which co_resolve_free() frees, and which
 * you must free after a failure, too. -ENOENT: there is no such name; -EAGAIN: the name server does
 * not answer; -EINVAL: the port is out of range. asyncio: loop.getaddrinfo() */
struct co_resolve;
struct addrinfo;
CO_OP co_resolve(struct co_resolve *slot, const char *host, int port);
void co_resolve_free(struct co_resolve *slot);

/* Connects to the unix socket [path] and returns the fd. asyncio: open_unix_connection() */
struct co_connect_unix;
CO_OP co_connect_unix(struct co_connect_unix *slot, const char *path);

/* Receives at most [size] bytes. Returns their number, 0 at the end. asyncio: loop.sock_recv() */
CO_OP co_recv(int fd, void *buf, size_t size);

/* Receives [size] bytes. Returns size, or -ENODATA if the stream ended before. If it fails or is
 * cancelled, the bytes that it had received are lost. asyncio: readexactly() */
CO_OP co_recv_exact(int fd, void *buf, size_t size);

/* Sends at least one byte. Returns the number of bytes sent. If the peer is gone, it returns
 * -EPIPE, and there is no SIGPIPE. */
CO_OP co_send(int fd, const void *buf, size_t size);

/* Sends all [size] bytes and returns size. If it fails or is cancelled, some of them may have been
 * sent. asyncio: sock_sendall() */
CO_OP co_send_all(int fd, const void *buf, size_t size);

/* Sends [size] bytes of the regular file [file] from [offset] on, without a copy through buffers of
 * yours. Returns the number of bytes sent, which is less than [size] if the file ends before. The
 * file's own position is neither used nor moved. A part that is not in memory is read from the disk
 * meanwhile, and the whole loop waits for that. [slot] must stay until the await is over. -ESPIPE:
 * [file] cannot seek, such as a pipe. If it fails or is cancelled, slot->done bytes were sent.
 * asyncio: loop.sock_sendfile() */
struct co_sendfile;
CO_OP co_sendfile(int fd, struct co_sendfile *slot, int file, int64_t offset, size_t size);

/* Receives a datagram and its sender. Returns the bytes that it had, which are more than [size] if
 * it was cut. asyncio: loop.sock_recvfrom() */
CO_OP co_recvfrom(int fd, struct co_datagram *datagram);

/* Sends a datagram to its peer and returns the number of bytes. asyncio: loop.sock_sendto() */
CO_OP co_sendto(int fd, const struct co_datagram *datagram);

/* Receives up to [n] datagrams, but at most 64, in one recvmmsg(2), and waits for the first.
 * Returns how many. Other systems than Linux receive one at a time. By `make bench-udp`, it saves 2
 * to 4 % of the CPU. */
CO_OP co_recvmmsg(int fd, struct co_datagram *datagrams, size_t n);

/* Sends [n] datagrams by sendmmsg(2) and returns n. If it fails or is cancelled, some of them may
 * have been sent. */
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
    size_t size, done;          /* ro: the bytes to send in all; those that were sent */
};

struct co_connect_try_ {
    co_frame;
    const struct sockaddr *to;
    socklen_t size;
    int fd, done;
    intptr_t result;
};

enum { CO_CONNECT_MAX = 6 };    /* so many addresses of a name are tried, at most */
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
int co_net_give_up_(int fd);    /* closes [fd]; returns the negative errno of before */
int co_net_unix_address_(const char *path, struct sockaddr_un *at);

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
