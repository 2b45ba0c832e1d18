/* SPDX-License-Identifier: BSD-2-Clause
 * connect.c: looks names up on the pool of threads, and connects to the first address that answers,
 * by Happy Eyeballs, RFC 8305. */
#define _GNU_SOURCE
#include "net.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- Names ----------------------------------------------------------------------------------- */

static int resolve_error(int error)
{
    switch (error) {
    case 0: return 0;
    case EAI_MEMORY: return -ENOMEM;
    case EAI_SYSTEM: return errno ? -errno : -EIO;
    case EAI_AGAIN: return -EAGAIN;
    default: return -ENOENT;
    }
}

/* Calls getaddrinfo, which may block unless the flags have AI_NUMERICHOST. */
static intptr_t resolve_call(void *arg)
{
    struct co_resolve *self = arg;
    struct addrinfo hints = { .ai_flags = AI_NUMERICSERV | self->flags,
                              .ai_socktype = SOCK_STREAM };

    return resolve_error(getaddrinfo(self->host, self->service, &hints, &self->found));
}

co_define(co_resolve)
{
    co_begin;
    if (self->port < 0 || self->port > 65535 || !*self->host)
        co_return(-EINVAL);
    snprintf(self->service, sizeof self->service, "%d", self->port);
    self->flags = AI_NUMERICHOST;
    self->result = resolve_call(self);
    if (self->result == -ENOENT) {
        self->flags = 0;
        co_try(self->result, co_thread(resolve_call, self));
    }
    if (self->result < 0)
        co_return(self->result);
    for (struct addrinfo *a = self->found; a; a = a->ai_next)
        self->result++;
    co_return(self->result);
    co_end;
}

co_op co_resolve(struct co_resolve *slot, const char *host, int port)
{
    return co_call(slot, co_resolve, .host = host ? host : "127.0.0.1", .port = port);
}

void co_resolve_free(struct co_resolve *slot)
{
    if (slot->found)
        freeaddrinfo(slot->found);
    slot->found = NULL;
}

/* ---- One attempt ----------------------------------------------------------------------------- */

/* Makes a socket and begins to connect it. Returns the fd; *done is set if it is connected. */
static int connect_begin(const struct sockaddr *at, socklen_t size, int *done)
{
    int fd = co_net_socket_(at->sa_family, SOCK_STREAM);

    if (fd < 0)
        return fd;
    if (at->sa_family != AF_UNIX)
        co_net_no_delay_(fd);
    *done = !co_loop_fails(ENETUNREACH) && connect(fd, at, size) == 0;
    return *done || errno == EINPROGRESS || errno == EINTR ? fd : co_net_give_up_(fd);
}

static intptr_t socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

/* Returns whether a socket without an error is connected. If not, its task was woken too early. */
static int is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 || errno != ENOTCONN;
}

static co_define(co_connect_try_)
{
    co_begin;
    self->fd = connect_begin(self->to, self->size, &self->done);
    if (self->fd < 0)
        co_return(self->fd);
    do {
        if (!self->done)
            co_await(self->result, co_writable(self->fd));
        if (self->result == 0)
            self->result = socket_error(self->fd);
    } while (self->result == 0 && !self->done && !is_connected(self->fd));
    if (self->result < 0)
        co_fd_close(self->fd);
    co_return(self->result < 0 ? self->result : self->fd);
    co_end;
}

/* ---- All addresses of a name ----------------------------------------------------------------- */

/* Puts the addresses in order: the two families take turns, that of the first address begins (RFC
 * 8305, section 4). */
static unsigned connect_order(struct co_connect *self)
{
    const struct addrinfo *next[2] = { self->resolve.found, self->resolve.found };
    int first = self->resolve.found->ai_family;
    unsigned n = 0;

    for (unsigned turn = 0; n < CO_CONNECT_MAX && (next[0] || next[1]); turn ^= 1) {
        while (next[turn] && (next[turn]->ai_family == first) != (turn == 0))
            next[turn] = next[turn]->ai_next;
        if (next[turn]) {
            self->order[n++] = next[turn];
            next[turn] = next[turn]->ai_next;
        }
    }
    return n;
}

/* Starts an attempt at the next address, beside those in progress. */
static void connect_next(struct co_connect *self)
{
    unsigned i = self->next++;

    co_task_init(&self->tasks[i], &self->tries[i], co_connect_try_, .to = self->order[i]->ai_addr,
              .size = self->order[i]->ai_addrlen);
    self->running[self->alive++] = &self->tasks[i];
}

/* Takes out the attempt that ended, and returns its result. */
static intptr_t connect_ended(struct co_connect *self, unsigned i)
{
    intptr_t result = co_task_result(self->running[i]);

    self->running[i] = self->running[--self->alive];
    if (result < 0 && self->result == 0)
        self->result = result;          /* co_connect returns the first failure */
    return result;
}

/* Starts an attempt every 250 ms, or as soon as one fails, until one succeeds (section 5). */
co_define(co_connect)
{
    co_begin;
    self->fd = -1;
    co_try(co_resolve(&self->resolve, self->host, self->port));
    self->count = connect_order(self);
    while (self->next < self->count || self->alive > 0) {
        if (self->next < self->count)
            connect_next(self);
        if (self->next < self->count)
            co_await(self->n, co_within(&self->delay, 0.25,
                                        co_wait_any(self->running, self->alive)));
        else
            co_await(self->n, co_wait_any(self->running, self->alive));
        if (self->n < 0 && self->n != -ETIMEDOUT)
            co_return(self->n);
        if (self->n >= 0) {
            self->fd = (int)connect_ended(self, (unsigned)self->n);
            if (self->fd >= 0)
                co_return(self->fd);
        }
    }
    co_return(self->result);
    co_finally;
    for (unsigned i = 0; i < self->alive; i++)
        co_cancel(self->running[i]);
    do {
        co_await(self->n, co_wait_tasks(self->running, self->alive, CO_ALL_COMPLETED));
        self->cancelled |= self->n == -ECANCELED;       /* kept: then it returns no fd */
    } while (self->n == -ECANCELED);
    for (; self->alive > 0; self->alive--)      /* a loser that connected after all is closed */
        if (co_task_result(self->running[self->alive - 1]) >= 0)
            co_fd_close((int)co_task_result(self->running[self->alive - 1]));
    co_resolve_free(&self->resolve);
    if (self->cancelled && self->fd >= 0)
        co_fd_close(self->fd);
    if (self->cancelled)
        co_return(-ECANCELED);
    co_end;
}

co_op co_connect(struct co_connect *slot, const char *host, int port)
{
    return co_call(slot, co_connect, .host = host, .port = port);
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

/* A full backlog is EAGAIN here, and no event says when it has room, so this tries again. */
co_define(co_connect_unix)
{
    co_begin;
    self->result = co_net_unix_address_(self->path, &self->at);
    if (self->result < 0)
        co_return(self->result);
    while ((self->fd = connect_begin((struct sockaddr *)&self->at, sizeof self->at,
                                     &self->done)) == -EAGAIN)
        co_try(co_sleep(0.01));
    co_return(self->fd);
    co_end;
}

co_op co_connect_unix(struct co_connect_unix *slot, const char *path)
{
    return co_call(slot, co_connect_unix, .path = path);
}
