/* SPDX-License-Identifier: BSD-2-Clause
 * loop_sim.c: virtual time, disorder from a seed, a cancel or a failure at a chosen point: what
 * struct co_trial_options says. The loop calls it through the table struct co_sim_ alone, which
 * co_loop_new_trial installs: a program that does not call that is linked without this file. */
#include "loop_impl.h"
#include "trial.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct sim_event { struct co_fd_entry_ *entry; int events; };

struct sim {
    struct co_sim_ calls;       /* what the loop calls */
    struct co_hooks hooks;      /* what the scheduler calls */
    struct co_loop *loop;
    struct co_trial_options options;
    struct co_loop_counts counts;
    uint64_t random;
    int64_t now;                /* virtual */
    uint64_t steps;             /* of tasks, and events */
    uint64_t quiet_since;       /* [steps] before the last poll */
    int quiet;                  /* polls in a row without a step */
    int is_last_wait;           /* the loop sleeps for case 5, and for no timer */
    struct co_task *due;        /* to be cancelled when its step is over */
    struct co_task *late;       /* whose deadline is over, when its step is */
    struct co_task **batch;     /* room to shuffle in */
    size_t batch_room;
    struct sim_event *events;
    size_t event_count, event_room;
};

enum { QUIET = 3, LAST_WAIT_MS = 50 };      /* see "Virtual time" below; the latter is real time */

static struct sim *sim_of(const struct co_sim_ *calls)
{
    return CO_CONTAINER_(calls, struct sim, calls);
}

/* ---- Dice ------------------------------------------------------------------------------------ */

/* xorshift64*: a number below [n]. */
static uint32_t sim_random(struct sim *sim, uint32_t n)
{
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return (uint32_t)((sim->random * 0x2545F4914F6CDD1DULL >> 32) * n >> 32);
}

/* A line of the trace that tells what was done to the program. */
static CO_ATTRIBUTE_(format(printf, 2, 3)) void sim_note(const struct sim *sim, const char *text,
                                                         ...)
{
    FILE *to = sim->options.trace;
    va_list args;

    if (!to)
        return;
    va_start(args, text);
    fputs("    ", to);
    vfprintf(to, text, args);
    fputc('\n', to);
    va_end(args);
}

/* Whether something happens that does so in [rate] of a hundred cases; 0: in [usual]. */
static int sim_dice(struct sim *sim, int rate, int usual)
{
    if (sim->options.seed == 0 || rate < 0)
        return 0;
    return sim_random(sim, 100) < (uint32_t)(rate ? rate : usual);
}

/* ---- Failures -------------------------------------------------------------------------------- */

static int sim_fails(struct co_sim_ *calls)
{
    struct sim *sim = sim_of(calls);
    uint64_t call = ++sim->counts.calls, at = sim->options.fail_at;

    if (at == 0 || call < at || (call > at && !sim->options.fail_on))
        return 0;
    sim_note(sim, "call %" PRIu64 " fails", call);
    return 1;
}

/* No call succeeds any more: a listener without an fd to spare needs no timer to try again. */
static int sim_starves(const struct co_sim_ *calls)
{
    const struct sim *sim = sim_of(calls);

    return sim->options.fail_on && sim->options.fail_at > 0
        && sim->counts.calls >= sim->options.fail_at;
}

/* Tasks are counted by their memory: each is one allocation of the scheduler. */
static void sim_resized(struct co_sim_ *calls, const void *old, size_t size)
{
    struct sim *sim = sim_of(calls);

    if (!old && size > 0)
        sim->counts.tasks++;
    else if (old && size == 0)
        sim->counts.tasks--;
}

/* ---- Cancels --------------------------------------------------------------------------------- */

static struct sim *hooked(struct co_hooks *hooks)
{
    return CO_CONTAINER_(hooks, struct sim, hooks);
}

/* A point where a request may come: [task] has made an op, which is complete or waits, or has just
 * been woken. A request in the task's own step is made when that step is over: until then the op is
 * still being made, and is not yet under its deadline. */
static void sim_point(struct co_hooks *hooks, struct co_task *task)
{
    struct sim *sim = hooked(hooks);
    uint64_t point = ++sim->counts.points, at = sim->options.cancel_at;

    if (sim->options.timeout_at == point) {
        sim_note(sim, "point %" PRIu64 ": the deadline of %s is over", point, co_task_name(task));
        if (task->step == CO_TASK_READY_)
            co_task_expire_(task);
        else
            sim->late = task;
    }
    if (at == 0 || point < at || (point > at && point != at + sim->options.cancel_also))
        return;
    sim_note(sim, "point %" PRIu64 ": %s is cancelled", point, co_task_name(task));
    if (task->step == CO_TASK_WAITING_)
        sim->due = task;
    else
        co_cancel(task);
}

/* Where [task] stands in the user's own source: a coroutine of the library's has a name that ends
 * in "_", or is a co_within. */
static const struct co_site *sim_where(struct co_task *task)
{
    const struct co_site *site = NULL;

    for (struct co_head *co = task->chain.top; co; co = co->caller) {
        site = co_where(co);
        if (site && strcmp(site->name, "co_within") && site->name[strlen(site->name) - 1] != '_')
            break;
    }
    return site;
}

static void sim_trace(struct sim *sim, struct co_task *task)
{
    const struct co_site *site = sim_where(task);
    FILE *to = sim->options.trace;

    fprintf(to, "%" PRId64 ".%09d %s", sim->now / 1000000000, (int)(sim->now % 1000000000),
            co_task_name(task));
    if (task->step == CO_TASK_ENDED_)
        fprintf(to, " ends with %" PRIdPTR "\n", task->chain.result);
    else if (site)
        fprintf(to, " %s:%d %s\n", site->name, site->line, site->text);
}

static void sim_stepped(struct co_hooks *hooks, struct co_task *task)
{
    struct sim *sim = hooked(hooks);
    struct co_task *due = sim->due, *late = sim->late;

    sim->steps++;
    if (sim->options.trace)
        sim_trace(sim, task);
    sim->due = sim->late = NULL;
    if (late)
        co_task_expire_(late);
    if (due)
        co_cancel(due);
}

/* ---- Disorder -------------------------------------------------------------------------------- */

/* Without memory for it, the order stays. */
static int sim_room(void **room, size_t *had, size_t wanted, size_t size)
{
    void *more = wanted <= *had ? *room : realloc(*room, 2 * wanted * size);

    if (!more)
        return 0;
    if (wanted > *had)
        *had = 2 * wanted;
    *room = more;
    return 1;
}

static void sim_batch(struct co_hooks *hooks, struct co_task **ring)
{
    struct sim *sim = hooked(hooks);
    size_t n = 0;

    if (sim->options.seed == 0 || !*ring)
        return;
    for (struct co_task *task = *ring; n == 0 || task != *ring; task = task->in.link.next) {
        if (!sim_room((void **)&sim->batch, &sim->batch_room, n + 1, sizeof(struct co_task *)))
            return;
        sim->batch[n++] = task;
    }
    for (*ring = NULL; n > 0; ) {
        uint32_t i = sim_random(sim, (uint32_t)n);
        struct co_task *task = sim->batch[i];

        sim->batch[i] = sim->batch[--n];
        co_ring_add(ring, task);
    }
}

/* An attempt that may fail, find nothing, or be cut short. An op that wants all its bytes, and so
 * counts those that are done, goes on at the next event. */
static intptr_t sim_attempt(struct co_sim_ *calls, co_fd_try *attempt, int fd, int direction,
                            struct co_fd_op *op)
{
    struct sim *sim = sim_of(calls);
    size_t size = op->size;
    intptr_t result;

    if (sim_fails(calls))
        return !op->data ? CO_FD_PAUSE_ : direction == CO_FD_READ ? -ECONNRESET : -EPIPE;
    if ((size > 0 || !op->data) && sim_dice(sim, sim->options.agains, 10)) {
        sim_note(sim, "fd %d: not yet", fd);
        return -EAGAIN;
    }
    if (size > op->done + 1 && sim_dice(sim, sim->options.cuts, 25)) {
        size_t most = size - op->done - 1;

        op->size = op->done + 1 + sim_random(sim, most < UINT32_MAX ? (uint32_t)most : UINT32_MAX);
        sim_note(sim, "fd %d: at most %zu of %zu", fd, op->size - op->done, size - op->done);
    }
    result = attempt(fd, op);
    if (op->size < size && result > 0 && op->done == op->size)
        result = -EAGAIN;
    op->size = size;
    return result;
}

/* Keeps an event until all of this poll are there. 0: it does not, without disorder or memory; then
 * the event is handled at once. */
static int sim_event(struct co_sim_ *calls, struct co_fd_entry_ *entry, int events)
{
    struct sim *sim = sim_of(calls);

    sim->steps++;
    if (sim->options.seed == 0
        || !sim_room((void **)&sim->events, &sim->event_room, sim->event_count + 1,
                     sizeof *sim->events))
        return 0;
    sim->events[sim->event_count++] = (struct sim_event){ entry, events };
    return 1;
}

static int sim_event_order(const void *a, const void *b)
{
    const struct sim_event *x = a, *y = b;

    return (x->entry->fd > y->entry->fd) - (x->entry->fd < y->entry->fd);
}

/* Goes through those who wait for an event of an fd, in the order of fds, and has the one at
 * [index] try its op. How many there are. */
static uint32_t sim_waiting(struct sim *sim, uint32_t index)
{
    struct co_loop *loop = sim->loop;
    uint32_t n = 0;

    for (int i = 0; i < 2 * loop->fd_room; i++) {
        struct co_fd_entry_ *entry = co_fd_find_(loop, i / 2);

        if (!entry || !entry->task[i % 2] || (i % 2 == CO_FD_READ && entry->is_paused)
            || n++ != index)
            continue;
        sim_note(sim, "fd %d: woken too early", i / 2);
        co_fd_retry_(loop, entry, i % 2);
        break;
    }
    return n;
}

/* Handles the events of the last poll in an order determined by the seed alone, and wakes somebody
 * too early who waits for an event. Not when nothing happened at all: how often that is so depends
 * on the system, and each die that is cast here changes all that follow. */
static void sim_turn(struct co_sim_ *calls)
{
    struct sim *sim = sim_of(calls);
    struct co_loop *loop = sim->loop;

    if (sim->event_count > 0)           /* libev's order is not the same in each run */
        qsort(sim->events, sim->event_count, sizeof *sim->events, sim_event_order);
    while (sim->event_count > 0) {
        uint32_t i = sim_random(sim, (uint32_t)sim->event_count);
        struct sim_event event = sim->events[i];

        sim->events[i] = sim->events[--sim->event_count];
        co_fd_handle_(loop, event.entry, event.events);
    }
    if ((sim->steps != sim->quiet_since || loop->scheduler.ready)
        && sim_dice(sim, sim->options.wakes, 5)) {
        uint32_t n = sim_waiting(sim, UINT32_MAX);

        if (n > 0)
            (void)sim_waiting(sim, sim_random(sim, n));
    }
}

/* ---- Virtual time -------------------------------------------------------------------------------
 * When does the clock jump? Before each wait the loop asks sim_next how long to sleep. Time that no
 * task needs to pass is not waited for, but an event that is already under way must not be
 * overtaken. So, in this order:
 *
 * 1. A task is ready: no wait, and no jump.
 * 2. A thread or a child is at work (loop->outside): real time passes, until the next timer or
 *    until it is done. If the timer came first, sim_slept sets the clock to it.
 * 3. Fewer than QUIET polls in a row were quiet, that is, brought no event and no step of a task:
 *    poll again, without a wait, so that a post, a packet or a foreign watcher comes before the
 *    jump. Where nobody waits for an fd or a signal, one quiet poll will do.
 * 4. There is a timer: jump to it.
 * 5. There is none, and tasks wait for fds: sleep LAST_WAIT_MS of real time, once, for a packet
 *    that may be under way between two sockets. If that brought nothing either, nothing can come
 *    any more: *stuck, and the run ends with -EDEADLK.
 * 6. There is none, and nobody waits: stuck at once. */

static int64_t sim_clock(const struct co_sim_ *calls)
{
    const struct sim *sim = sim_of(calls);

    return sim->options.virtual_time ? sim->now : -1;
}

/* The loop has slept until [until]: the next timer of the scheduler, unless that was the last
 * wait. */
static void sim_slept(struct co_sim_ *calls, int64_t until)
{
    struct sim *sim = sim_of(calls);

    if (!sim->is_last_wait && until == co_scheduler_next(&sim->loop->scheduler)
        && until > sim->now)
        sim->now = until;
}

static int64_t sim_next(struct co_sim_ *calls, int64_t next, int *stuck)
{
    struct sim *sim = sim_of(calls);
    const struct co_loop *loop = sim->loop;
    int is_quiet = next > 0 && sim->steps == sim->quiet_since;

    *stuck = 0;
    sim->quiet = is_quiet ? sim->quiet + 1 : 0;
    sim->quiet_since = sim->steps;
    if (!sim->options.virtual_time || next == 0)
        return next;                                                            /* 1 */
    sim->is_last_wait = 0;
    if (loop->outside > 0)
        return next;                                                            /* 2 */
    if (sim->quiet < (loop->waiting > 0 ? QUIET : 1)) {
        sched_yield();
        return 0;                                                               /* 3 */
    }
    if (next < INT64_MAX) {
        sim->now = next > sim->now ? next : sim->now;
        sim->quiet = 0;
        return 0;                                                               /* 4 */
    }
    *stuck = loop->waiting == 0 || sim->quiet > QUIET;
    if (*stuck)
        return next;
    sim->is_last_wait = 1;
    return sim->now + LAST_WAIT_MS * INT64_C(1000000);                          /* 5 */
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void sim_free(struct co_sim_ *calls)
{
    struct sim *sim = sim_of(calls);

    free(sim->batch);
    free(sim->events);
    free(sim);
}

static struct co_sim_ *sim_new(struct co_loop *loop, const struct co_trial_options *options)
{
    struct sim *sim = calloc(1, sizeof *sim);

    if (!sim)
        return NULL;
    sim->calls = (struct co_sim_){
        .clock = sim_clock, .fails = sim_fails, .starves = sim_starves, .resized = sim_resized,
        .attempt = sim_attempt, .event = sim_event, .turn = sim_turn, .next = sim_next,
        .slept = sim_slept, .free = sim_free,
    };
    sim->hooks = (struct co_hooks){ sim_batch, sim_point, sim_stepped };
    sim->loop = loop;
    sim->options = *options;
    sim->random = options->seed * 0x9E3779B97F4A7C15ULL | 1;
    for (int i = 0; i < 8; i++)         /* small seeds are alike at first */
        (void)sim_random(sim, 1);
    loop->scheduler.hooks = &sim->hooks;
    return (struct co_sim_ *)sim;       /* its head; gcc's analyzer misses &sim->calls */
}

struct co_loop *co_loop_new_trial(const struct co_loop_options *options,
                                  const struct co_trial_options *trial)
{
    struct co_loop *loop = co_loop_new(options);

    if (loop && trial && !(loop->sim = sim_new(loop, trial))) {
        co_loop_free(loop);
        errno = ENOMEM;
        return NULL;
    }
    return loop;
}

struct co_loop_counts co_loop_counts(const struct co_loop *loop)
{
    struct co_loop_counts counts = { 0, 0, 0 };

    if (loop->sim)
        counts = sim_of(loop->sim)->counts;
    if (loop->sim && loop->scheduler.timers)
        counts.tasks--;                 /* the heap of the timers came from there too */
    return counts;
}
