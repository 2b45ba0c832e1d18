/* SPDX-License-Identifier: BSD-2-Clause
 * battery_run.h: one run of a program of the battery, under a struct co_trial_options, and
 * what must hold after it, whatever came: its result is one that such faults can bring; no task,
 * timer, fd or byte is left; its books balance. */
#ifndef BATTERY_RUN_H
#define BATTERY_RUN_H
#include "loop_test.h"
#include "../process.h"
#include "../thread.h"
#include "../trial.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

/* ---- Programs -------------------------------------------------------------------------------- */

/* What a program writes down while it runs; zeroed before each run. */
static struct books { int entered, left; } books;       /* coroutines: each does both once */

#define enters books.entered++
#define leaves books.left++

/* Items, bytes, calls of one program: made = used + wasted in the end. */
struct account { long made, used, wasted; };
#define check_account(a) check_equal((a).used + (a).wasted, (a).made)

/* One that runs to its end without a fault has the result 0. REAL: it waits for threads or
 * children, in real time: fewer runs, and no two traces are alike. ACCEPTS: it waits for an fd to
 * spare, as long as there is none. BIG: it has many points: fewer runs. */
enum { REAL = 1, ACCEPTS = 2, BIG = 4 };
struct program {
    const char *name;
    struct co_task *(*start)(void);
    void (*over)(intptr_t result);      /* checks what the program kept; or NULL */
    int flags;
};

/* The main coroutine NAME of a program, under a deadline that comes only if the program stands
 * still, or by timeout_at. */
enum { LONG = 100 };                    /* seconds */
#define MAIN(NAME)                                                                                \
    struct NAME##_main { co_frame; struct co_within slot; struct NAME main; intptr_t result; };   \
    static co_define(NAME##_main)                                                                 \
    {                                                                                             \
        co_begin;                                                                                 \
        co_await(self->result, co_within(&self->slot, LONG, co_call(&self->main, NAME)));         \
        co_return(self->result);                                                                  \
        co_end;                                                                                   \
    }                                                                                             \
    static struct co_task *NAME##_start(void) { return co_spawn(NAME##_main); }                   \
    struct NAME##_main

/* ---- What is being run ----------------------------------------------------------------------- */

static const struct program *running;
static struct co_trial_options faults;
static long runs, failed_runs;

/* A fault while a task waits, where cancel_at, at the ops and wake-ups of a task, does not reach:
 * at the beginning of a turn, the n-th of the tasks alive is cancelled, or its deadline is over. */
static struct stab {
    uint64_t turn, task;        /* both from 1; 0: none */
    int expires;
    uint64_t turns;             /* out: how many there were so far */
    int is_met;                 /* out */
    struct co_hooks hooks, *inner;
} stab;

static void stab_batch(struct co_hooks *hooks, struct co_task **ring)
{
    struct co_task *task = co_task_next(NULL);

    (void)hooks;
    if (++stab.turns == stab.turn) {
        for (uint64_t n = 1; task && n < stab.task; n++)
            task = co_task_next(task);
        stab.is_met = task != NULL;
        if (task && stab.expires)
            co_task_expire_(task);
        else
            co_cancel(task);
    }
    stab.inner->batch(stab.inner, ring);
}

static void stab_point(struct co_hooks *hooks, struct co_task *task)
{
    (void)hooks;
    stab.inner->point(stab.inner, task);
}

static void stab_stepped(struct co_hooks *hooks, struct co_task *task)
{
    (void)hooks;
    stab.inner->stepped(stab.inner, task);
}

static void stab_begin(void)
{
    struct co_scheduler *s = co_scheduler_get();

    stab.hooks = (struct co_hooks){ stab_batch, stab_point, stab_stepped };
    stab.inner = s->hooks;
    s->hooks = &stab.hooks;
}

/* Enough to have the same run again: arguments for this program. */
static void print_faults(FILE *to)
{
    const struct { const char *name; uint64_t value; } words[] = {
        { "seed", faults.seed }, { "cancel", faults.cancel_at }, { "also", faults.cancel_also },
        { "timeout", faults.timeout_at }, { "fail", faults.fail_at },
        { "on", (uint64_t)faults.fail_on }, { "turn", stab.turn }, { "task", stab.task },
        { "expires", (uint64_t)stab.expires },
    };

    fprintf(to, "    repeat: build/switch/test/battery %s", running ? running->name : "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].value)
            fprintf(to, " %s=%ju", words[i].name, (uintmax_t)words[i].value);
    fputc('\n', to);
}

/* A run that kills this program tells which it was, and so does one that never ends. */
static void died(void)
{
    fputs("battery: the program died\n", stderr);
    print_faults(stderr);
}

static void on_abort(int signo)
{
    signal(signo, SIG_DFL);
    died();
    raise(signo);
}

static void on_alarm(int signo)
{
    static long runs_then = -1;

    (void)signo;
    if (runs == runs_then) {
        fputs("battery: this run does not end; its tasks:\n", stderr);
        co_loop_dump(NULL, stderr);
        abort();
    }
    runs_then = runs;
    alarm(60);
}

extern void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void watch_for_death(void)
{
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(died);
    signal(SIGABRT, on_abort);
    signal(SIGALRM, on_alarm);
    alarm(60);
}

/* ---- What is left ---------------------------------------------------------------------------- */

enum { FDS = 64 };

/* How many of the first FDS are open: in one call. */
static int fds_held(void)
{
    struct pollfd fds[FDS];
    int closed = 0;

    for (int i = 0; i < FDS; i++)
        fds[i] = (struct pollfd){ .fd = i };
    (void)poll(fds, FDS, 0);
    for (int i = 0; i < FDS; i++)
        closed += (fds[i].revents & POLLNVAL) != 0;
    return FDS - closed;
}

/* Bytes of the heap; 0 where nobody knows. glibc counts what it keeps for this thread as in use,
 * and so cannot say it to the byte. */
static size_t bytes_held(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
#if defined __GLIBC__ && __GLIBC_PREREQ(2, 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

/* In the loop, after its last task: no timer but its own, which tries a listener again, and nothing
 * that keeps libev's loop alive. */
static void check_loop(struct co_loop *loop)
{
    const struct co_scheduler *s = co_scheduler_get();
    uint32_t timers = s->timer_count;

    check_equal(s->count, 0);
    check(!s->ready);
    check(timers == 0 || (timers == 1 && faults.fail_at));
    if (timers == 0)
        check_equal(ev_run(co_loop_ev(loop), EVRUN_NOWAIT), 0);
    ev_verify(co_loop_ev(loop));
}

/* Whether [result] is one that such faults can bring. [fired]: one came before the end. */
static bool is_allowed(intptr_t result, bool fired)
{
    static const intptr_t of_peers[] = { -EPIPE, -ENODATA, -ECONNRESET, -ECONNREFUSED, -ENOENT };
    static const intptr_t of_calls[] = {
        -ENOMEM, -EMFILE, -ENETUNREACH, -EADDRINUSE, -EAGAIN, -ENOBUFS,
    };
    bool told = result == 0;

    if (!fired || told)
        return told;
    for (size_t i = 0; i < sizeof of_peers / sizeof *of_peers; i++)
        told |= result == of_peers[i];
    for (size_t i = 0; faults.fail_at && i < sizeof of_calls / sizeof *of_calls; i++)
        told |= result == of_calls[i];
    if (faults.fail_on && running->flags & ACCEPTS)
        told |= result == -ETIMEDOUT;
    return told || ((faults.cancel_at || (stab.turn && !stab.expires)) && result == -ECANCELED)
        || ((faults.timeout_at || (stab.turn && stab.expires)) && result == -ETIMEDOUT);
}

/* Whether one of them came before the end. */
static bool is_fired(struct co_loop_counts counts)
{
    return (faults.cancel_at && counts.points >= faults.cancel_at)
        || (faults.timeout_at && counts.points >= faults.timeout_at)
        || (faults.fail_at && counts.calls >= faults.fail_at) || stab.is_met;
}

/* ---- A run ----------------------------------------------------------------------------------- */

/* A loop for [program] under [options]. */
static struct co_loop *begin(const struct program *program, const struct co_trial_options *options)
{
    running = program;
    faults = *options;
    faults.virtual_time = 1;
    runs++;
    memset(&books, 0, sizeof books);
    return co_loop_new_trial(NULL, &faults);
}

/* To the last task; its result. */
static intptr_t run_loop(struct co_loop *loop)
{
    struct co_task *main_task = running->start();
    intptr_t result;

    if (co_loop_run(loop) != 0) {
        check_(false, "the tasks wait for something that comes", __FILE__, __LINE__);
        co_loop_dump(loop, stderr);
        co_task_detach(main_task);
        return 0;
    }
    result = co_task_result(main_task);
    check_loop(loop);
    co_task_free(main_task);
    check_equal(co_loop_counts(loop).tasks, 0);
    return result;
}

static void check_left(int fds, size_t bytes)
{
    int fds_left = fds_held() - fds;
    size_t bytes_left = bytes_held();

    check_equal(fds_left, 0);
    if (__sanitizer_get_current_allocated_bytes && !(running->flags & REAL))
        check_equal(bytes_left, bytes);
    check_equal(books.left, books.entered);
}

/* Runs [program] under [options]. Whether the faults came. *counts may be NULL. */
static bool run_program(const struct program *program, const struct co_trial_options *options,
                        struct co_loop_counts *counts)
{
    int fds = fds_held(), failures = failures_;
    size_t bytes = bytes_held();
    struct co_loop_counts counted = { .points = 0 };
    struct co_loop *loop = begin(program, options);
    intptr_t result;
    bool fired;

    if (!loop) {
        check(loop != NULL);
        return false;
    }
    if (stab.turn)
        stab_begin();
    result = run_loop(loop);
    counted = co_loop_counts(loop);
    co_loop_free(loop);
    fired = is_fired(counted);
    check_left(fds, bytes);
    if (program->over)
        program->over(result);
    if (!is_allowed(result, fired))
        check_equal(result, 0);
    if (failures_ != failures) {
        failed_runs++;
        print_faults(stderr);
    }
    if (counts)
        *counts = counted;
    return fired;
}

#endif
