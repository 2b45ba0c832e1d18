/* SPDX-License-Identifier: BSD-2-Clause
 * loop.c: the libev driver of task.h: time, turns, posts, SIGINT. What it does with fds is in
 * loop_fd.h, a part of it.
 *
 * One prepare watcher does all: before libev polls, it runs one turn of the scheduler and says how
 * long libev may sleep. So a loop that rides on a foreign ev_loop is the same as one of our own. */
#define _GNU_SOURCE
#include "loop.h"

#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef ev_io_modify
#define ev_io_modify(io, events) ev_io_set(io, (io)->fd, events)    /* before libev 4.32 */
#endif

#define CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

struct co_loop {
    struct co_driver driver;
    struct co_scheduler scheduler;
    struct ev_loop *ev;
    int owns_ev;                /* no rider */
    ev_prepare prepare;
    ev_check check;             /* of a rider, see on_check */
    ev_fork fork;               /* libev will look at all fds anew */
    ev_idle idle;               /* active: libev must not sleep */
    ev_timer timer;             /* armed for the earliest timer of the scheduler */
    int64_t armed;              /* when, or INT64_MAX */
    ev_signal sigint;
    struct co_task *main_task;     /* what SIGINT cancels */
    int held;                   /* a reference on the libev loop: somebody can be woken */
    int running, stopped;       /* in co_loop_run; to be left */
    int draining;               /* in loop_drain */
    unsigned waiting;           /* tasks that wait on fds, and references */
    unsigned outside;           /* of these, references to what takes real time */
    struct fd_entry **fds;      /* blocks; NULL: nobody ever waited on one of these fds */
    int fd_room;
    int *changed, changes;      /* fds that libev will look at before it polls; room as for fds */
    int all_changed;
    struct co_task *paused;        /* ring of the tasks that wait for an fd to spare */
    struct co_timer pause;
    int posts[2];               /* a pipe of struct post */
    pid_t pid;                  /* whose pipe that is */
    ev_io post;
    struct co_loop_part *parts;    /* what other files keep with this loop */
    int main_begun;             /* by co_main, which has not yet run it */
    struct sim *sim;            /* under options for tests, or NULL */
};

static __thread struct co_loop *loop_;
static struct co_loop *signal_loops[NSIG];     /* libev allows a signal in one loop only */

static const int64_t PAUSE_NS = 50 * 1000 * 1000;      /* a listener without an fd: 20 tries/s */

/* ---- What loop_sim.h, below, does for loops under test --------------------------------------- */

static int64_t sim_clock(const struct sim *sim);
static intptr_t sim_attempt(struct sim *sim, co_fd_try *attempt, int fd, int direction,
                            struct co_fd_op *op);
static int sim_event(struct sim *sim, struct fd_entry *entry, int revents);
static int sim_fails(struct sim *sim);
static int sim_starves(const struct sim *sim);
static void sim_resized(struct sim *sim, const void *old, size_t size);

/* ---- Time ------------------------------------------------------------------------------------ */

static int64_t clock_ns(struct co_driver *driver)
{
    const struct co_loop *loop = driver ? CONTAINER(driver, struct co_loop, driver) : NULL;
    int64_t now = loop && loop->sim ? sim_clock(loop->sim) : -1;
    struct timespec t;

    if (now >= 0)
        return now;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double co_time(void)
{
    return (double)clock_ns(loop_ ? &loop_->driver : NULL) / 1e9;
}

#include "loop_fd.h"

/* ---- The loop -------------------------------------------------------------------------------- */

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

static void on_post(struct ev_loop *ev, ev_io *io, int revents)
{
    struct post posts[64];
    ssize_t n = read(io->fd, posts, sizeof posts);

    (void)ev, (void)revents;
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *posts; i++)
        posts[i].fn(posts[i].arg);
}

void co_loop_waits_(struct co_loop *loop, int more)
{
    loop->waiting += (unsigned)more;
}

void co_loop_outside_(int more)
{
    if (loop_)
        loop_->outside += (unsigned)more;
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

static void *loop_resize(struct co_driver *driver, void *old, size_t size)
{
    struct co_loop *loop = CONTAINER(driver, struct co_loop, driver);

    if (size > 0 && loop->sim && sim_fails(loop->sim))
        return NULL;
    if (loop->sim)
        sim_resized(loop->sim, old, size);
    if (size > 0)
        return realloc(old, size);
    free(old);
    return NULL;
}

static void on_idle(struct ev_loop *ev, ev_idle *idle, int revents)
{
    (void)ev, (void)idle, (void)revents;
}

static void signals_give_back(struct co_loop *loop);
#include "loop_sim.h"

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct co_loop *loop = CONTAINER(timer, struct co_loop, timer);

    (void)ev, (void)revents;
    if (loop->sim)
        sim_timer(loop);
    loop->armed = INT64_MAX;        /* the turn that follows fires what is due */
}

static void timer_arm(struct co_loop *loop, int64_t next)
{
    if (next == loop->armed)
        return;
    loop->armed = next;
    ev_timer_stop(loop->ev, &loop->timer);
    if (next == INT64_MAX)
        return;
    ev_now_update(loop->ev);        /* the turn may have taken long */
    ev_timer_set(&loop->timer, (double)(next - clock_ns(&loop->driver)) / 1e9, 0.);
    ev_timer_start(loop->ev, &loop->timer);
}

/* The child of a fork() gets a pipe of its own under the same numbers: the parent goes on to read
 * the old one, and what is on its way there is the parent's. */
static void posts_renew(struct co_loop *loop)
{
    int posts[2];

    loop->pid = getpid();
    if (pipe2(posts, O_NONBLOCK | O_CLOEXEC) < 0)
        posts[0] = posts[1] = -1;
    for (int i = 0; i < 2; i++) {
        if (posts[i] >= 0 && dup3(posts[i], loop->posts[i], O_CLOEXEC) >= 0) {
            close(posts[i]);
            continue;
        }
        close(loop->posts[i]);
        loop->posts[i] = -1;        /* co_loop_post will give -EBADF */
    }
}

/* In the child of a fork(), or after an event of an fd that is closed here and open elsewhere. */
static void on_fork(struct ev_loop *ev, ev_fork *fork, int revents)
{
    struct co_loop *loop = CONTAINER(fork, struct co_loop, fork);

    (void)ev, (void)revents;
    loop->all_changed = 1;
    if (loop->pid != getpid())
        posts_renew(loop);
}

static void loop_hold(struct co_loop *loop, int hold)
{
    if (hold == loop->held)
        return;
    loop->held = hold;
    if (hold)
        ev_ref(loop->ev);
    else
        ev_unref(loop->ev);
}

/* Behind all callbacks: if the last foreign watcher made a task ready, ev_run() must not leave. */
static void on_check(struct ev_loop *ev, ev_check *check, int revents)
{
    struct co_loop *loop = CONTAINER(check, struct co_loop, check);

    (void)ev, (void)revents;
    if (co_scheduler_next(&loop->scheduler) == 0)
        loop_hold(loop, 1);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
    struct co_loop *loop = CONTAINER(prepare, struct co_loop, prepare);
    struct co_scheduler *s = &loop->scheduler;
    int64_t next;
    int stuck = 0;

    (void)revents;
    if (loop->sim)
        sim_events(loop);
    co_scheduler_turn(s);
    if (loop->draining && s->count > 0 && !(co_task_next(NULL)->flags & CO_TASK_ASKED_))
        co_scheduler_cancel_all(s);    /* only tasks that were spawned meanwhile are left */
    changed_check(loop);
    next = co_scheduler_next(s);
    if (loop->sim)
        next = sim_next(loop, next, &stuck);
    if (next == 0)
        ev_idle_start(ev, &loop->idle);
    else
        ev_idle_stop(ev, &loop->idle);
    timer_arm(loop, next == 0 ? loop->armed : next);
    /* Not by the timer alone: once it has fired, libev would leave before the turn it is for. */
    loop_hold(loop, stuck ? 0 : loop->owns_ev || loop->running
                                ? loop->waiting > 0 || next < INT64_MAX : s->count > 0);
    if (loop->running && (loop->stopped || s->count == 0))
        ev_break(ev, EVBREAK_ONE);
}

struct co_loop_part *co_loop_part_(struct co_loop *loop, void (*leave)(struct co_loop_part *),
                                   size_t size)
{
    struct co_loop_part *part = loop->parts;

    while (part && part->leave != leave)
        part = part->next;
    if (!part && size > 0 && !co_loop_fails(ENOMEM) && (part = calloc(1, size)) != NULL) {
        part->leave = leave;
        part->next = loop->parts;
        loop->parts = part;
    }
    return part;
}

/* None of these keeps the libev loop alive. */
static void loop_watch(struct co_loop *loop)
{
    ev_io_init(&loop->post, on_post, loop->posts[0], EV_READ);
    ev_io_start(loop->ev, &loop->post);
    ev_unref(loop->ev);
    ev_idle_init(&loop->idle, on_idle);
    ev_timer_init(&loop->timer, on_timer, 0., 0.);
    ev_fork_init(&loop->fork, on_fork);
    ev_fork_start(loop->ev, &loop->fork);
    ev_unref(loop->ev);
    ev_prepare_init(&loop->prepare, on_prepare);
    ev_set_priority(&loop->prepare, EV_MINPRI);     /* after foreign ones, which may wake tasks */
    ev_prepare_start(loop->ev, &loop->prepare);
    ev_unref(loop->ev);
    ev_check_init(&loop->check, on_check);
    ev_set_priority(&loop->check, EV_MINPRI);
    if (!loop->owns_ev) {
        ev_check_start(loop->ev, &loop->check);
        ev_unref(loop->ev);
    }
}

static void loop_unwatch(struct co_loop *loop)
{
    loop_hold(loop, 0);
    ev_ref(loop->ev);
    ev_io_stop(loop->ev, &loop->post);
    ev_ref(loop->ev);
    ev_fork_stop(loop->ev, &loop->fork);
    ev_ref(loop->ev);
    ev_prepare_stop(loop->ev, &loop->prepare);
    if (!loop->owns_ev) {
        ev_ref(loop->ev);
        ev_check_stop(loop->ev, &loop->check);
    }
    ev_idle_stop(loop->ev, &loop->idle);
    ev_timer_stop(loop->ev, &loop->timer);
}

/* What a loop is made of that may fail. 0, or negative errno. */
static int loop_make(struct co_loop *loop, const struct co_loop_options *options)
{
    loop->pid = getpid();
    loop->posts[0] = loop->posts[1] = -1;
    loop->owns_ev = !options->ev;
    loop->ev = options->ev ? options->ev : ev_loop_new(options->backend | EVFLAG_NOENV);
    if (!loop->ev)
        return -ENOSYS;
    if (pipe2(loop->posts, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    return sim_wanted(options) && !(loop->sim = sim_new(options)) ? -ENOMEM : 0;
}

/* Frees what loop_make made. */
static void loop_unmake(struct co_loop *loop)
{
    for (int i = 0; i < 2; i++)
        if (loop->posts[i] >= 0)
            close(loop->posts[i]);
    if (loop->ev && loop->owns_ev)
        ev_loop_destroy(loop->ev);
    sim_free(loop->sim);
    free(loop);
}

struct co_loop *co_loop_new(const struct co_loop_options *options)
{
    static const struct co_loop_options defaults;
    struct co_loop *loop = loop_ ? NULL : calloc(1, sizeof *loop);
    struct sigaction pipe_action;
    int error = loop ? loop_make(loop, options ? options : &defaults) : loop_ ? -EBUSY : -ENOMEM;

    if (error < 0) {
        if (loop)
            loop_unmake(loop);
        errno = -error;
        return NULL;
    }
    loop->driver.now = clock_ns;
    loop->driver.resize = loop_resize;
    co_scheduler_init(&loop->scheduler, &loop->driver, NULL, 0);
    loop->scheduler.hooks = loop->sim ? &loop->sim->hooks : NULL;
    loop->armed = INT64_MAX;
    loop->pause.fire = pause_over;
    loop_watch(loop);
    if (sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    return loop_ = loop;
}

int co_loop_run(struct co_loop *loop)
{
    int watched;                /* watchers are left: somebody called ev_break() */

    loop->running = 1;
    do
        watched = ev_run(loop->ev, 0);
    while (!watched && !loop->stopped && co_scheduler_next(&loop->scheduler) == 0);
    loop->running = 0;
    if (loop->stopped || watched) {
        loop->stopped = 0;
        return 0;
    }
    return loop->scheduler.count > 0 ? -EDEADLK : 0;
}

void co_loop_stop(struct co_loop *loop)
{
    loop->stopped = 1;
}

/* Cancels all and runs it to its end; a task that waits again for nothing is cancelled again. */
static void loop_drain(struct co_loop *loop)
{
    loop->draining = 1;
    for (int tries = 0; loop->scheduler.count > 0; tries++) {
        if (tries == 100) {
            fputs("co_loop_free: tasks are left that wait on whatever they are cancelled:\n",
                  stderr);
            co_loop_dump(loop, stderr);
            abort();
        }
        co_scheduler_cancel_all(&loop->scheduler);
        co_loop_run(loop);
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
    loop_drain(loop);
    co_timer_stop(&loop->pause);
    while (loop->parts) {
        struct co_loop_part *part = loop->parts;
        loop->parts = part->next;
        part->leave(part);
    }
    signals_give_back(loop);
    loop_unwatch(loop);
    for (int fd = 0; fd < loop->fd_room; fd++)
        co_fd_forget_(fd);
    for (int i = 0; i < loop->fd_room / FD_BLOCK; i++)
        free(loop->fds[i]);
    free(loop->fds);
    free(loop->changed);
    co_scheduler_free(&loop->scheduler);
    loop_ = NULL;
    loop_unmake(loop);
}

struct co_loop *co_loop_current(void)
{
    return loop_;
}

struct ev_loop *co_loop_ev(struct co_loop *loop)
{
    return loop->ev;
}

/* ---- co_main ------------------------------------------------------------------------------- */

static void on_sigint(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    struct co_loop *loop = CONTAINER(watcher, struct co_loop, sigint);

    (void)revents;
    ev_ref(ev);
    ev_signal_stop(ev, watcher);    /* the next one kills, as usual */
    co_cancel(loop->main_task);
}

static void sigint_start(struct co_loop *loop)
{
    struct sigaction action;

    ev_signal_init(&loop->sigint, on_sigint, SIGINT);
    if (sigaction(SIGINT, NULL, &action) < 0 || action.sa_handler != SIG_DFL
        || co_loop_signal_take_(loop, SIGINT) < 0)
        return;
    ev_signal_start(loop->ev, &loop->sigint);
    ev_unref(loop->ev);
}

void co_loop_sigint_stop_(struct co_loop *loop)
{
    if (ev_is_active(&loop->sigint)) {
        ev_ref(loop->ev);
        ev_signal_stop(loop->ev, &loop->sigint);
    }
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
    (void)set, (void)task;
    co_loop_stop(loop_);
}

/* Runs the main task to its end, and then all that is left. The loop stays. */
intptr_t co_main_run_(struct co_task *task)
{
    static struct co_task_set set = { main_done };
    struct co_loop *loop = loop_;
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
    loop_drain(loop);
    if (result == 0)
        result = co_task_result(task);
    co_loop_sigint_stop_(loop);
    co_task_free(task);
    return result;
}

intptr_t co_main_end_(struct co_task *task)
{
    intptr_t result;

    if (!loop_ || !loop_->main_begun)   /* none, or not ours to free */
        return -errno;
    loop_->main_begun = 0;
    result = co_main_run_(task);
    co_loop_free(loop_);
    return result;
}

/* ---- Seeing what happens --------------------------------------------------------------------- */

/* The op of a site's text "lvalue, op". */
static const char *op_text(const char *text)
{
    int depth = 0;

    for (const char *p = text; *p; p++) {
        depth += (*p == '(' || *p == '{' || *p == '[') - (*p == ')' || *p == '}' || *p == ']');
        if (*p == ',' && depth == 0)
            return p + 1 + (p[1] == ' ');
    }
    return text;
}

static void task_dump(struct co_task *task, FILE *to)
{
    static const char *const steps[] = { "ready", "running", "waiting", "ended" };

    fprintf(to, "task %p %s: %s", (void *)task, co_task_name(task), steps[task->step]);
    if (task->wait && task->step == 2)
        fprintf(to, " in %s", task->wait->name);
    fputc('\n', to);
    for (struct co *co = task->chain.top; co; co = co->caller) {
        const struct co_site *site = co_where(co);
        if (site)
            fprintf(to, "    %s:%d  %s  %s\n", site->file, site->line, site->name,
                    op_text(site->text));
    }
}

void co_loop_dump(struct co_loop *loop, FILE *to)
{
    (void)loop;
    for (struct co_task *task = NULL; (task = co_task_next(task)) != NULL; )
        task_dump(task, to);
}
