/* SPDX-License-Identifier: BSD-2-Clause
 * task_test.h: what the tests of task.h share: a driver whose clock jumps, whose heap counts and
 * fails on demand, and whose world is the pipes of the process. No libev. */
#ifndef TASK_TEST_H
#define TASK_TEST_H
#include "test.h"
#include "../task.h"

#ifndef TEST_BARE
#include <poll.h>
#endif

#define MS INT64_C(1000000)                 /* in ns */
#define S INT64_C(1000000000)

enum { SIM_FDS = 8 };
struct sim {
    struct co_driver driver;
    struct co_scheduler scheduler;
    int64_t now;                            /* ns; only a wait moves it */
    long turns, waits;
    long blocks, calls;                     /* of the heap: held; made so far */
    long fail_at;                           /* the call that fails; 0: none */
    struct { int fd; struct co_task *task; } fds[SIM_FDS];  /* who waits to read */
};

/* A test of single nanoseconds: a double that is a float, as on AVR, cannot name them. */
#if defined TEST_TARGET && __SIZEOF_DOUBLE__ < 8
#define needs_doubles() tap_skip("a double is a float here")
#else
#define needs_doubles() ((void)0)
#endif

static inline struct sim *sim_of(struct co_driver *driver)
{
    return (struct sim *)(void *)((char *)driver - offsetof(struct sim, driver));
}

static inline int64_t sim_now(struct co_driver *driver)
{
    return sim_of(driver)->now;
}

static inline void *sim_resize(struct co_driver *driver, void *old, size_t size)
{
    struct sim *sim = sim_of(driver);

    if (size == 0) {
        sim->blocks -= old != NULL;
        free(old);
        return NULL;
    }
    if (++sim->calls == sim->fail_at)
        return NULL;
    sim->blocks += old == NULL;
    return realloc(old, size);
}

/* Wakes the tasks whose pipes can be read. How many. */
static inline int sim_poll(struct sim *sim)
{
    int woken = 0;

    for (int i = 0; i < SIM_FDS; i++) {
        struct co_task *task = sim->fds[i].task;
        struct pollfd poll_fd = { .fd = sim->fds[i].fd, .events = POLLIN };

        if (task && poll(&poll_fd, 1, 0) > 0) {
            sim->fds[i].task = NULL;
            co_wake(task, 0);
            woken++;
        }
    }
    return woken;
}

static inline void sim_wait(struct co_driver *driver, int64_t until)
{
    struct sim *sim = sim_of(driver);

    sim->waits++;
    if (sim_poll(sim) > 0)
        return;
    if (until == INT64_MAX)
        fail_msg("the simulated world stands still: tasks wait, and nothing can wake them");
    if (until > sim->now)
        sim->now = until;
}

static inline enum co_take_back sim_take_back(struct co_task *task)
{
    for (struct sim *sim = task->object; task; task = NULL)
        for (int i = 0; i < SIM_FDS; i++)
            if (sim->fds[i].task == task)
                sim->fds[i].task = NULL;
    return CO_TAKEN;
}

/* Waits until [fd] can be read: an op as a driver of one's own would make it. 0. */
static inline co_op co_sim_readable(struct sim *sim, int fd)
{
    static const struct co_wait_kind wait = { "co_sim_readable", sim_take_back };

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    for (int i = 0; i < SIM_FDS; i++) {
        if (!sim->fds[i].task) {
            sim->fds[i].task = co_op_wait(&wait, sim);
            sim->fds[i].fd = fd;
            return co_wait();
        }
    }
    return co_op_done(-EBUSY);
}

/* What happened, in words: a test notes and compares. */
#ifdef TEST_TINY
static char notes_[400];
#else
static char notes_[4096];
#endif

static inline void note(const char *word)
{
    size_t n = strlen(notes_);

    snprintf(notes_ + n, sizeof notes_ - n, "%s%s", n ? " " : "", word);
}

/* A fresh scheduler, this thread's. */
static inline void sim_begin(struct sim *sim)
{
    *sim = (struct sim){ .driver = { sim_now, sim_wait, sim_resize } };
    co_scheduler_init(&sim->scheduler, &sim->driver, NULL, 0);
    notes_[0] = '\0';
}

/* One turn, then the wait that the scheduler asks for. False: nothing is left to be done, be it
 * that all tasks have ended or that nothing can wake them. */
static inline bool sim_turn(struct sim *sim)
{
    struct co_scheduler *s = &sim->scheduler;
    int64_t next;

    if (s->count == 0)
        return false;
    sim->turns++;
    co_scheduler_turn(s);
    next = co_scheduler_next(s);
    if (s->count == 0 || next <= 0)
        return s->count > 0;
    if (next == INT64_MAX)
        return sim_poll(sim) > 0;
    sim_wait(&sim->driver, next);
    return true;
}

/* Turns alone, so that time stands still. */
static inline void sim_turns(struct sim *sim, int n)
{
    sim->turns += n;
    while (n-- > 0)
        co_scheduler_turn(&sim->scheduler);
}

/* To the end, or to where nothing happens any more. How many tasks are left. */
static inline uint32_t sim_run(struct sim *sim)
{
    while (sim_turn(sim)) { }
    return sim->scheduler.count;
}

/* Nothing may be left: no task, no timer, no waiting reader, no block of the heap. */
static inline void sim_end(struct sim *sim)
{
    assert_int_equal(sim->scheduler.count, 0);
    assert_int_equal(sim->scheduler.timer_count, 0);
    assert_null(sim->scheduler.ready);
    for (int i = 0; i < SIM_FDS; i++)
        assert_null(sim->fds[i].task);
    co_scheduler_free(&sim->scheduler);
    assert_int_equal(sim->blocks, 0);
}

#define assert_notes(words) do {                                                                  \
        assert_string_equal(notes_, words);                                                       \
        notes_[0] = '\0';                                                                         \
    } while (0)

/* Pauses [pauses] times, notes its name, gives [value]. */
struct give { co_frame; intptr_t value; int pauses; const char *name; };
static inline co_define(give) {
    co_begin;
    for (; self->pauses > 0; self->pauses--)
        co_pause;
    if (self->name)
        note(self->name);
    co_return(self->value);
    co_end;
}

/* Sleeps, notes its name, gives [value]; or the failure. */
struct nap { co_frame; double seconds; intptr_t value; const char *name; intptr_t result; };
static inline co_define(nap) {
    co_begin;
    co_await(self->result, co_sleep(self->seconds));
    if (self->name)
        note(self->name);
    co_return(self->result < 0 ? self->result : self->value);
    co_end;
}

/* Joins [task], notes its name, gives the result. */
struct joiner { co_frame; struct co_task *task; const char *name; intptr_t result; };
static inline co_define(joiner) {
    co_begin;
    co_await(self->result, co_join(self->task));
    if (self->name)
        note(self->name);
    co_return(self->result);
    co_end;
}

/* Gathers [n] of [tasks], notes its name, gives the result. */
struct gatherer {
    co_frame;
    struct co_task **tasks;
    size_t n;
    const char *name;
    intptr_t result;
};
static inline co_define(gatherer) {
    co_begin;
    co_await(self->result, co_gather(self->tasks, self->n));
    if (self->name)
        note(self->name);
    co_return(self->result);
    co_end;
}

#endif
