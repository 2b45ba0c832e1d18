/* SPDX-License-Identifier: BSD-2-Clause
 * sim_day.h: for sim.c, a busy program that runs for so many seconds, and its trace: clients and a
 * server over TCP and over a pair, a queue, deadlines that are kept and missed. */
#ifndef SIM_DAY_H
#define SIM_DAY_H

struct day_server { co_frame; int listener, fd; struct co_group sessions; };
static co_define(day_server) {
    co_begin;
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_group_go(&self->sessions, echo_session, .fd = self->fd) < 0)
            co_fd_close(self->fd);
    }
    co_finally;
    co_group_cancel(&self->sessions);
    co_await(co_group_wait(&self->sessions));
    co_fd_close(self->listener);
    co_end;
}

/* Every [period] seconds a line there and back; over a new connection each time, if [port]. */
struct day_client {
    co_frame; int fd, port; double period, until; intptr_t n; char buf[100]; struct co_connect slot;
};
static co_define(day_client) {
    co_begin;
    while (co_time() < self->until) {
        if (self->port)
            co_try(self->fd, co_connect(&self->slot, NULL, self->port));
        co_try(co_send_all(self->fd, "the quick brown fox", 19));
        co_try(co_recv_exact(self->fd, self->buf, 19));
        check(memcmp(self->buf, "the quick brown fox", 19) == 0);
        if (self->port) {
            co_fd_close(self->fd);
            self->fd = -1;
        }
        co_try(co_sleep(self->period));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct day_maker { co_frame; struct co_queue *jobs; double until; int i; };
static co_define(day_maker) {
    co_begin;
    for (; co_time() < self->until; self->i++) {
        co_try(co_queue_put(self->jobs, &self->i));
        co_try(co_sleep(self->i % 10 == 0 ? 90 : 7.5));
    }
    co_queue_shutdown(self->jobs);
    co_end;
}

/* Each tenth job comes too late for the deadline. */
struct day_taker { co_frame; struct co_queue *jobs; int job, jobs_done, late; intptr_t n;
                   struct co_within slot; };
static co_define(day_taker) {
    co_begin;
    for (;;) {
        co_await(self->n, co_within(&self->slot, 60, co_queue_get(self->jobs, &self->job)));
        if (self->n == -ETIMEDOUT)
            self->late++;
        else if (self->n < 0)
            break;
        else
            check_equal(self->job, self->jobs_done++);
    }
    check_equal(self->n, -EPIPE);
    check(self->late > 0);
    co_end;
}

enum { DAY_TASKS = 6 };
struct day {
    co_frame; double seconds; int pair[2], listener, port, items[4]; intptr_t n;
    struct co_queue jobs;
    struct co_task *server, *session, *tasks[DAY_TASKS];
};
static co_define(day) {
    co_begin;
    check_equal(co_fd_pair(self->pair), 0);
    co_queue_init(&self->jobs, self->items, 4, sizeof self->items[0]);
    self->listener = co_tcp_listen(NULL, 0, 0);
    self->port = co_tcp_port(self->listener);
    self->server = co_spawn(day_server, .listener = self->listener);
    self->session = co_spawn(echo_session, .fd = self->pair[1]);
    for (int i = 0; i < 3; i++)
        self->tasks[i] = co_spawn(day_client, .fd = -1, .port = self->port,
                                  .period = 30 + 11 * i, .until = self->seconds);
    self->tasks[3] = co_spawn(day_client, .fd = self->pair[0], .period = 5,
                              .until = self->seconds);
    self->tasks[4] = co_spawn(day_maker, .jobs = &self->jobs, .until = self->seconds);
    self->tasks[5] = co_spawn(day_taker, .jobs = &self->jobs);
    co_await(self->n, co_gather(self->tasks, DAY_TASKS));
    check_equal(self->n, 0);
    co_cancel(self->server);
    co_await(co_join(self->server));
    co_await(self->n, co_join(self->session));          /* its peer has closed */
    check_equal(self->n, 0);
    for (int i = 0; i < DAY_TASKS; i++)
        co_task_free(self->tasks[i]);
    co_task_free(self->server);
    co_task_free(self->session);
    co_end;
}

/* Runs it for [seconds] under [options]: its trace, free() it. */
static char *day_trace(const struct co_trial_options *options, double seconds)
{
    struct co_trial_options traced = *options;
    char *text = NULL;
    size_t size = 0;

    traced.trace = open_memstream(&text, &size);
    assert_non_null(traced.trace);
    assert_non_null(co_loop_new_trial(NULL, &traced));
    assert_int_equal(run(day, .seconds = seconds), 0);
    assert_true(co_time() >= seconds);
    co_loop_free(co_loop_current());
    fclose(traced.trace);
    return text;
}

static size_t day_lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

#endif
