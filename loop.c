/* SPDX-License-Identifier: BSD-2-Clause
 * loop.c: the libev driver of task.h: time, readiness of fds, SIGINT.
 *
 * One prepare watcher does all: before libev polls, it runs one turn of the scheduler and says how
 * long libev may sleep. So a loop that rides on a foreign ev_loop is the same as one of our own. */
#define _GNU_SOURCE
#include "loop.h"

#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* One direction of an fd: its watcher and the task that waits. The watcher stays armed between
 * awaits; it is stopped when an event finds no task. So a request costs no epoll_ctl. */
struct fd_side {
    ev_io io;
    struct task *task;          /* NULL: nobody waits */
    struct fd_op op;            /* what that task does */
    int drained;                /* the last read was short: wait first, then read */
};

struct fd_entry {
    int fd;
    int known;                  /* checked since it was opened */
    int is_changed, is_paused;  /* in these lists */
    unsigned polls;             /* libev's count of polls when it changed last */
    struct fd_side side[2];     /* FD_READ, FD_WRITE */
    struct fd_entry *changed;   /* next of those that libev will look at before it polls */
    struct fd_entry *paused;    /* next of the listeners that wait for an fd to spare */
};

struct loop {
    struct task_driver driver;
    struct scheduler scheduler;
    struct ev_loop *ev;
    int owns_ev;                /* no rider */
    ev_prepare prepare;
    ev_check check;             /* of a rider, see on_check */
    ev_fork fork;               /* libev will look at all fds anew */
    ev_idle idle;               /* active: libev must not sleep */
    ev_timer timer;             /* armed for the earliest timer of the scheduler */
    int64_t armed;              /* when, or INT64_MAX */
    ev_signal sigint;
    struct task *main_task;     /* what SIGINT cancels */
    int held;                   /* a reference on the libev loop: somebody can be woken */
    int running, stopped;       /* in loop_run; to be left */
    int draining;               /* in loop_drain */
    unsigned waiting;           /* tasks that wait on fds */
    struct fd_entry **fds;
    int fd_room;
    struct fd_entry *changed, *paused;
    int all_changed;
    struct task_timer pause;
    int posts[2];               /* a pipe of struct post */
    ev_io post;
    struct loop_part *parts;    /* what other files keep with this loop */
    int main_begun;             /* by loop_main, which has not yet run it */
};

static __thread struct loop *loop_;
static struct loop *signal_loops[NSIG];     /* libev allows a signal in one loop only */

static const int64_t PAUSE_NS = 50 * 1000 * 1000;      /* a listener without an fd: 20 tries/s */

/* ---- Time ------------------------------------------------------------------------------------ */

static int64_t clock_ns(struct task_driver *driver)
{
    struct timespec t;

    (void)driver;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double loop_time(void)
{
    return (double)clock_ns(NULL) / 1e9;
}

/* ---- The fd table ---------------------------------------------------------------------------- */

/* The entry of [fd], or NULL if nobody ever waited on it. */
static struct fd_entry *fd_find(struct loop *loop, int fd)
{
    return loop && fd >= 0 && fd < loop->fd_room ? loop->fds[fd] : NULL;
}

static int fd_grow(struct loop *loop, int fd)
{
    int room = loop->fd_room ? loop->fd_room : 16;
    struct fd_entry **fds;

    while (room <= fd)
        room *= 2;
    if (room == loop->fd_room)
        return 0;
    fds = realloc(loop->fds, (size_t)room * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    memset(fds + loop->fd_room, 0, (size_t)(room - loop->fd_room) * sizeof *fds);
    loop->fds = fds;
    loop->fd_room = room;
    return 0;
}

/* What libev would abort on, or report as ready for ever, is refused here. */
static int fd_check(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -EBADF;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? -EPERM : 0;
}

static void fd_event(struct ev_loop *ev, ev_io *io, int revents);

/* Makes the entry of [fd], if need be, and checks the fd once in its life. */
static int fd_take(struct loop *loop, int fd, struct fd_entry **taken)
{
    struct fd_entry *entry = fd_find(loop, fd);
    int error;

    *taken = entry;
    if (entry && entry->known)
        return 0;
    error = fd_check(fd);
    if (error == 0 && !entry) {
        error = fd_grow(loop, fd);
        if (error == 0 && !(loop->fds[fd] = entry = calloc(1, sizeof *entry)))
            error = -ENOMEM;
    }
    if (error != 0)
        return error;
    entry->fd = fd;
    entry->known = 1;
    for (int i = 0; i < 2; i++) {
        ev_io_init(&entry->side[i].io, fd_event, fd, i == FD_READ ? EV_READ : EV_WRITE);
        entry->side[i].io.data = entry;
        entry->side[i].drained = 0;
    }
    *taken = entry;
    return 0;
}

static int entry_armed(const struct fd_entry *entry)
{
    return ev_is_active(&entry->side[FD_READ].io) || ev_is_active(&entry->side[FD_WRITE].io);
}

static void entry_changed(struct loop *loop, struct fd_entry *entry)
{
    entry->polls = ev_iteration(loop->ev);
    if (entry->is_changed)
        return;
    entry->is_changed = 1;
    entry->changed = loop->changed;
    loop->changed = entry;
}

/* The watchers hold no reference: what keeps the loop alive is counted in loop->waiting. */
static void side_disarm(struct loop *loop, struct fd_side *side)
{
    struct fd_entry *entry = side->io.data;

    if (!ev_is_active(&side->io))
        return;
    ev_ref(loop->ev);
    ev_io_stop(loop->ev, &side->io);
    if (entry_armed(entry))
        entry_changed(loop, entry);
}

static void side_arm(struct loop *loop, struct fd_side *side)
{
    if (ev_is_active(&side->io))
        return;
    ev_io_start(loop->ev, &side->io);
    ev_unref(loop->ev);
    entry_changed(loop, side->io.data);
}

/* Ends the wait of [side] with [result]. */
static void side_wake(struct loop *loop, struct fd_side *side, intptr_t result)
{
    struct task *task = side->task;

    side->task = NULL;
    loop->waiting--;
    task_wake(task, result);
}

static void side_pause(struct loop *loop, struct fd_side *side)
{
    struct fd_entry *entry = side->io.data;

    side_disarm(loop, side);
    if (!entry->is_paused) {
        entry->is_paused = 1;
        entry->paused = loop->paused;
        loop->paused = entry;
    }
    if (!loop->pause.place)         /* without memory for a timer: at the next fd_close */
        (void)task_timer_start(&loop->pause, clock_ns(NULL) + PAUSE_NS);
}

/* Tries the op of the waiting [side]: it ends, or goes on waiting, or pauses. */
static void side_try(struct loop *loop, struct fd_side *side)
{
    struct fd_entry *entry = side->io.data;
    intptr_t result = side->op.attempt(entry->fd, &side->op);

    side->drained = side->op.drained;
    if (result == FD_PAUSE_)
        side_pause(loop, side);
    else if (result == -EAGAIN)
        side_arm(loop, side);
    else
        side_wake(loop, side, result);
    if (!side->task && side == &entry->side[FD_WRITE])
        side_disarm(loop, side);    /* else it would report the writable fd at each poll */
}

static void pause_over(struct task_timer *timer)
{
    struct loop *loop = CONTAINER(timer, struct loop, pause);
    struct fd_entry *entry = loop->paused;

    loop->paused = NULL;
    while (entry) {
        struct fd_entry *next = entry->paused;
        entry->is_paused = 0;
        if (entry->side[FD_READ].task && !ev_is_active(&entry->side[FD_READ].io))
            side_try(loop, &entry->side[FD_READ]);
        entry = next;
    }
}

/* From now on the number names another file, or none. */
static void entry_forget(struct loop *loop, struct fd_entry *entry)
{
    entry->known = 0;
    for (int i = 0; i < 2; i++) {
        side_disarm(loop, &entry->side[i]);
        if (entry->side[i].task)
            side_wake(loop, &entry->side[i], -EBADF);
    }
}

static void fd_event(struct ev_loop *ev, ev_io *io, int revents)
{
    struct fd_side *side = CONTAINER(io, struct fd_side, io);

    if (revents & EV_ERROR) {       /* libev found the fd closed, and has stopped the watcher */
        ev_ref(ev);
        entry_forget(loop_, io->data);
    } else if (side->task) {
        side_try(loop_, side);
    } else {
        side_disarm(loop_, side);
    }
}

static void entry_check(struct loop *loop, struct fd_entry *entry)
{
    if (entry_armed(entry) && fcntl(entry->fd, F_GETFD) < 0)
        entry_forget(loop, entry);
}

/* Just before libev looks at fds: one that was closed meanwhile, by close() rather than fd_close(),
 * would make it abort. It looks at those whose watchers changed since the last poll; with poll(),
 * and when it builds its kernel state anew, at all. */
static void changed_check(struct loop *loop)
{
    unsigned polls = ev_iteration(loop->ev);
    struct fd_entry *entry;

    for (struct fd_entry **at = &loop->changed; (entry = *at) != NULL; ) {
        if (entry->polls == polls) {
            entry_check(loop, entry);
            at = &entry->changed;
        } else {
            entry->is_changed = 0;
            *at = entry->changed;
        }
    }
    if (loop->all_changed || ev_backend(loop->ev) == EVBACKEND_POLL)
        for (int fd = 0; fd < loop->fd_room; fd++)
            if (loop->fds[fd])
                entry_check(loop, loop->fds[fd]);
    loop->all_changed = 0;
}

void fd_forget_(int fd)
{
    struct fd_entry *entry = fd_find(loop_, fd);

    if (entry && entry->known)
        entry_forget(loop_, entry);
}

int fd_close(int fd)
{
    fd_forget_(fd);
    if (close(fd) < 0 && errno == EBADF)
        return -EBADF;
    if (loop_ && loop_->paused)     /* an fd to spare: the listeners need not wait any longer */
        (void)task_timer_start(&loop_->pause, 0);
    return 0;
}

int fd_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL), close_flags = fcntl(fd, F_GETFD);

    if (flags < 0 || close_flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0
        || fcntl(fd, F_SETFD, close_flags | FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

/* ---- Ops on fds ------------------------------------------------------------------------------ */

int fd_take_back_(struct task *task)
{
    struct fd_side *side = task->object;

    side->task = NULL;
    loop_->waiting--;
    if (side->io.events & EV_WRITE)
        side_disarm(loop_, side);
    return 1;
}

co_op co_fd_(int fd, int direction, const struct task_wait *wait, struct fd_op op)
{
    struct fd_entry *entry;
    struct fd_side *side;
    intptr_t result = -EAGAIN;
    int error;

    if (task_cancelled(wait->name))
        return co_done(-ECANCELED);
    error = fd_take(loop_, fd, &entry);
    if (error < 0)
        return task_done(error);
    side = &entry->side[direction];
    if (side->task)
        return task_done(-EBUSY);
    if (!side->drained && !op.wait_first)
        result = op.attempt(fd, &op);
    side->drained = op.drained;
    if (result != -EAGAIN && result != FD_PAUSE_)
        return task_done(result);
    side->task = task_waits(wait, side);
    side->op = op;
    loop_->waiting++;
    if (result == FD_PAUSE_)
        side_pause(loop_, side);
    else
        side_arm(loop_, side);
    return co_wait();
}

/* A result of read() and its like: negative errno, or -EAGAIN to wait on. */
static intptr_t fd_result(ssize_t n)
{
    return n >= 0 ? n : errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}

static intptr_t ready_try(int fd, struct fd_op *op)
{
    (void)fd, (void)op;
    return 0;
}

static intptr_t read_try(int fd, struct fd_op *op)
{
    ssize_t n = read(fd, op->data.in, op->size);

    op->drained = n != (ssize_t)op->size;
    return fd_result(n);
}

static intptr_t write_try(int fd, struct fd_op *op)
{
    return fd_result(write(fd, op->data.out, op->size));
}

co_op co_readable(int fd)
{
    static const struct task_wait wait = { "co_readable", fd_take_back_ };

    return co_fd_(fd, FD_READ, &wait, (struct fd_op){ .attempt = ready_try, .wait_first = 1 });
}

co_op co_writable(int fd)
{
    static const struct task_wait wait = { "co_writable", fd_take_back_ };

    return co_fd_(fd, FD_WRITE, &wait, (struct fd_op){ .attempt = ready_try, .wait_first = 1 });
}

co_op co_read(int fd, void *buf, size_t size)
{
    static const struct task_wait wait = { "co_read", fd_take_back_ };

    return co_fd_(fd, FD_READ, &wait,
                  (struct fd_op){ .attempt = read_try, .data.in = buf, .size = size });
}

co_op co_write(int fd, const void *buf, size_t size)
{
    static const struct task_wait wait = { "co_write", fd_take_back_ };

    return co_fd_(fd, FD_WRITE, &wait,
                  (struct fd_op){ .attempt = write_try, .data.out = buf, .size = size });
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* A post is a struct written to a pipe: that is atomic, wakes libev, and is allowed in a signal
 * handler. The pipe is the queue; the kernel bounds it. */
struct post {
    void (*fn)(void *);
    void *arg;
};

int loop_post(struct loop *loop, void (*fn)(void *), void *arg)
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

void loop_post_always_(struct loop *loop, void (*fn)(void *), void *arg)
{
    struct pollfd full = { .fd = loop->posts[1], .events = POLLOUT };

    while (loop_post(loop, fn, arg) == -EAGAIN)
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

void loop_ref(struct loop *loop)
{
    loop->waiting++;
}

void loop_unref(struct loop *loop)
{
    loop->waiting--;
}

static void *loop_resize(struct task_driver *driver, void *old, size_t size)
{
    (void)driver;
    if (size > 0)
        return realloc(old, size);
    free(old);
    return NULL;
}

static void on_idle(struct ev_loop *ev, ev_idle *idle, int revents)
{
    (void)ev, (void)idle, (void)revents;
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct loop *loop = CONTAINER(timer, struct loop, timer);

    (void)ev, (void)revents;
    loop->armed = INT64_MAX;        /* the turn that follows fires what is due */
}

static void timer_arm(struct loop *loop, int64_t next)
{
    if (next == loop->armed)
        return;
    loop->armed = next;
    ev_timer_stop(loop->ev, &loop->timer);
    if (next == INT64_MAX)
        return;
    ev_now_update(loop->ev);        /* the turn may have taken long */
    ev_timer_set(&loop->timer, (double)(next - clock_ns(NULL)) / 1e9, 0.);
    ev_timer_start(loop->ev, &loop->timer);
}

/* In the child of a fork(), or after an event of an fd that is closed here and open elsewhere. */
static void on_fork(struct ev_loop *ev, ev_fork *fork, int revents)
{
    struct loop *loop = CONTAINER(fork, struct loop, fork);

    (void)ev, (void)revents;
    loop->all_changed = 1;
}

static void loop_hold(struct loop *loop, int hold)
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
    struct loop *loop = CONTAINER(check, struct loop, check);

    (void)ev, (void)revents;
    if (scheduler_next(&loop->scheduler) == 0)
        loop_hold(loop, 1);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
    struct loop *loop = CONTAINER(prepare, struct loop, prepare);
    struct scheduler *s = &loop->scheduler;
    int64_t next;

    (void)revents;
    scheduler_turn(s);
    if (loop->draining && s->count > 0 && task_next(NULL)->cancels == 0)
        scheduler_cancel_all(s);    /* only tasks that were spawned meanwhile are left */
    changed_check(loop);
    next = scheduler_next(s);
    if (next == 0)
        ev_idle_start(ev, &loop->idle);
    else
        ev_idle_stop(ev, &loop->idle);
    timer_arm(loop, next == 0 ? loop->armed : next);
    /* Not by the timer alone: once it has fired, libev would leave before the turn it is for. */
    loop_hold(loop, loop->owns_ev || loop->running ? loop->waiting > 0 || next < INT64_MAX
                                                   : s->count > 0);
    if (loop->running && (loop->stopped || s->count == 0))
        ev_break(ev, EVBREAK_ONE);
}

struct loop_part *loop_part_(struct loop *loop, void (*leave)(struct loop_part *), size_t size)
{
    struct loop_part *part = loop->parts;

    while (part && part->leave != leave)
        part = part->next;
    if (!part && size > 0 && (part = calloc(1, size)) != NULL) {
        part->leave = leave;
        part->next = loop->parts;
        loop->parts = part;
    }
    return part;
}

/* None of these keeps the libev loop alive. */
static void loop_watch(struct loop *loop)
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

static void loop_unwatch(struct loop *loop)
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

struct loop *loop_new(const struct loop_options *options)
{
    struct loop *loop = loop_ ? NULL : calloc(1, sizeof *loop);
    struct sigaction pipe_action;

    if (!loop) {
        errno = loop_ ? EBUSY : ENOMEM;
        return NULL;
    }
    loop->owns_ev = !options || !options->ev;
    loop->ev = loop->owns_ev ? ev_loop_new((options ? options->backend : 0) | EVFLAG_NOENV)
                             : options->ev;
    if (!loop->ev || pipe2(loop->posts, O_NONBLOCK | O_CLOEXEC) < 0) {
        int error = loop->ev ? errno : ENOSYS;

        if (loop->ev && loop->owns_ev)
            ev_loop_destroy(loop->ev);
        free(loop);
        errno = error;
        return NULL;
    }
    loop->driver.now = clock_ns;
    loop->driver.resize = loop_resize;
    scheduler_init(&loop->scheduler, &loop->driver, NULL, 0);
    loop->armed = INT64_MAX;
    loop->pause.fire = pause_over;
    loop_watch(loop);
    if (sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    return loop_ = loop;
}

int loop_run(struct loop *loop)
{
    int watched;                /* watchers are left: somebody called ev_break() */

    loop->running = 1;
    do
        watched = ev_run(loop->ev, 0);
    while (!watched && !loop->stopped && scheduler_next(&loop->scheduler) == 0);
    loop->running = 0;
    if (loop->stopped || watched) {
        loop->stopped = 0;
        return 0;
    }
    return loop->scheduler.count > 0 ? -EDEADLK : 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = 1;
}

/* Cancels all and runs it to its end; a task that waits again for nothing is cancelled again. */
static void loop_drain(struct loop *loop)
{
    loop->draining = 1;
    for (int tries = 0; loop->scheduler.count > 0; tries++) {
        if (tries == 100) {
            fputs("loop_free: tasks are left that wait on whatever they are cancelled:\n", stderr);
            loop_dump(loop, stderr);
            abort();
        }
        scheduler_cancel_all(&loop->scheduler);
        loop_run(loop);
    }
}

int loop_signal_take_(struct loop *loop, int signo)
{
    struct loop *owner = NULL;

    return __atomic_compare_exchange_n(&signal_loops[signo], &owner, loop, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE) || owner == loop ? 0 : -EBUSY;
}

static void signals_give_back(struct loop *loop)
{
    for (int signo = 0; signo < NSIG; signo++)
        if (__atomic_load_n(&signal_loops[signo], __ATOMIC_RELAXED) == loop)
            __atomic_store_n(&signal_loops[signo], NULL, __ATOMIC_RELEASE);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    loop_drain(loop);
    task_timer_stop(&loop->pause);
    while (loop->parts) {
        struct loop_part *part = loop->parts;
        loop->parts = part->next;
        part->leave(part);
    }
    signals_give_back(loop);
    loop_unwatch(loop);
    close(loop->posts[0]);
    close(loop->posts[1]);
    for (int fd = 0; fd < loop->fd_room; fd++) {
        fd_forget_(fd);
        free(loop->fds[fd]);
    }
    free(loop->fds);
    if (loop->owns_ev)
        ev_loop_destroy(loop->ev);
    scheduler_free(&loop->scheduler);
    loop_ = NULL;
    free(loop);
}

struct loop *loop_current(void)
{
    return loop_;
}

struct ev_loop *loop_ev(struct loop *loop)
{
    return loop->ev;
}

/* ---- loop_main ------------------------------------------------------------------------------- */

static void on_sigint(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    struct loop *loop = CONTAINER(watcher, struct loop, sigint);

    (void)revents;
    ev_ref(ev);
    ev_signal_stop(ev, watcher);    /* the next one kills, as usual */
    task_cancel(loop->main_task);
}

static void sigint_start(struct loop *loop)
{
    struct sigaction action;

    ev_signal_init(&loop->sigint, on_sigint, SIGINT);
    if (sigaction(SIGINT, NULL, &action) < 0 || action.sa_handler != SIG_DFL
        || loop_signal_take_(loop, SIGINT) < 0)
        return;
    ev_signal_start(loop->ev, &loop->sigint);
    ev_unref(loop->ev);
}

void loop_sigint_stop_(struct loop *loop)
{
    if (ev_is_active(&loop->sigint)) {
        ev_ref(loop->ev);
        ev_signal_stop(loop->ev, &loop->sigint);
    }
}

int loop_main_begin_(void)
{
    struct loop *loop = loop_new(NULL);
    int error = errno;

    if (loop)
        loop->main_begun = 1;
    else
        fprintf(stderr, "loop_main: no loop: %s\n",
                error == EBUSY ? "this thread has one already" : strerror(error));
    errno = error;
    return loop != NULL;
}

static void main_done(struct task_set *set, struct task *task)
{
    (void)set, (void)task;
    loop_stop(loop_);
}

/* Runs the main task to its end, and then all that is left. The loop stays. */
intptr_t loop_main_run_(struct task *task)
{
    static struct task_set set = { main_done };
    struct loop *loop = loop_;
    intptr_t result = 0;

    if (!task)
        return -ENOMEM;
    loop->main_task = task;
    task->set = &set;
    sigint_start(loop);
    if (loop_run(loop) == -EDEADLK) {
        fputs("deadlock: these tasks wait, and nothing can wake them:\n", stderr);
        loop_dump(loop, stderr);
        result = -EDEADLK;
    }
    loop_drain(loop);
    if (result == 0)
        result = task_result(task);
    loop_sigint_stop_(loop);
    task_free(task);
    return result;
}

intptr_t loop_main_end_(struct task *task)
{
    intptr_t result;

    if (!loop_ || !loop_->main_begun)   /* none, or not ours to free */
        return -errno;
    loop_->main_begun = 0;
    result = loop_main_run_(task);
    loop_free(loop_);
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

static void task_dump(struct task *task, FILE *to)
{
    static const char *const steps[] = { "ready", "running", "waiting", "ended" };

    fprintf(to, "task %p %s: %s", (void *)task, task_name(task), steps[task->step]);
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

void loop_dump(struct loop *loop, FILE *to)
{
    (void)loop;
    for (struct task *task = NULL; (task = task_next(task)) != NULL; )
        task_dump(task, to);
}
