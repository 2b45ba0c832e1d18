/* SPDX-License-Identifier: BSD-2-Clause
 * loop_ev.c: the backend of the loop that stands on libev: see the border in loop_impl.h.
 *
 * One prepare watcher does all: before libev polls, it runs a turn and tells libev how long it may
 * sleep. So a loop that rides on an ev_loop of the user's is the same as one with its own.
 *
 * libev counts active watchers, and ev_run() returns when there are none. None of ours counts,
 * since a watcher that stays armed says nothing of whether a task waits: each is started with
 * ev_unref(), and one reference of our own, taken while the loop is alive, stands for all. */
#define _GNU_SOURCE
#include "loop_impl.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>

#ifndef ev_io_modify
#define ev_io_modify(io, events) ev_io_set(io, (io)->fd, events)    /* before libev 4.32 */
#endif

/* A loop, and an fd of it. */
struct libev_loop {
    struct co_loop loop;
    int held;                   /* our reference on the libev loop is taken */
    ev_prepare prepare;
    ev_check check;             /* of a rider, see on_check */
    ev_fork fork;               /* libev will look at all fds anew */
    ev_idle idle;               /* active: libev must not sleep */
    ev_timer timer;             /* armed for the earliest timer of the scheduler */
    int64_t armed;              /* when, or INT64_MAX */
    ev_signal sigint;
    ev_io post;
    struct libev_fd *changed;   /* a list: fds that libev will look at before it polls */
    int all_changed;
};

struct libev_fd {
    struct co_fd_entry_ entry;
    ev_io io;                   /* of both directions */
    struct libev_fd *next;      /* in the list of those that changed */
    unsigned polls;             /* libev's count of polls when the watcher changed last */
    uint8_t is_changed;         /* in that list */
    uint8_t is_set;             /* [io] is made for this file */
};

static struct libev_loop *driver_of(struct co_loop *loop)
{
    return CO_CONTAINER_(loop, struct libev_loop, loop);
}

/* ---- Fds ------------------------------------------------------------------------------------- */

static void on_fd(struct ev_loop *ev, ev_io *io, int revents)
{
    struct co_fd_entry_ *entry = &CO_CONTAINER_(io, struct libev_fd, io)->entry;

    if (revents & EV_ERROR) {       /* libev found the fd closed, and has stopped the watcher */
        ev_ref(ev);
        entry->armed = 0;
        co_fd_gone_(co_loop_this_, entry);
    } else {
        co_fd_event_(co_loop_this_, entry, revents);
    }
}

static void libev_arm(struct co_loop *loop, struct co_fd_entry_ *entry, int events)
{
    struct libev_loop *driver = driver_of(loop);
    struct libev_fd *self = CO_CONTAINER_(entry, struct libev_fd, entry);

    (void)sizeof(char[CO_FD_EVENT_(CO_FD_READ) == EV_READ ? 1 : -1]);
    (void)sizeof(char[CO_FD_EVENT_(CO_FD_WRITE) == EV_WRITE ? 1 : -1]);
    if (entry->armed) {
        ev_ref(loop->ev);
        ev_io_stop(loop->ev, &self->io);
    } else if (!self->is_set) {     /* once in the life of an fd: libev would look at it anew */
        self->is_set = 1;
        ev_io_init(&self->io, on_fd, entry->fd, 0);
    }
    entry->armed = (uint8_t)events;
    if (!events)
        return;
    ev_io_modify(&self->io, events);
    ev_io_start(loop->ev, &self->io);
    ev_unref(loop->ev);
    self->polls = ev_iteration(loop->ev);
    if (!self->is_changed) {
        self->is_changed = 1;
        self->next = driver->changed;
        driver->changed = self;
    }
}

/* ev_io_stop() takes back what libev has seen and not yet reported. */
static void libev_forget(struct co_loop *loop, struct co_fd_entry_ *entry)
{
    if (entry->armed)
        libev_arm(loop, entry, 0);
    CO_CONTAINER_(entry, struct libev_fd, entry)->is_set = 0;
}

static void entry_check(struct co_loop *loop, struct co_fd_entry_ *entry)
{
    if (entry->armed && fcntl(entry->fd, F_GETFD) < 0)
        co_fd_gone_(loop, entry);
}

/* Just before libev looks at fds: one that was closed meanwhile, by close() rather than
 * co_fd_close(), would make it abort. It looks at those whose watchers changed since the last poll;
 * with its poll() backend, and when it builds its kernel state anew, at all of them. */
static void check_changed(struct libev_loop *driver)
{
    struct co_loop *loop = &driver->loop;
    struct libev_fd **at = &driver->changed;
    unsigned polls = ev_iteration(loop->ev);

    while (*at) {
        struct libev_fd *self = *at;

        if (self->polls == polls) {
            entry_check(loop, &self->entry);
            at = &self->next;
        } else {
            self->is_changed = 0;
            *at = self->next;
        }
    }
    for (int fd = 0; driver->all_changed && fd < loop->fd_room; fd++)
        if (loop->fds[fd])
            entry_check(loop, loop->fds[fd]);
    driver->all_changed = ev_backend(loop->ev) == EVBACKEND_POLL;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void on_idle(struct ev_loop *ev, ev_idle *idle, int revents)
{
    (void)ev, (void)idle, (void)revents;
}

static void on_post(struct ev_loop *ev, ev_io *io, int revents)
{
    (void)ev, (void)revents;
    co_loop_posted_(&CO_CONTAINER_(io, struct libev_loop, post)->loop);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct libev_loop *driver = CO_CONTAINER_(timer, struct libev_loop, timer);

    (void)ev, (void)revents;
    co_loop_slept_(&driver->loop, driver->armed);
    driver->armed = INT64_MAX;      /* the turn that follows fires what is due */
}

/* Arms libev's timer for [until]. */
static void arm_timer(struct libev_loop *driver, int64_t until)
{
    struct co_loop *loop = &driver->loop;
    int64_t now;

    driver->armed = until;
    ev_timer_stop(loop->ev, &driver->timer);
    if (until == INT64_MAX)
        return;
    ev_now_update(loop->ev);        /* the turn may have taken long */
    now = co_loop_now_(loop);
    ev_timer_set(&driver->timer, until > now ? (double)(until - now) / 1e9 : 0., 0.);
    ev_timer_start(loop->ev, &driver->timer);
}

/* Keep a reference besides the timer: one that has fired no longer counts, and ev_run() would
 * return before the turn that it fired for. */
static void hold(struct libev_loop *driver, int wanted)
{
    if (wanted == driver->held)
        return;
    driver->held = wanted;
    if (wanted)
        ev_ref(driver->loop.ev);
    else
        ev_unref(driver->loop.ev);
}

/* No posts come any more: the loop is closed, or a child of fork() has no pipe for them. */
static void stop_post(struct libev_loop *driver)
{
    if (!ev_is_active(&driver->post))
        return;
    ev_ref(driver->loop.ev);
    ev_io_stop(driver->loop.ev, &driver->post);
}

/* In the child of a fork(), or after an event of an fd that is closed here and open elsewhere. */
static void on_fork(struct ev_loop *ev, ev_fork *fork, int revents)
{
    struct libev_loop *driver = CO_CONTAINER_(fork, struct libev_loop, fork);

    (void)ev, (void)revents;
    driver->all_changed = 1;
    co_loop_forked_(&driver->loop);
    if (driver->loop.posts[0] < 0)
        stop_post(driver);
}

/* Behind all callbacks: if the last foreign watcher made a task ready, ev_run() must not return. */
static void on_check(struct ev_loop *ev, ev_check *check, int revents)
{
    struct libev_loop *driver = CO_CONTAINER_(check, struct libev_loop, check);

    (void)ev, (void)revents;
    if (!driver->loop.running)
        co_loop_stack_(&driver->loop);      /* on_prepare is called by whoever calls this */
    if (co_scheduler_next(&driver->loop.scheduler) == 0)
        hold(driver, 1);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
    struct libev_loop *driver = CO_CONTAINER_(prepare, struct libev_loop, prepare);
    struct co_next_ next;

    (void)revents;
    co_loop_turn_(&driver->loop);
    if (driver->changed || driver->all_changed)
        check_changed(driver);
    next = co_loop_next_(&driver->loop);
    if (next.until == 0)
        ev_idle_start(ev, &driver->idle);
    else if (ev_is_active(&driver->idle))
        ev_idle_stop(ev, &driver->idle);
    if (next.until != 0 && next.until != driver->armed)
        arm_timer(driver, next.until);
    hold(driver, next.alive);
    if (next.over)
        ev_break(ev, EVBREAK_ONE);
}

static int libev_run(struct co_loop *loop)
{
    return ev_run(loop->ev, 0);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int libev_open(struct co_loop *loop, const struct co_loop_options *options)
{
    struct libev_loop *driver = driver_of(loop);

    loop->ev = options->ev ? options->ev : ev_loop_new(options->backend | EVFLAG_NOENV);
    if (!loop->ev)
        return -ENOSYS;
    driver->armed = INT64_MAX;
    driver->all_changed = ev_backend(loop->ev) == EVBACKEND_POLL;
    ev_io_init(&driver->post, on_post, loop->posts[0], EV_READ);
    ev_io_start(loop->ev, &driver->post);
    ev_unref(loop->ev);
    ev_idle_init(&driver->idle, on_idle);
    ev_timer_init(&driver->timer, on_timer, 0., 0.);
    ev_fork_init(&driver->fork, on_fork);
    ev_fork_start(loop->ev, &driver->fork);
    ev_unref(loop->ev);
    ev_prepare_init(&driver->prepare, on_prepare);
    ev_set_priority(&driver->prepare, EV_MINPRI);   /* after foreign ones, which may wake tasks */
    ev_prepare_start(loop->ev, &driver->prepare);
    ev_unref(loop->ev);
    ev_check_init(&driver->check, on_check);
    ev_set_priority(&driver->check, EV_MINPRI);
    if (loop->rides) {
        ev_check_start(loop->ev, &driver->check);
        ev_unref(loop->ev);
    }
    return 0;
}

static void libev_close(struct co_loop *loop)
{
    struct libev_loop *driver = driver_of(loop);

    hold(driver, 0);
    stop_post(driver);
    ev_ref(loop->ev);
    ev_fork_stop(loop->ev, &driver->fork);
    ev_ref(loop->ev);
    ev_prepare_stop(loop->ev, &driver->prepare);
    if (loop->rides) {
        ev_ref(loop->ev);
        ev_check_stop(loop->ev, &driver->check);
    }
    ev_idle_stop(loop->ev, &driver->idle);
    ev_timer_stop(loop->ev, &driver->timer);
    if (!loop->rides)
        ev_loop_destroy(loop->ev);
}

static void libev_fork(struct co_loop *loop)
{
    driver_of(loop)->all_changed = 1;
    if (loop->posts[0] < 0)
        stop_post(driver_of(loop));
    ev_loop_fork(loop->ev);
}

/* ---- SIGINT ---------------------------------------------------------------------------------- */

static void on_sigint(struct ev_loop *ev, ev_signal *signal, int revents)
{
    struct libev_loop *driver = CO_CONTAINER_(signal, struct libev_loop, sigint);

    (void)revents;
    ev_ref(ev);
    ev_signal_stop(ev, signal);     /* the next one kills, as usual */
    co_loop_interrupt_(&driver->loop);
}

static void libev_sigint(struct co_loop *loop, int on)
{
    struct libev_loop *driver = driver_of(loop);

    if (on) {
        ev_signal_init(&driver->sigint, on_sigint, SIGINT);
        ev_signal_start(loop->ev, &driver->sigint);
        ev_unref(loop->ev);
    } else if (ev_is_active(&driver->sigint)) {
        ev_ref(loop->ev);
        ev_signal_stop(loop->ev, &driver->sigint);
    }
}

const struct co_backend_ co_backend_ev_ = {
    .loop_size = sizeof(struct libev_loop), .entry_size = sizeof(struct libev_fd),
    .open = libev_open, .close = libev_close, .run = libev_run, .arm = libev_arm,
    .forget = libev_forget, .fork = libev_fork, .sigint = libev_sigint,
};
