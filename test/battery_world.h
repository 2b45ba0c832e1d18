/* SPDX-License-Identifier: BSD-2-Clause
 * battery_world.h: programs of the battery on what takes real time: threads, names, children; and
 * signals. */
#ifndef BATTERY_WORLD_H
#define BATTERY_WORLD_H
#include "battery_sync.h"

/* ---- threads: calls on the pool, posts from a thread of one's own ---------------------------- */

static struct account calls;            /* of several threads */

static intptr_t square(void *arg)
{
    long n = *(long *)arg;

    __atomic_fetch_add(&calls.used, 1, __ATOMIC_RELAXED);
    return n * n;
}

struct caller { co_frame; long i; struct co_within slot; intptr_t n; };
static co_define(caller)
{
    co_begin;
    enters;
    for (self->i = 1; self->i <= 2; self->i++) {
        __atomic_fetch_add(&calls.made, 1, __ATOMIC_RELAXED);
        co_await(self->n, co_within(&self->slot, LONG, co_thread(square, &self->i)));
        if (self->n < 0)            /* taken back: it has not begun */
            __atomic_fetch_add(&calls.wasted, 1, __ATOMIC_RELAXED);
        if (self->n < 0)
            co_return(self->n);
        check_equal(self->n, self->i * self->i);
    }
    co_finally;
    leaves;
    co_end;
}

struct threads { co_frame; struct co_task *callers[3]; struct crew crew; int i; };
static co_define(threads)
{
    co_begin;
    enters;
    calls = (struct account){ .made = 0 };
    for (self->i = 0; self->i < 3; self->i++)
        self->callers[self->i] = co_spawn(caller);
    co_try(co_gather(self->callers, 3));
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->callers, .n = 3));
    check_account(calls);
    leaves;
    co_end;
}
MAIN(threads);

struct posts {
    co_frame;
    struct co_loop *loop;
    struct co_event came;
    pthread_t thread;
    int is_made;
    struct co_within slot;
};

static void post_came(void *arg)
{
    struct posts *posts = arg;

    co_loop_unref(posts->loop);
    co_event_set(&posts->came);
}

static void *post_one(void *arg)
{
    struct posts *posts = arg;

    while (co_loop_post(posts->loop, post_came, posts) == -EAGAIN)
        usleep(1000);
    return NULL;
}

/* The frame must stay until the post has come: so clean-up waits for that, whatever is asked. */
static co_define(posts)
{
    co_begin;
    enters;
    self->loop = co_loop_current();
    co_loop_ref(self->loop);
    self->is_made = pthread_create(&self->thread, NULL, post_one, self) == 0;
    if (!self->is_made)
        co_loop_unref(self->loop);
    if (!self->is_made)
        co_return(-EAGAIN);
    co_try(co_within(&self->slot, LONG, co_event_wait(&self->came)));
    check(self->came.is_set);
    co_finally;
    while (self->is_made && !self->came.is_set)
        co_await(co_event_wait(&self->came));
    if (self->is_made)
        pthread_join(self->thread, NULL);       /* it is ending: co-lint: off(co-blocking) */
    leaves;
    co_end;
}
MAIN(posts);

/* ---- names: a name that the pool resolves, and connecting to it ------------------------------ */

struct names {
    co_frame;
    struct co_resolve name;
    struct co_connect connect;
    int listener, fd;
    intptr_t n;
};
static co_define(names)
{
    co_begin;
    enters;
    self->fd = -1;
    self->listener = co_tcp_listen(NULL, 0, 0);
    co_try(co_done(self->listener));
    co_try(self->n, co_resolve(&self->name, "localhost", 80));
    check(self->n > 0 && self->name.found);
    co_try(self->fd, co_connect(&self->connect, "localhost", co_tcp_port(self->listener)));
    co_finally;
    co_resolve_free(&self->name);
    if (self->fd >= 0)
        co_fd_close(self->fd);
    if (self->listener >= 0)
        co_fd_close(self->listener);
    leaves;
    co_end;
}
MAIN(names);

/* ---- children: pipes to and from a program, its end, its kill -------------------------------- */

struct children {
    co_frame;
    struct co_process cat, sleep;
    struct co_within slot;
    intptr_t n;
    char out[64];
};
static co_define(children)
{
    static char *const cat[] = { "cat", NULL }, *const sleep_[] = { "sleep", "1000", NULL };
    static const struct co_process_options pipes = { .in = CO_PROCESS_PIPE,
                                                     .out = CO_PROCESS_PIPE };
    static const struct co_process_options none = { .in = CO_PROCESS_NULL, .out = CO_PROCESS_NULL };

    co_begin;
    enters;
    co_try(co_done(co_process_spawn(&self->cat, cat, &pipes)));
    co_try(self->n, co_communicate(&self->cat, "some text", 9, self->out, sizeof self->out));
    check(self->n == 9 || faults.fail_at);      /* its input may have failed: that is no error */
    check(memcmp(self->out, "some text", (size_t)self->n) == 0);
    co_try(self->n, co_within(&self->slot, LONG, co_child(&self->cat)));
    check_equal(self->n, 0);
    co_try(co_done(co_process_spawn(&self->sleep, sleep_, &none)));
    check_equal(co_process_kill(&self->sleep, SIGTERM), 0);
    co_try(self->n, co_child(&self->sleep));
    check_equal(self->n, 128 + SIGTERM);
    co_finally;
    co_process_close(&self->cat);
    co_process_close(&self->sleep);
    check_equal(waitpid(-1, NULL, WNOHANG), -1);
    leaves;
    co_end;
}
MAIN(children);

/* ---- signals --------------------------------------------------------------------------------- */

struct listener { co_frame; int i; struct co_within slot; };
static co_define(listener)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < 2; self->i++)
        co_try(co_within(&self->slot, 20, co_signal(SIGUSR1)));
    co_finally;
    leaves;
    co_end;
}

static volatile sig_atomic_t stray;     /* signals that came when no loop listened */

static void on_stray(int signo)
{
    (void)signo;
    stray = 1;
}

struct signals_ { co_frame; struct co_task *listeners[2]; struct crew crew; int i; };
static co_define(signals_)
{
    co_begin;
    enters;
    signal(SIGUSR1, on_stray);
    for (self->i = 0; self->i < 2; self->i++)
        self->listeners[self->i] = co_spawn(listener);
    co_try(co_sleep(1));
    for (self->i = 0; self->i < 2; self->i++) {
        raise(SIGUSR1);
        co_try(co_sleep(1));
    }
    co_try(co_gather(self->listeners, 2));
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->listeners, .n = 2));
    leaves;
    co_end;
}
MAIN(signals_);

static void signals_over(intptr_t result)
{
    (void)result;
    stray = 0;
    raise(SIGUSR1);                     /* what was there before the loop is there again */
    check_equal(stray, 1);
}

#endif
