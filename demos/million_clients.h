/* SPDX-License-Identifier: BSD-2-Clause
 * million_clients.h: the other ends of the connections, in a process of their own, one coroutine
 * each; and how the two processes keep in step. */
#ifndef DEMOS_MILLION_CLIENTS_H
#define DEMOS_MILLION_CLIENTS_H

#include "million_limits.h"
#include "net.h"

#include <stdlib.h>
#include <string.h>

struct plan {
    uint32_t connections, addresses, seed;
    uint32_t *order;                            /* in which they send */
    struct place { char host[24]; int port, listener; } places[LIMITS_ADDRESSES];
};

/* The numbers 0 to [n] - 1 in random order, by xorshift32; or NULL. The same seed, not 0, gives the
 * same order. */
static inline uint32_t *shuffled(uint32_t n, uint32_t seed)
{
    uint32_t *order = malloc(n * sizeof *order);

    seed *= 2654435769;                         /* small seeds differ little */
    for (uint32_t i = 0; order && i < n; i++) {
        uint32_t j;

        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        j = (uint32_t)((uint64_t)seed * (i + 1) >> 32);
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

/* ---- In step --------------------------------------------------------------------------------- */

/* The server says: open them. The clients: they are open. The server: send. The clients: all is
 * back. Each is one byte through a socket, and its end is the end of the other process. */
static int other = -1;
static struct co_semaphore said;

/* Whether the other process has ended. */
static inline bool is_alone(void)
{
    char byte;

    return recv(other, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

struct ear { co_frame; struct co_task *main; intptr_t n; char byte; };
static co_define(ear) {
    co_begin;
    do {
        co_try(self->n, co_recv(other, &self->byte, 1));
        co_semaphore_release(&said);
    } while (self->n > 0);
    co_cancel(self->main);
    co_end;
}

/* ---- The clients ----------------------------------------------------------------------------- */

enum { OPENERS = 32, IN_FLIGHT = 256 };         /* connections that are being opened; lines */
static struct co_task **clients;                /* by their numbers */
static uint32_t next_client, came_back;
static struct co_semaphore in_flight;

/* Closed by a reset: a million that took leave would fill the kernel's tables, for a minute. */
static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

struct client { co_frame; int fd; uint32_t number; intptr_t n; char line[24], answer[24]; };
static co_define(client) {
    co_begin;
    clients[self->number] = co_current();
    co_try(co_wait());                          /* for its turn */
    self->n = snprintf(self->line, sizeof self->line, "connection %u\n", (unsigned)self->number);
    co_await(self->n, co_send_all(self->fd, self->line, (size_t)self->n));
    if (self->n > 0)
        co_await(self->n, co_recv_exact(self->fd, self->answer, (size_t)self->n));
    if (self->n > 0 && memcmp(self->line, self->answer, (size_t)self->n) == 0)
        came_back++;
    co_semaphore_release(&in_flight);
    co_try(co_wait());                          /* for the end */
    co_finally;
    (void)setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    co_fd_close(self->fd);
    co_end;
}

struct opener {
    co_frame;
    const struct plan *plan;
    struct co_group *group;                     /* of the clients */
    const struct place *to;
    uint32_t number;
    int fd;
    struct co_connect connect;
};
static co_define(opener) {
    co_begin;
    while ((self->number = next_client++) < self->plan->connections) {
        self->to = &self->plan->places[self->number % self->plan->addresses];
        co_try(self->fd, co_connect(&self->connect, self->to->host, self->to->port));
        if (co_group_go(self->group, client, .fd = self->fd, .number = self->number) < 0) {
            co_fd_close(self->fd);
            co_return(-ENOMEM);
        }
    }
    co_end;
}

struct conductor {
    co_frame;
    const struct plan *plan;
    struct co_group all, opening, ears;
    uint32_t i;
};
static co_define(conductor) {
    co_begin;
    co_group_init(&self->all, &(struct co_group_options){ .collect = 1 });
    co_group_init(&self->opening, NULL);
    co_group_init(&self->ears, NULL);
    co_try(co_done(co_group_go(&self->ears, ear, .main = co_current())));
    co_try(co_semaphore_acquire(&said));                            /* open them */
    for (; self->i < OPENERS; self->i++)
        co_try(co_done(co_group_go(&self->opening, opener, .plan = self->plan,
                                   .group = &self->all)));
    co_try(co_group_wait(&self->opening));
    co_await(co_send_all(other, "", 1));                            /* they are open */
    co_try(co_semaphore_acquire(&said));                            /* send */
    for (self->i = 0; self->i < self->plan->connections; self->i++) {
        co_try(co_semaphore_acquire(&in_flight));
        co_wake(clients[self->plan->order[self->i]], 0);
    }
    for (self->i = 0; self->i < IN_FLIGHT; self->i++)
        co_try(co_semaphore_acquire(&in_flight));
    if (came_back < self->plan->connections)
        co_return(-EBADMSG);
    co_await(co_send_all(other, "", 1));                            /* all is back */
    co_try(co_semaphore_acquire(&said));                            /* never: it is cancelled */
    co_finally;
    co_group_cancel(&self->opening);
    co_await(co_group_wait(&self->opening));
    co_group_cancel(&self->all);
    co_await(co_group_wait(&self->all));
    co_group_cancel(&self->ears);
    co_await(co_group_wait(&self->ears));
    co_end;
}

/* The whole process: its exit status. */
static inline int clients_run(const struct plan *plan)
{
    intptr_t result = -ENOMEM;

    clients = malloc(plan->connections * sizeof *clients);
    co_semaphore_init(&in_flight, IN_FLIGHT, 0);
    if (clients)
        result = co_main(conductor, .plan = plan);
    free(clients);
    if (result < 0 && is_alone())               /* nobody is left to be told */
        return 1;
    if (result == -EBADMSG)
        fprintf(stderr, "million: of %u lines only %u came back as they were sent\n",
                (unsigned)plan->connections, (unsigned)came_back);
    else if (result < 0 && result != -ECANCELED)        /* which is Ctrl-C */
        fprintf(stderr, "million: a connection to 127.0.0.x: %s\n", strerror((int)-result));
    return result < 0;
}

#endif
