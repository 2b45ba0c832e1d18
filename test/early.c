/* SPDX-License-Identifier: BSD-2-Clause
 * early.c: tests that ops which are woken before their event, under many seeds, return only what
 * has come. */
#include "test.h"
#include "../net.h"
#include "../trial.h"

#include <netinet/in.h>

/* ---- Connecting ------------------------------------------------------------------------------ */

enum { CLIENTS = 4 };

/* Connects, or not: -ENOTCONN if it was told so, and is not. */
struct client { co_frame; int fd, port; struct co_connect slot; struct co_within deadline; };
static co_define(client)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;

    co_begin;
    self->fd = -1;
    co_try(self->fd, co_within(&self->deadline, 100,
                               co_connect(&self->slot, "127.0.0.1", self->port)));
    if (getpeername(self->fd, (struct sockaddr *)&peer, &size) < 0)
        co_return(-errno);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* So that there are turns. */
struct busy { co_frame; int i; };
static co_define(busy)
{
    co_begin;
    for (self->i = 0; self->i < 50; self->i++)
        co_try(co_sleep(0));
    co_end;
}

/* A listener that takes nobody in, and has room for one: the others wait. */
struct crowd { co_frame; int listener; struct co_task *tasks[CLIENTS + 1]; intptr_t result; };
static co_define(crowd)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    co_begin;
    self->listener = co_net_socket_(AF_INET, SOCK_STREAM);
    if (bind(self->listener, (struct sockaddr *)&at, sizeof at) < 0
        || listen(self->listener, 0) < 0)
        co_return(-errno);
    for (int i = 0; i < CLIENTS; i++)
        self->tasks[i] = co_spawn(client, .port = co_tcp_port(self->listener));
    self->tasks[CLIENTS] = co_spawn(busy);
    co_try(co_wait_tasks(self->tasks, CLIENTS + 1, CO_ALL_COMPLETED));
    for (int i = 0; i < CLIENTS; i++)
        if (co_task_result(self->tasks[i]) == -ENOTCONN)
            co_return(-ENOTCONN);
    co_finally;
    for (int i = 0; i <= CLIENTS; i++)
        co_task_free(self->tasks[i]);
    co_fd_close(self->listener);
    co_end;
}

static void a_connection_that_is_told_too_early_is_waited_for(void **state)
{
    (void)state;
    CO_FOR_EACH_SEED(t, (uint64_t)sized(200, 10)) {
        t.options.wakes = 50;
        t.failed = co_trial(&t, crowd) != 0;
    }
    assert_int_equal(co_trials_failed(), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_connection_that_is_told_too_early_is_waited_for),
};

TEST_MAIN(tests)
