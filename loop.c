/* SPDX-License-Identifier: BSD-2-Clause
 * loop.c: the driver of task.h on an operating system: its life, its turns, posts, co_main. What
 * waits for time and fds is the backend, loop_ev.c; the border is in loop_impl.h. */
#define _GNU_SOURCE
#include "loop_impl.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined CO_DEBUG && !defined CO_TINY
#define DEBUGS(call) call
#else
#define DEBUGS(call) (void)0
#endif

__thread struct co_loop *co_loop_this_;
static struct co_loop *signal_loops[NSIG];      /* whose each signal is */

/* ---- Time ------------------------------------------------------------------------------------ */

int64_t co_loop_now_(const struct co_loop *loop)
{
    int64_t now = loop && loop->sim ? loop->sim->clock(loop->sim) : -1;
    struct timespec t;

    if (now >= 0)
        return now;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t driver_now(struct co_driver *driver)
{
    return co_loop_now_(CO_CONTAINER_(driver, struct co_loop, driver));
}

int64_t co_time_ns(void)
{
    return co_loop_now_(co_loop_this_);
}

double co_time(void)
{
    return (double)co_time_ns() / 1e9;
}

/* ---- Posts ----------------------------------------------------------------------------------- */

/* A post is a struct written to a pipe: that is atomic, wakes libev, and is allowed in a signal
 * handler. The pipe is the queue; the kernel bounds it. */
struct post {
    void (*fn)(void *);
    void *arg;
};

int co_loop_post(struct co_loop *loop, void (*fn)(void *), void *arg)
{
    struct post post = { fn, arg };
    int error = errno;
    ssize_t n;

    do
        n = write(loop->posts[1], &post, sizeof post);
    while (n < 0 && errno == EINTR);
    n = n < 0 ? -errno : 0;
    errno = error;                  /* a signal handler must not change it */
    return (int)n;
}

void co_loop_post_always_(struct co_loop *loop, void (*fn)(void *), void *arg)
{
    struct pollfd full = { .fd = loop->posts[1], .events = POLLOUT };

    while (co_loop_post(loop, fn, arg) == -EAGAIN)
        (void)poll(&full, 1, -1);
}

void co_loop_posted_(struct co_loop *loop)
{
    struct post posts[64];
    ssize_t n = read(loop->posts[0], posts, sizeof posts);

    for (ssize_t i = 0; i < n / (ssize_t)sizeof *posts; i++)
        posts[i].fn(posts[i].arg);
}

/* The child of a fork() gets a pipe of its own under the same numbers: the parent goes on to read
 * the old one, and what is on its way there is the parent's. 0, or negative errno. */
static int posts_renew(struct co_loop *loop)
{
    int posts[2], error = 0;

    loop->pid = getpid();
    if (pipe2(posts, O_NONBLOCK | O_CLOEXEC) < 0) {
        error = -errno;
        posts[0] = posts[1] = -1;
    }
    for (int i = 0; i < 2; i++) {
        if (posts[i] >= 0 && dup3(posts[i], loop->posts[i], O_CLOEXEC) >= 0) {
            close(posts[i]);
            continue;
        }
        close(loop->posts[i]);
        loop->posts[i] = -1;        /* co_loop_post will return -EBADF */
    }
    return error;
}

void co_loop_forked_(struct co_loop *loop)
{
    if (loop->pid != getpid())
        (void)posts_renew(loop);
}

int co_loop_fork(struct co_loop *loop)
{
    int error = loop->pid != getpid() ? posts_renew(loop) : 0;

    loop->backend->fork(loop);
    return error;
}

/* ---- Turns ----------------------------------------------------------------------------------- */

void co_loop_waits_(struct co_loop *loop, int more)
{
    loop->waiting += (unsigned)more;
}

void co_loop_outside_(int more)
{
    if (co_loop_this_)
        co_loop_this_->outside += (unsigned)more;
}

void co_loop_ref(struct co_loop *loop)
{
    loop->waiting++;
    loop->outside++;
}

void co_loop_unref(struct co_loop *loop)
{
    loop->waiting--;
    loop->outside--;
}

int co_loop_fails(int error)
{
    struct co_loop *loop = co_loop_this_;

    if (!loop || !loop->sim || !loop->sim->fails(loop->sim))
        return 0;
    errno = error;
    return 1;
}

static void *driver_resize(struct co_driver *driver, void *old, size_t size)
{
    struct co_sim_ *sim = CO_CONTAINER_(driver, struct co_loop, driver)->sim;

    if (size > 0 && sim && sim->fails(sim))
        return NULL;
    if (sim)
        sim->resized(sim, old, size);
    if (size > 0)
        return realloc(old, size);
    free(old);
    return NULL;
}

void co_loop_turn_(struct co_loop *loop)
{
    struct co_scheduler *s = &loop->scheduler;

    if (CO_RARELY_(loop->sim != NULL))
        loop->sim->turn(loop->sim);
    co_scheduler_turn(s);
    if (loop->draining && s->count > 0 && !(co_task_next(NULL)->flags & CO_TASK_ASKED_))
        co_scheduler_cancel_all(s);     /* only tasks that were spawned meanwhile are left */
}

struct co_next_ co_loop_next_(struct co_loop *loop)
{
    const struct co_scheduler *s = &loop->scheduler;
    struct co_next_ next = { co_scheduler_next(s), 0, 0 };
    int stuck = 0;

    if (CO_RARELY_(loop->sim != NULL))
        next.until = loop->sim->next(loop->sim, next.until, &stuck);
    if (!stuck)
        next.alive = loop->rides && !loop->running ? s->count > 0
                                                   : loop->waiting > 0 || next.until < INT64_MAX;
    next.over = loop->running && (loop->stopped || s->count == 0);
    return next;
}

void co_loop_slept_(struct co_loop *loop, int64_t until)
{
    if (loop->sim)
        loop->sim->slept(loop->sim, until);
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct co_loop_part_ *co_loop_part_(struct co_loop *loop, void (*leave)(struct co_loop_part_ *),
                                   size_t size)
{
    struct co_loop_part_ *part = loop->parts;

    while (part && part->leave != leave)
        part = part->next;
    if (!part && size > 0 && !co_loop_fails(ENOMEM) && (part = calloc(1, size)) != NULL) {
        part->leave = leave;
        part->next = loop->parts;
        loop->parts = part;
    }
    return part;
}

/* What a loop is made of that may fail. 0, or negative errno. */
static int loop_make(struct co_loop *loop, const struct co_loop_options *options)
{
    loop->pid = getpid();
    loop->rides = options->ev != NULL;
    loop->posts[0] = loop->posts[1] = -1;
    if (pipe2(loop->posts, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    return loop->backend->open(loop, options);
}

/* Frees what is left of a loop whose backend is closed. */
static void loop_unmake(struct co_loop *loop)
{
    for (int i = 0; i < 2; i++)
        if (loop->posts[i] >= 0)
            close(loop->posts[i]);
    if (loop->sim)
        loop->sim->free(loop->sim);
    free(loop);
}

struct co_loop *co_loop_new(const struct co_loop_options *options)
{
    static const struct co_loop_options defaults;
    const struct co_backend_ *backend = &co_backend_ev_;
    struct co_loop *loop = co_loop_this_ ? NULL : calloc(1, backend->loop_size);
    struct sigaction pipe_action;
    int error = co_loop_this_ ? -EBUSY : -ENOMEM;

    if (loop) {
        loop->backend = backend;
        error = loop_make(loop, options ? options : &defaults);
        if (error < 0)
            loop_unmake(loop);
    }
    if (error < 0) {
        errno = -error;
        return NULL;
    }
    loop->driver.now = driver_now;
    loop->driver.resize = driver_resize;
    co_scheduler_init(&loop->scheduler, &loop->driver, NULL, 0);
    co_fds_init_(loop);
    if (sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    DEBUGS(co_loop_tell_crashes_());
    return co_loop_this_ = loop;
}

CO_ATTRIBUTE_(noinline) void co_loop_stack_(struct co_loop *loop)
{
#if defined __GNUC__ && !defined __TINYC__
    loop->stack = (uintptr_t)__builtin_frame_address(0);
#else
    loop->stack = 0;
#endif
}

int co_loop_run(struct co_loop *loop)
{
    int left;                   /* the run was left while something was alive, by ev_break() */

    loop->running = 1;
    co_loop_stack_(loop);
    do
        left = loop->backend->run(loop);
    while (!left && !loop->stopped && co_scheduler_next(&loop->scheduler) == 0);
    loop->running = 0;
    if (loop->stopped || left) {
        loop->stopped = 0;
        return 0;
    }
    return loop->scheduler.count > 0 ? -EDEADLK : 0;
}

void co_loop_stop(struct co_loop *loop)
{
    loop->stopped = 1;
}

/* Runs until nothing can go on. Tasks that wait for each other in a ring have passed their cancel
 * round, which wakes none of them. The ring is broken, and reported if the deadlock was not. */
static void loop_run_out(struct co_loop *loop, int told)
{
    while (co_loop_run(loop) == -EDEADLK && co_scheduler_break_ring(&loop->scheduler)) {
        if (told)
            continue;
        fputs("co_loop_free: tasks wait for each other in a ring; the one that is ready gets "
              "-EDEADLK:\n", stderr);
        co_loop_dump(loop, stderr);
        told = 1;
    }
}

/* Cancels all and runs it to its end; a task that waits again for nothing is cancelled again. */
static void loop_drain(struct co_loop *loop, int told)
{
    loop->draining = 1;
    DEBUGS(loop->scheduler.debug.ends = 1);
    for (int tries = 0; loop->scheduler.count > 0; tries++) {
        if (tries == 100) {
            fputs("co_loop_free: tasks are left that wait on whatever they are cancelled: let "
                  "them leave when an await returns -ECANCELED, as co_try does:\n", stderr);
            co_loop_dump(loop, stderr);
            abort();
        }
        co_scheduler_cancel_all(&loop->scheduler);
        loop_run_out(loop, told);
    }
}

int co_loop_signal_take_(struct co_loop *loop, int signo)
{
    struct co_loop *owner = NULL;

    return __atomic_compare_exchange_n(&signal_loops[signo], &owner, loop, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE) || owner == loop ? 0 : -EBUSY;
}

static void signals_give_back(struct co_loop *loop)
{
    for (int signo = 0; signo < NSIG; signo++)
        if (__atomic_load_n(&signal_loops[signo], __ATOMIC_RELAXED) == loop)
            __atomic_store_n(&signal_loops[signo], NULL, __ATOMIC_RELEASE);
}

void co_loop_free(struct co_loop *loop)
{
    if (!loop)
        return;
    loop_drain(loop, 0);
    while (loop->parts) {
        struct co_loop_part_ *part = loop->parts;
        loop->parts = part->next;
        part->leave(part);
    }
    signals_give_back(loop);
    co_fds_free_(loop);
    loop->backend->close(loop);
    co_scheduler_free(&loop->scheduler);
    DEBUGS(co_loop_tell_no_crashes_());
    co_loop_this_ = NULL;
    loop_unmake(loop);
}

void co_loop_abandon_(struct co_loop *loop)
{
    if (loop != co_loop_this_ || !loop)
        return;
    co_loop_sigint_stop_(loop);
    signals_give_back(loop);
    co_scheduler_set(NULL);
    DEBUGS(co_loop_tell_no_crashes_());
    co_loop_this_ = NULL;
}

struct co_loop *co_loop_current(void)
{
    return co_loop_this_;
}

struct ev_loop *co_loop_ev(struct co_loop *loop)
{
    return loop->ev;
}

/* ---- co_main --------------------------------------------------------------------------------- */

void co_loop_interrupt_(struct co_loop *loop)
{
    DEBUGS(loop->scheduler.debug.ends = 1);
    co_cancel(loop->main_task);
}

static void sigint_start(struct co_loop *loop)
{
    struct sigaction action;

    if (sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL
        && co_loop_signal_take_(loop, SIGINT) == 0)
        loop->backend->sigint(loop, 1);
}

void co_loop_sigint_stop_(struct co_loop *loop)
{
    loop->backend->sigint(loop, 0);
}

int co_main_begin_(void)
{
    struct co_loop *loop = co_loop_new(NULL);
    int error = errno;

    if (loop)
        loop->main_begun = 1;
    else
        fprintf(stderr, "co_main: no loop: %s\n",
                error == EBUSY ? "this thread has one already" : strerror(error));
    errno = error;
    return loop != NULL;
}

static void main_done(struct co_task_set *set, struct co_task *task)
{
    struct co_loop *loop = co_loop_this_;

    (void)set;
    loop->main_task = NULL;
    loop->main_result = task->chain.result;
    loop->main_is_ours = !(task->flags & CO_TASK_GO_);
    co_loop_stop(loop);
}

/* Runs the main task to its end, and then all that is left. The loop stays. */
intptr_t co_main_run_(struct co_task *task)
{
    static struct co_task_set set = { main_done };
    struct co_loop *loop = co_loop_this_;
    intptr_t result = 0;

    if (!task)
        return -ENOMEM;
    loop->main_task = task;
    task->set = &set;
    sigint_start(loop);
    if (co_loop_run(loop) == -EDEADLK) {
        fputs("deadlock: these tasks wait, and nothing can wake them:\n", stderr);
        co_loop_dump(loop, stderr);
        result = -EDEADLK;
    }
    loop_drain(loop, result == -EDEADLK);
    if (result == 0)
        result = loop->main_result;
    co_loop_sigint_stop_(loop);
    if (loop->main_is_ours)
        co_task_free(task);
    return result;
}

intptr_t co_main_end_(struct co_task *task)
{
    intptr_t result;

    if (!co_loop_this_ || !co_loop_this_->main_begun)   /* none, or not ours to free */
        return -errno;
    co_loop_this_->main_begun = 0;
    result = co_main_run_(task);
    co_loop_free(co_loop_this_);
    return result;
}
