/* SPDX-License-Identifier: BSD-2-Clause
 * trial_bugs.h: for trial.c: small programs, right ones and ones with a bug that trials are to
 * find, each with the loop of trials that finds it. */
#ifndef TRIAL_BUGS_H
#define TRIAL_BUGS_H

/* ---- A right program: a server that adds up, and three clients ------------------------------- */

struct session {
    co_frame; int fd; long sum; intptr_t n; char *line, in[64], out[64];
    struct co_stream stream;
};
static co_define(session) {
    co_begin;
    co_stream_init(&self->stream, self->fd, self->in, sizeof self->in);
    for (;;) {
        co_try(self->n, co_read_line(&self->stream, &self->line));
        if (self->n == 0)
            break;
        self->sum += atol(self->line);
        snprintf(self->out, sizeof self->out, "%ld\n", self->sum);
        co_try(co_send_all(self->fd, self->out, strlen(self->out)));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct server { co_frame; int listener, fd; struct co_group sessions; };
static co_define(server) {
    co_begin;
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_group_go(&self->sessions, session, .fd = self->fd) < 0)
            co_fd_close(self->fd);
    }
    co_finally;
    co_group_cancel(&self->sessions);
    co_await(co_group_wait(&self->sessions));
    co_fd_close(self->listener);
    co_end;
}

struct client {
    co_frame; int port, i, fd; intptr_t n; char *line;
    struct co_connect slot; struct co_within within; struct co_stream stream; char buf[64];
};
static co_define(client) {
    co_begin;
    self->fd = -1;
    co_try(self->fd, co_connect(&self->slot, "127.0.0.1", self->port));
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    for (self->i = 1; self->i <= 3; self->i++) {
        co_try(co_send_all(self->fd, "7\n", 2));
        co_try(self->n, co_within(&self->within, 30, co_read_line(&self->stream, &self->line)));
        if (self->n == 0 || atol(self->line) != 7 * self->i)
            co_return(-EPROTO);
        co_try(co_sleep(1));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct sums { co_frame; int listener, port; struct co_task *server, *clients[3]; };
static co_define(sums) {
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    if (self->listener < 0)
        co_return(self->listener);
    self->port = co_tcp_port(self->listener);
    self->server = co_spawn(server, .listener = self->listener);
    if (!self->server) {
        co_fd_close(self->listener);
        co_return(-ENOMEM);
    }
    for (int i = 0; i < 3; i++)
        self->clients[i] = co_spawn(client, .port = self->port);
    co_try(co_gather(self->clients, 3));
    co_finally;
    if (self->server) {
        co_cancel(self->server);
        co_await(co_shield(self->server));
        while (co_task_state(self->server) == CO_TASK_PENDING)
            co_await(co_shield(self->server));      /* cancelled once more */
        for (int i = 0; i < 3; i++)
            co_task_free(self->clients[i]);
        co_task_free(self->server);
    }
    co_end;
}

/* ---- An item is lost when its getter is cancelled between the get and the work --------------- */

static struct { int put, done; } jobs_sum;
struct worker { co_frame; struct co_queue *jobs; int job; };
static co_define(worker) {
    co_begin;
    for (;;) {
        co_try(co_queue_get(self->jobs, &self->job));
        co_try(co_sleep(0.5));                      /* the bug: here the job is nobody's */
        jobs_sum.done += self->job;
    }
    co_end;
}

struct jobs { co_frame; int i, job, items[8]; struct co_queue jobs; struct co_task *worker; };
static co_define(jobs) {
    co_begin;
    memset(&jobs_sum, 0, sizeof jobs_sum);
    co_queue_init(&self->jobs, self->items, 8, sizeof self->items[0]);
    for (self->i = 1; self->i <= 4; self->i++)
        if (co_queue_put_now(&self->jobs, &self->i) == 0)
            jobs_sum.put += self->i;
    co_queue_shutdown(&self->jobs);
    self->worker = co_spawn(worker, .jobs = &self->jobs);
    co_await(co_join(self->worker));
    while (co_queue_get_now(&self->jobs, &self->job) == 0)
        jobs_sum.done += self->job;
    co_finally;
    co_task_free(self->worker);
    co_end;
}

static int a_lost_item(void)
{
    CO_FOR_EACH_CANCEL(t) {
        co_trial(&t, jobs);
        t.failed = jobs_sum.done != jobs_sum.put;
    }
    return co_trials_failed();
}

/* ---- An fd is left open when the op between is cancelled, or fails --------------------------- */

struct left_fd { co_frame; int fds[2]; };
static co_define(left_fd) {
    co_begin;
    co_try(co_done(co_fd_pair(self->fds)));
    co_try(co_send(self->fds[0], "x", 1));
    co_try(co_sleep(1));                            /* the bug: no co_finally */
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static int a_left_fd_by_a_cancel(void)
{
    CO_FOR_EACH_CANCEL(t)
        co_trial(&t, left_fd);
    return co_trials_failed();
}

static int a_left_fd_by_a_failure(void)
{
    CO_FOR_EACH_FAILURE(t)
        co_trial(&t, left_fd);
    return co_trials_failed();
}

/* ---- A task is not freed; an fd is closed twice ---------------------------------------------- */

struct nap { co_frame; };
static co_define(nap) {
    co_begin;
    co_try(co_sleep(3600));
    co_end;
}

struct left_task { co_frame; struct co_task *a, *b; };
static co_define(left_task) {
    co_begin;
    self->a = co_spawn(nap);
    self->b = co_spawn(nap);
    if (!self->a || !self->b)
        co_return(-ENOMEM);                         /* the bug: one of them may be there */
    co_await(co_join(self->a));
    co_await(co_join(self->b));
    co_task_free(self->a);
    co_task_free(self->b);
    co_end;
}

static int a_left_task(void)
{
    CO_FOR_EACH_FAILURE(t)
        co_trial(&t, left_task);
    return co_trials_failed();
}

static int foreign_fd;
struct wrong_close { co_frame; };
static co_define(wrong_close) {
    co_begin;
    co_await(co_sleep(1));
    co_fd_close(foreign_fd);
    co_end;
}

static int a_foreign_fd_closed(void)
{
    foreign_fd = dup(0);
    CO_FOR_EACH_SEED(t, 3)
        co_trial(&t, wrong_close);
    return co_trials_failed();
}

/* ---- An order, a whole message, are taken for granted ---------------------------------------- */

struct adder { co_frame; int *value, factor, term; };
static co_define(adder) {
    co_begin;
    *self->value = *self->value * self->factor + self->term;
    co_end;
}
struct wrong_order { co_frame; struct co_task *tasks[2]; int value; };
static co_define(wrong_order) {
    co_begin;
    self->tasks[0] = co_spawn(adder, .value = &self->value, .factor = 1, .term = 3);
    self->tasks[1] = co_spawn(adder, .value = &self->value, .factor = 2, .term = 0);
    co_await(co_gather(self->tasks, 2));
    co_task_free(self->tasks[0]);
    co_task_free(self->tasks[1]);
    co_return(self->value == 6 ? 0 : -EPROTO);
    co_end;
}

static int a_wrong_order(void)
{
    CO_FOR_EACH_SEED(t, 1000)
        t.failed = co_trial(&t, wrong_order) != 0;
    return co_trials_failed();
}

struct short_read { co_frame; int fds[2]; intptr_t n; char head[8]; };
static co_define(short_read) {
    co_begin;
    co_try(co_done(co_fd_pair(self->fds)));
    co_try(co_send_all(self->fds[0], "12345678", 8));
    co_try(self->n, co_recv(self->fds[1], self->head, 8));      /* the bug: it may give less */
    co_return(memcmp(self->head, "12345678", 8) == 0 ? 0 : -EPROTO);
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static int a_short_read(void)
{
    CO_FOR_EACH_SEED(t, 1000)
        t.failed = co_trial(&t, short_read) != 0;
    return co_trials_failed();
}

/* ---- What goes wrong after a timeout only, and after two cancels only ------------------------ */

struct slow_reply { co_frame; int fds[2]; struct co_within slot; intptr_t n; };
static co_define(slow_reply) {
    co_begin;
    co_try(co_done(co_fd_pair(self->fds)));
    co_await(self->n, co_within(&self->slot, 10, co_sleep(1)));
    if (self->n == -ETIMEDOUT)
        co_return(-ETIMEDOUT);                      /* the bug */
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static int a_bad_timeout(void)
{
    CO_FOR_EACH_TIMEOUT(t)
        co_trial(&t, slow_reply);
    return co_trials_failed();
}

struct last_words { co_frame; int fds[2]; intptr_t n; };
static co_define(last_words) {
    co_begin;
    co_try(co_done(co_fd_pair(self->fds)));
    co_try(co_sleep(1));
    co_finally;
    co_await(self->n, co_sleep(0.1));
    if (self->n == 0 && self->fds[0] > 0) {         /* the bug: a second cancel comes here */
        co_fd_close(self->fds[0]);
        co_fd_close(self->fds[1]);
    }
    co_end;
}

static int a_bad_second_cancel(void)
{
    CO_FOR_EACH_CANCEL_PAIR(t, 4) {
        if (t.options.cancel_at == 1)               /* else one cancel in the clean-up will do */
            co_trial(&t, last_words);
    }
    return co_trials_failed();
}

/* ---- A deadlock after a failure that goes on ------------------------------------------------- */

struct left_alone { co_frame; struct co_event ready; struct co_task *setter; };
struct setter { co_frame; struct co_event *ready; };
static co_define(setter) {
    co_begin;
    if (co_loop_fails(EIO))
        co_return(-EIO);                            /* the bug: who waits is not told */
    co_event_set(self->ready);
    co_end;
}
static co_define(left_alone) {
    co_begin;
    self->setter = co_spawn(setter, .ready = &self->ready);
    if (self->setter)
        co_await(co_event_wait(&self->ready));
    if (self->setter)
        co_await(co_join(self->setter));
    co_task_free(self->setter);
    co_end;
}

static int a_deadlock(void)
{
    CO_FOR_EACH_FAILURE(t)
        co_trial(&t, left_alone);
    return co_trials_failed();
}

/* ---- The program stops ----------------------------------------------------------------------- */

struct stopper { co_frame; int how; char *volatile p; };
static co_define(stopper) {
    co_begin;
    co_try(co_sleep(1));
    if (co_time() == 1 && self->how == SIGKILL) {       /* for a sanitizer */
        self->p = (char *)malloc(1);
        free(self->p);
        *self->p = 1;
    } else if (self->how == SIGABRT) {
        abort();
    } else {
        raise(self->how);
    }
    co_end;
}

static int how_to_stop;
static int a_stop(void)
{
    CO_FOR_EACH_CANCEL(t)
        co_trial(&t, stopper, .how = how_to_stop);
    return co_trials_failed();
}

#endif
