/* SPDX-License-Identifier: BSD-2-Clause
 * net.c: TCP, UDP and unix sockets, on the fd ops of loop.h; connect.c connects them. */
#define _GNU_SOURCE
#include "net.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0          /* co_loop_new ignores SIGPIPE where there is no such flag */
#endif

enum { SENDFILE_PART = 1 << 20 };

/* ---- Sockets --------------------------------------------------------------------------------- */

/* Makes the address of a numeric [host] and [port]. Returns 0, or negative errno. */
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

void co_net_no_delay_(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Makes a socket. The loop forgets what it knew of an older fd with the same number. */
int co_net_socket_(int family, int type)
{
    int fd = co_loop_fails(EMFILE) ? -1 : socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    co_fd_forget_(fd);
    return fd;
}

/* Closes [fd] and returns the negative errno of the call that failed before. */
int co_net_give_up_(int fd)
{
    int error = errno;

    close(fd);
    return -error;
}

int co_tcp_listen(const char *host, int port, unsigned flags)
{
    struct sockaddr_storage at;
    socklen_t size;
    int fd, on = 1, error = address(host, port, &at, &size);

    if (error < 0)
        return error;
    fd = co_net_socket_(at.ss_family, SOCK_STREAM);
    if (fd < 0)
        return fd;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || ((flags & CO_TCP_REUSEPORT) != 0
            && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        || co_loop_fails(EADDRINUSE) || bind(fd, (struct sockaddr *)&at, size) < 0
        || listen(fd, SOMAXCONN) < 0)
        return co_net_give_up_(fd);
    return fd;
}

int co_tcp_port(int fd)
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

/* ---- Other sockets and pipes ----------------------------------------------------------------- */

int co_udp_open(const char *host, int port, unsigned flags)
{
    struct sockaddr_storage at;
    socklen_t size;
    int fd, on = 1, error = address(host, port, &at, &size);

    if (error < 0)
        return error;
    fd = co_net_socket_(at.ss_family, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    if (((flags & CO_TCP_REUSEPORT) != 0
         && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        || bind(fd, (struct sockaddr *)&at, size) < 0)
        return co_net_give_up_(fd);
    return fd;
}

int co_datagram_to(struct co_datagram *datagram, const char *host, int port)
{
    return address(host, port, &datagram->peer, &datagram->peer_size);
}

/* Returns 0; -ENAMETOOLONG; or -EINVAL for "", which Linux would take for an abstract name. */
int co_net_unix_address_(const char *path, struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (!*path)
        return -EINVAL;
    if (strlen(path) >= sizeof at->sun_path)
        return -ENAMETOOLONG;
    memcpy(at->sun_path, path, strlen(path) + 1);
    return 0;
}

int co_unix_listen(const char *path)
{
    struct sockaddr_un at;
    int fd, error = co_net_unix_address_(path, &at);

    if (error < 0)
        return error;
    fd = co_net_socket_(AF_UNIX, SOCK_STREAM);
    if (fd < 0)
        return fd;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, SOMAXCONN) < 0)
        return co_net_give_up_(fd);
    return fd;
}

static int both_new(int result, int fds[2])
{
    if (result < 0)
        return -errno;
    co_fd_forget_(fds[0]);
    co_fd_forget_(fds[1]);
    return 0;
}

int co_fd_pipe(int fds[2])
{
    return both_new(co_loop_fails(EMFILE) ? -1 : pipe2(fds, O_NONBLOCK | O_CLOEXEC), fds);
}

int co_fd_pair(int fds[2])
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    return both_new(co_loop_fails(EMFILE) ? -1 : socketpair(AF_UNIX, type, 0, fds), fds);
}

/* ---- Ops ------------------------------------------------------------------------------------- */

static intptr_t accept_try(int listener, struct co_fd_op *op)
{
    (void)op;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            co_fd_forget_(fd);
            co_net_no_delay_(fd);
            return fd;
        }
        switch (errno) {
        case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM:
            return CO_FD_PAUSE_;
        case ECONNABORTED: case EINTR: case EPROTO: case ENETDOWN: case EHOSTDOWN:
        case EHOSTUNREACH: case ENETUNREACH: case ENOPROTOOPT: case ENONET:
            continue;                   /* that peer is gone: accept(2) says to try again */
        default:
            return co_fd_result_(-1);
        }
    }
}

co_op co_accept(int listener)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_NONBLOCK_("co_accept", CO_FD_READ, accept_try);

    return co_fd_(listener, &wait, NULL, 0);
}

static intptr_t recv_try(int fd, struct co_fd_op *op)
{
    ssize_t n = recv(fd, op->data, op->size, MSG_DONTWAIT);

    op->drained = n != (ssize_t)op->size;
    return co_fd_result_(n);
}

co_op co_recv(int fd, void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_recv", CO_FD_READ, recv_try);

    return co_fd_(fd, &wait, buf, size);
}

static intptr_t recv_exact_try(int fd, struct co_fd_op *op)
{
    while (op->done < op->size) {
        size_t left = op->size - op->done;
        ssize_t n = recv(fd, (char *)op->data + op->done, left, MSG_DONTWAIT);

        op->drained = n != (ssize_t)left;
        if (n <= 0)
            return n == 0 ? -ENODATA : co_fd_result_(n);
        op->done += (size_t)n;
    }
    return (intptr_t)op->size;
}

co_op co_recv_exact(int fd, void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_recv_exact", CO_FD_READ, recv_exact_try);

    return co_fd_(fd, &wait, buf, size);
}

static intptr_t send_try(int fd, struct co_fd_op *op)
{
    return co_fd_result_(send(fd, op->data, op->size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

co_op co_send(int fd, const void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_send", CO_FD_WRITE, send_try);

    return co_fd_(fd, &wait, buf, size);
}

static intptr_t send_all_try(int fd, struct co_fd_op *op)
{
    while (op->done < op->size) {
        ssize_t n = send(fd, (const char *)op->data + op->done, op->size - op->done,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return co_fd_result_(n);
        op->done += (size_t)n;
    }
    return (intptr_t)op->size;
}

co_op co_send_all(int fd, const void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_send_all", CO_FD_WRITE, send_all_try);

    return co_fd_(fd, &wait, buf, size);
}

/* An attempt sends a bounded part, so that a fast peer does not hold up the others. */
static intptr_t sendfile_try(int fd, struct co_fd_op *op)
{
    struct co_sendfile *s = op->data;
    off_t offset = (off_t)s->offset;
    size_t left = s->size - s->done;
    ssize_t n = 0;

    if (left > 0)
        n = sendfile(fd, s->file, &offset, left < SENDFILE_PART ? left : SENDFILE_PART);
    if (n < 0)
        return co_fd_result_(n);
    s->offset += n;
    s->done += (size_t)n;
    return n == 0 || s->done == s->size ? (intptr_t)s->done : -EAGAIN;
}

co_op co_sendfile(int fd, struct co_sendfile *slot, int file, int64_t offset, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_NONBLOCK_("co_sendfile", CO_FD_WRITE, sendfile_try);

    *slot = (struct co_sendfile){ .file = file, .offset = offset, .size = size };
    return co_fd_(fd, &wait, slot, 0);
}

/* ---- Datagrams ------------------------------------------------------------------------------- */

enum { MMSG = 64 };                     /* datagrams in a system call */

#ifndef __linux__
struct mmsghdr { struct msghdr msg_hdr; unsigned msg_len; };

/* Receives only the first of them. */
static int recvmmsg(int fd, struct mmsghdr *to, unsigned n, int flags, void *timeout)
{
    ssize_t length = recvmsg(fd, &to->msg_hdr, flags);

    (void)n, (void)timeout;
    to->msg_len = (unsigned)length;
    return length < 0 ? -1 : 1;
}

static int sendmmsg(int fd, struct mmsghdr *from, unsigned n, int flags)
{
    (void)n;
    return sendmsg(fd, &from->msg_hdr, flags) < 0 ? -1 : 1;
}
#endif

struct mmsg {
    struct mmsghdr heads[MMSG];
    struct iovec parts[MMSG];
};

/* Describes up to MMSG of [n] datagrams as the system wants them, and returns how many. */
static unsigned mmsg_init(struct mmsg *mmsg, struct co_datagram *d, size_t n, int receive)
{
    unsigned count = n < MMSG ? (unsigned)n : MMSG;

    for (unsigned i = 0; i < count; i++) {
        mmsg->parts[i] = (struct iovec){ d[i].data, d[i].size };
        mmsg->heads[i] = (struct mmsghdr){ .msg_hdr = {
            .msg_name = &d[i].peer, .msg_namelen = receive ? sizeof d[i].peer : d[i].peer_size,
            .msg_iov = &mmsg->parts[i], .msg_iovlen = 1 } };
    }
    return count;
}

static intptr_t recvmmsg_try(int fd, struct co_fd_op *op)
{
    struct co_datagram *d = op->data;
    struct mmsg mmsg;
    unsigned count = mmsg_init(&mmsg, d, op->size, 1);
    int n = recvmmsg(fd, mmsg.heads, count, MSG_DONTWAIT | MSG_TRUNC, NULL);

    for (int i = 0; i < n; i++) {
        d[i].length = mmsg.heads[i].msg_len;
        d[i].peer_size = mmsg.heads[i].msg_hdr.msg_namelen;
    }
    op->drained = n < (int)count;
    return co_fd_result_(n);
}

co_op co_recvmmsg(int fd, struct co_datagram *datagrams, size_t n)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_recvmmsg", CO_FD_READ, recvmmsg_try);

    return co_fd_(fd, &wait, datagrams, n);
}

static intptr_t sendmmsg_try(int fd, struct co_fd_op *op)
{
    struct co_datagram *d = op->data;
    struct mmsg mmsg;

    while (op->done < op->size) {
        unsigned count = mmsg_init(&mmsg, d + op->done, op->size - op->done, 0);
        int n = sendmmsg(fd, mmsg.heads, count, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return co_fd_result_(n);
        op->done += (size_t)n;
    }
    return (intptr_t)op->size;
}

co_op co_sendmmsg(int fd, const struct co_datagram *datagrams, size_t n)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_sendmmsg", CO_FD_WRITE, sendmmsg_try);

    return co_fd_(fd, &wait, datagrams, n);
}

static intptr_t recvfrom_try(int fd, struct co_fd_op *op)
{
    struct co_datagram *d = op->data;

    ssize_t n;

    d->peer_size = sizeof d->peer;
    n = recvfrom(fd, d->data, d->size, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&d->peer,
                 &d->peer_size);
    d->length = n < 0 ? 0 : (size_t)n;
    return co_fd_result_(n);
}

co_op co_recvfrom(int fd, struct co_datagram *datagram)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_recvfrom", CO_FD_READ, recvfrom_try);

    return co_fd_(fd, &wait, datagram, 0);
}

static intptr_t sendto_try(int fd, struct co_fd_op *op)
{
    const struct co_datagram *d = op->data;

    return co_fd_result_(sendto(fd, d->data, d->size, MSG_DONTWAIT | MSG_NOSIGNAL,
                             (const struct sockaddr *)&d->peer, d->peer_size));
}

co_op co_sendto(int fd, const struct co_datagram *datagram)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_sendto", CO_FD_WRITE, sendto_try);

    return co_fd_(fd, &wait, datagram, 0);
}
