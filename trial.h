/* SPDX-License-Identifier: BSD-2-Clause
 * trial.h: tests of your program, each case on a loop of its own: many seeds, a cancel at each
 * point, a failure of each call. For test programs; docs/how-to/test-your-program.md tells more.
 *
 *     #include "trial.h"
 *
 *     struct nap { co_frame; };
 *     co_define(nap) {
 *         co_begin;
 *         co_try(co_sleep(3600));                          // takes no time: the clock jumps
 *         co_end;
 *     }
 *     int main(void)
 *     {
 *         CO_FOR_EACH_SEED(t, 1000)
 *             t.failed = co_trial(&t, nap) != 0;
 *         return co_trials_failed();
 *     }
 *
 * A loop of trials stops at the first that fails, and prints one line: where, what, and how to run
 * that case alone, with each step on stderr:
 *
 *     nap_test.c:12: trial failed: result -5 (Input/output error); run it alone with
 *     DUFFEL_TRIAL=line=12,seed=17                         // on one line
 *
 * The line comes too if the program stops in a trial: abort(), a failed assert(), a signal, a
 * sanitizer. All is static in each file that includes this; one thread at a time. */
#ifndef CO_TRIAL_H
#define CO_TRIAL_H

#include "loop.h"
#include "loop_impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef EUCLEAN
#define EUCLEAN 117
#endif

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may have the name of the call that it is for */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* What a loop under test does to its program; all zero: nothing, but that it counts. */
struct co_trial_options {
    int virtual_time;           /* 1: the clock begins at 0 and jumps to the next timer when no task
                                 * is ready. The world is this process, its threads and children:
                                 * where all wait for other things and no timer runs, -EDEADLK */
    uint64_t seed;              /* not 0: disorder that is determined by it alone: tasks and events
                                 * in any order, and as often in a hundred as the next three say,
                                 * where 0 is the number in brackets and -1 never: */
    int cuts;                   /* a read or write is cut short (25) */
    int agains;                 /* an fd has nothing, and then has (10) */
    int wakes;                  /* whoever waits for an fd is woken too early, in a turn (5) */
    uint64_t cancel_at;         /* the task that stands at this point is cancelled. Points, from 1:
                                 * a task made an op, complete or not; a wait has ended */
    uint64_t cancel_also;       /* and once more, so many points after it */
    uint64_t timeout_at;        /* the innermost deadline of the task at this point is over */
    uint64_t fail_at;           /* this allocation, or system call on an fd, of the loop fails, */
    int fail_on;                /* 1: and all after it */
    FILE *trace;                /* each step of each task, and what is done to it, is a line here */
};

/* How many points, and calls that may fail, there were so far; and how many tasks of co_spawn and
 * of groups are not yet freed. */
struct co_loop_counts { uint64_t points, calls, tasks; };

struct co_trial {
    struct co_trial_options options;    /* rw: the loops below set virtual_time, and their own */
    const struct co_loop_options *loop; /* rw: of the loop of each run; or NULL */
    int failed;                         /* rw: yours to set; co_trial sets it for what is left */
    int leaks;                          /* rw: 1: asks the leak sanitizer, if linked, in each run */
    intptr_t result;                    /* ro: of the last run */
    struct co_loop_counts counts;       /* ro: of the last run */
    const char *file;                   /* private: where the loop of trials stands, or NULL */
    int line;                           /* private */
    int kind;                           /* private */
    int begun, told, alone;             /* private: a case has begun; its line is printed; env */
    unsigned failures;                  /* private: of others, before */
    uint64_t n;                         /* private: how many seeds; the distance */
};

/* Runs coroutine NAME as the main task on a new loop with trial->options, to its end; cancels and
 * awaits what is left; frees the loop. Its result; -EUCLEAN, if something is left over: an fd is
 * open that was not open before, or is not that was; a task of co_spawn was not freed; memory,
 * under trial->leaks; -EDEADLK: all wait for ever. After these two the trial has failed.
 *     intptr_t co_trial(struct co_trial *, NAME, .field = ...); */
#define co_trial(trial, ...) \
    co_trial_end_(trial, co_trial_begin_(trial) ? co_spawn(__VA_ARGS__) : NULL)

/* Loops over the statement that follows, with a struct co_trial [t] for each case, under virtual
 * time. One co_trial in the body. They nest: hand the options on, t.options.seed =
 * outer.options.seed. */

/* Seeds 1 to [n]; DUFFEL_SEEDS in the environment is another [n]. */
#define CO_FOR_EACH_SEED(t, n)            CO_TRIALS_(t, CO_SEEDS_, n)

/* A cancel at each point of the run, until it has no more; and once more without. */
#define CO_FOR_EACH_CANCEL(t)             CO_TRIALS_(t, CO_CANCELS_, 0)

/* Two cancels, the second up to [distance] points after the first. */
#define CO_FOR_EACH_CANCEL_PAIR(t, distance) CO_TRIALS_(t, CO_PAIRS_, distance)

/* At each point, the innermost deadline of the task that stands there is over. */
#define CO_FOR_EACH_TIMEOUT(t)            CO_TRIALS_(t, CO_TIMEOUTS_, 0)

/* Each call that may fail does so once; then each, and all after it. */
#define CO_FOR_EACH_FAILURE(t)            CO_TRIALS_(t, CO_FAILURES_, 0)

/* How many trials failed since this was asked last; how many were run since the start. */
static inline int co_trials_failed(void);
static inline uint64_t co_trials_run(void);

/* By hand: a loop as of co_loop_new, under test. [options] may be NULL, and [trial]: then it is a
 * loop like any other. */
struct co_loop *co_loop_new_trial(const struct co_loop_options *options,
                                  const struct co_trial_options *trial);

/* Zeros, for a loop that is not under test. */
struct co_loop_counts co_loop_counts(const struct co_loop *loop);

/* ---- Machinery ------------------------------------------------------------------------------- */

#define CO_TRIALS_(t, kind, n) \
    for (struct co_trial t = co_trials_(kind, (uint64_t)(n), __FILE__, __LINE__); \
         co_trial_next_(&t); )

enum co_trial_kind_ { CO_SEEDS_, CO_CANCELS_, CO_PAIRS_, CO_TIMEOUTS_, CO_FAILURES_ };
enum { CO_TRIAL_FDS_ = 1024, CO_TRIAL_SIGNALS_ = 7 };

struct co_trial_state_ {
    unsigned failures;
    uint64_t run;
    int caught;                         /* signals, the first so many */
    int running;                        /* a loop runs, or was left by longjmp */
    int found;                          /* a loop of trials that DUFFEL_TRIAL names */
    int pending;                        /* a trial was run and is not yet judged */
    struct co_loop *loop;
    char where[300], what[200], again[300], stopped[700];
    void (*handlers[CO_TRIAL_SIGNALS_])(int);
    struct pollfd fds[CO_TRIAL_FDS_];
    char open[CO_TRIAL_FDS_];
};

static inline struct co_trial_state_ *co_trial_state_(void)
{
    static struct co_trial_state_ state;

    return &state;
}

#if defined __GNUC__ && defined __ELF__ && !defined __TINYC__
#define CO_TRIAL_SANITIZERS_ 1
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
#else
#define CO_TRIAL_SANITIZERS_ 0
#endif

/* ---- What is printed ------------------------------------------------------------------------- */

static inline void co_trial_tell_(const char *what)
{
    struct co_trial_state_ *s = co_trial_state_();

    fflush(stdout);
    fprintf(stderr, "%s: trial failed: %s; run it alone with %s\n", s->where, what, s->again);
    s->pending = 0;
}

CO_ATTRIBUTE_(format(printf, 3, 4))
static inline void co_trial_add_(char *to, size_t size, const char *format, ...)
{
    size_t n = strlen(to);
    va_list args;

    va_start(args, format);
    vsnprintf(to + n, size - n, format, args);
    va_end(args);
}

/* The numbers of [o] that make a case, by name. */
enum { CO_TRIAL_NUMBERS_ = 9 };
struct co_trial_number_ { const char *name; uint64_t *big; int *small; };
static inline void co_trial_numbers_(struct co_trial_options *o, struct co_trial_number_ *to)
{
    const char *const names[] = { "seed", "cancel_at", "cancel_also", "timeout_at", "fail_at",
                                  "fail_on", "cuts", "agains", "wakes" };
    uint64_t *const big[] = { &o->seed, &o->cancel_at, &o->cancel_also, &o->timeout_at,
                              &o->fail_at };
    int *const small[] = { &o->fail_on, &o->cuts, &o->agains, &o->wakes };

    for (int i = 0; i < CO_TRIAL_NUMBERS_; i++) {
        to[i].name = names[i];
        to[i].big = i < 5 ? big[i] : NULL;
        to[i].small = i < 5 ? NULL : small[i - 5];
    }
}

/* Writes down, before the run, what is to be printed if it fails or stops the program. */
static inline void co_trial_name_(const struct co_trial *trial)
{
    struct co_trial_state_ *s = co_trial_state_();
    struct co_trial_number_ numbers[CO_TRIAL_NUMBERS_];
    struct co_trial_options options = trial->options;
    const char *comma = trial->file ? "," : "";

    s->where[0] = s->again[0] = s->stopped[0] = '\0';
    if (trial->file)
        co_trial_add_(s->where, sizeof s->where, "%s:%d", trial->file, trial->line);
    else
        co_trial_add_(s->where, sizeof s->where, "co_trial");
    co_trial_add_(s->again, sizeof s->again, "DUFFEL_TRIAL=");
    if (trial->file)
        co_trial_add_(s->again, sizeof s->again, "line=%d", trial->line);
    co_trial_numbers_(&options, numbers);
    for (int i = 0; i < CO_TRIAL_NUMBERS_; i++) {
        long long number = numbers[i].big ? (long long)*numbers[i].big : *numbers[i].small;

        if (number == 0)
            continue;
        co_trial_add_(s->again, sizeof s->again, "%s%s=%lld", comma, numbers[i].name, number);
        comma = ",";
    }
    co_trial_add_(s->stopped, sizeof s->stopped, "%s: trial failed: the program stopped; run it "
                    "alone with %s\n", s->where, s->again);
}

/* DUFFEL_TRIAL: "line=31,seed=17": the line it names, or 0; the numbers go to [o]. */
static inline int co_trial_parse_(const char *text, struct co_trial_options *o)
{
    struct co_trial_number_ numbers[CO_TRIAL_NUMBERS_];
    int line = 0;

    co_trial_numbers_(o, numbers);
    while (*text) {
        size_t n = strcspn(text, "=,");
        char *end = NULL;
        long long number = text[n] == '=' ? strtoll(text + n + 1, &end, 10) : 0;
        int i = 0;

        while (i < CO_TRIAL_NUMBERS_ && (strlen(numbers[i].name) != n
                                           || strncmp(text, numbers[i].name, n) != 0))
            i++;
        if (!end || end == text + n + 1 || (*end && *end != ',')
            || (i == CO_TRIAL_NUMBERS_ && (n != 4 || strncmp(text, "line", 4) != 0))) {
            fprintf(stderr, "DUFFEL_TRIAL: '%s' is not a list like line=31,seed=17,cancel_at=4: "
                    "copy it from the line that a failed trial printed\n", text);
            exit(2);
        }
        if (i == CO_TRIAL_NUMBERS_)
            line = (int)number;
        else if (numbers[i].big)
            *numbers[i].big = (uint64_t)number;
        else
            *numbers[i].small = (int)number;
        text = *end ? end + 1 : end;
    }
    return line;
}

/* ---- The program stops in a trial ------------------------------------------------------------ */

static inline void co_trial_died_(void)
{
    struct co_trial_state_ *s = co_trial_state_();

    if ((s->running || s->pending) && write(2, s->stopped, strlen(s->stopped)) < 0)
        s->running = 0;
    s->running = s->pending = 0;
}

static inline const int *co_trial_signals_(void)
{
    static const int signals[CO_TRIAL_SIGNALS_] = { SIGABRT, SIGTERM, SIGALRM, SIGSEGV, SIGBUS,
                                                      SIGFPE, SIGILL };

    return signals;
}

/* From the [first] on. SIGABRT, the first of all, stays until the trial is judged: for assert(). */
static inline void co_trial_restore_(int first)
{
    struct co_trial_state_ *s = co_trial_state_();

    for (int i = first; i < s->caught; i++)
        if (s->handlers[i] != SIG_ERR)
            signal(co_trial_signals_()[i], s->handlers[i]);
    s->caught = s->caught < first ? s->caught : first;
}

/* What was there before does the rest. */
static inline void co_trial_signal_(int signo)
{
    co_trial_died_();
    co_trial_restore_(0);
    raise(signo);
}

/* A sanitizer has handlers of its own for faults, and calls back. SIGTERM and SIGALRM: only where
 * they would kill. */
static inline void co_trial_catch_(void)
{
    struct co_trial_state_ *s = co_trial_state_();
    int n = CO_TRIAL_SIGNALS_;

    co_trial_restore_(0);
#if CO_TRIAL_SANITIZERS_
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(co_trial_died_);
        n = 3;
    }
#endif
    for (int i = 0; i < n; i++) {
        int signo = co_trial_signals_()[i];

        s->handlers[i] = signal(signo, co_trial_signal_);
        if (s->handlers[i] != SIG_DFL && s->handlers[i] != SIG_ERR
            && (signo == SIGTERM || signo == SIGALRM || s->handlers[i] == SIG_IGN)) {
            signal(signo, s->handlers[i]);
            s->handlers[i] = SIG_ERR;
        }
    }
    s->caught = n;
}

/* ---- A run ----------------------------------------------------------------------------------- */

/* Which fds are open, in one system call: those that are not are POLLNVAL. */
static inline void co_trial_poll_(struct co_trial_state_ *s)
{
    unsigned n = CO_TRIAL_FDS_;

    for (int fd = 0; fd < CO_TRIAL_FDS_; fd++) {
        s->fds[fd].fd = fd;
        s->fds[fd].events = 0;
        s->fds[fd].revents = POLLNVAL;
    }
    while (poll(s->fds, n, 0) < 0 && n > 1)
        if (errno == EINVAL)            /* more than the process may open */
            n /= 2;
}

/* Tells what is left over, in s->what: whether something is. */
static inline int co_trial_left_(struct co_trial *trial)
{
    struct co_trial_state_ *s = co_trial_state_();

    s->what[0] = '\0';
    if (trial->result == -EDEADLK)
        co_trial_add_(s->what, sizeof s->what, ", a deadlock");
    if (trial->counts.tasks > 0)
        co_trial_add_(s->what, sizeof s->what, ", %d of co_spawn not freed",
                        (int)trial->counts.tasks);
    co_trial_poll_(s);
    for (int fd = 0; fd < CO_TRIAL_FDS_; fd++) {
        int open = !(s->fds[fd].revents & POLLNVAL);

        if (open != s->open[fd])
            co_trial_add_(s->what, sizeof s->what,
                            open ? ", fd %d is left open" : ", fd %d is closed, not its own", fd);
    }
#if CO_TRIAL_SANITIZERS_
    if (trial->leaks && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        co_trial_add_(s->what, sizeof s->what, ", the memory above");
#endif
    return s->what[0] != '\0';
}

/* A longjmp has left the trial or its body, as a failed check of cmocka does. */
static inline void co_trial_tidy_(void)
{
    struct co_trial_state_ *s = co_trial_state_();

    if (s->running) {
        co_loop_abandon_(s->loop);
        s->running = 0;
    }
    co_trial_restore_(0);
    if (s->pending)
        co_trial_tell_("it was left by a failed check");
}

/* At the end of the program. */
static inline void co_trial_exit_(void)
{
    const char *alone = getenv("DUFFEL_TRIAL");

    co_trial_tidy_();
    if (alone && !co_trial_state_()->found)
        fprintf(stderr, "DUFFEL_TRIAL=%s: no loop of trials stands on that line: has the file"
                        " changed?\n", alone);
}

static inline int co_trial_begin_(struct co_trial *trial)
{
    struct co_trial_state_ *s = co_trial_state_();
    const char *alone = trial->alone ? getenv("DUFFEL_TRIAL") : NULL;
    int error;

    if (s->running)
        co_trial_tidy_();
    if (alone) {                        /* once more: the body may have set others */
        (void)co_trial_parse_(alone, &trial->options);
        trial->options.trace = trial->options.trace ? trial->options.trace : stderr;
    }
    co_trial_name_(trial);
    co_trial_poll_(s);
    for (int fd = 0; fd < CO_TRIAL_FDS_; fd++)
        s->open[fd] = !(s->fds[fd].revents & POLLNVAL);
    s->run++;
    s->loop = co_loop_new_trial(trial->loop, &trial->options);
    error = errno;
    trial->told = 0;
    trial->result = s->loop ? 0 : -error;
    s->running = s->loop != NULL;
    s->pending = trial->file != NULL;
    if (s->loop)
        co_trial_catch_();
    return s->running;
}

static inline intptr_t co_trial_end_(struct co_trial *trial, struct co_task *task)
{
    struct co_trial_state_ *s = co_trial_state_();

    if (s->running) {
        trial->result = co_main_run_(task);
        trial->counts = co_loop_counts(s->loop);
        co_loop_free(s->loop);
        co_trial_restore_(s->pending ? 1 : 0);
        s->running = 0;
        if (!co_trial_left_(trial))
            return trial->result;
        if (trial->result != -EDEADLK)
            trial->result = -EUCLEAN;
    } else {
        snprintf(s->what, sizeof s->what, ", no loop: %s", trial->result == -EBUSY
                 ? "this thread has one already" : strerror(-(int)trial->result));
    }
    trial->failed = trial->told = 1;
    co_trial_tell_(s->what + 2);
    return trial->result;
}

/* ---- Loops of trials ------------------------------------------------------------------------- */

static inline struct co_trial co_trials_(int kind, uint64_t n, const char *file, int line)
{
    static int is_registered;
    const char *seeds = getenv("DUFFEL_SEEDS");
    struct co_trial trial;

    if (!is_registered)                 /* the last one may be left by longjmp, too */
        is_registered = atexit(co_trial_exit_) == 0;
    co_trial_tidy_();
    memset(&trial, 0, sizeof trial);
    trial.kind = kind;
    trial.n = n;
    trial.file = file;
    trial.line = line;
    trial.failures = co_trial_state_()->failures;
    trial.options.virtual_time = 1;
    if (kind == CO_SEEDS_ && seeds && *seeds) {
        char *end;

        trial.n = strtoull(seeds, &end, 10);
        if (*end || *seeds == '-' || trial.n == 0) {
            fprintf(stderr, "DUFFEL_SEEDS: '%s' is no number of seeds, like 10000\n", seeds);
            exit(2);
        }
    }
    return trial;
}

/* The next of one number, until the last run had fewer of them. */
static inline int co_trial_count_(uint64_t *number, uint64_t had)
{
    if (*number > had)
        return 0;
    ++*number;
    return 1;
}

/* The next case of the kind: 0: there is none. */
static inline int co_trial_case_(struct co_trial *trial)
{
    struct co_trial_options *o = &trial->options;

    switch (trial->kind) {
    case CO_SEEDS_:
        return o->seed++ < trial->n;
    case CO_CANCELS_:
        return co_trial_count_(&o->cancel_at, trial->counts.points);
    case CO_PAIRS_:
        if (o->cancel_also < trial->n && o->cancel_at > 0
            && o->cancel_at + o->cancel_also <= trial->counts.points) {
            o->cancel_also++;
            return 1;
        }
        o->cancel_also = 1;
        return co_trial_count_(&o->cancel_at, trial->counts.points);
    case CO_TIMEOUTS_:
        return co_trial_count_(&o->timeout_at, trial->counts.points);
    default:
        if (co_trial_count_(&o->fail_at, trial->counts.calls))
            return 1;
        if (o->fail_on)
            return 0;
        o->fail_at = 1;
        o->fail_on = 1;
        return 1;
    }
}

static inline int co_trial_next_(struct co_trial *trial)
{
    struct co_trial_state_ *s = co_trial_state_();
    const char *alone = getenv("DUFFEL_TRIAL");
    int line;

    if (trial->begun && trial->failed) {
        s->failures++;
        if (!trial->told) {
            snprintf(s->what, sizeof s->what,
                     trial->result < 0 && trial->result > -4096 ? "result %lld (%s)"
                                                                : "result %lld",
                     (long long)trial->result, strerror((int)-trial->result));
            co_trial_name_(trial);
            co_trial_tell_(s->what);
        }
    }
    s->pending = 0;
    co_trial_restore_(0);
    if (s->failures != trial->failures || (trial->begun && alone))
        return 0;
    trial->begun = 1;
    if (!alone)
        return co_trial_case_(trial);
    line = co_trial_parse_(alone, &trial->options);
    trial->alone = line == 0 || line == trial->line;
    s->found |= trial->alone;
    if (!trial->alone) {                /* a loop around it, or another one: no disorder */
        memset(&trial->options, 0, sizeof trial->options);
        trial->options.virtual_time = 1;
    }
    return 1;
}

static inline int co_trials_failed(void)
{
    struct co_trial_state_ *s = co_trial_state_();
    unsigned failures = s->failures;

    co_trial_tidy_();
    s->failures = 0;
    return (int)failures;
}

static inline uint64_t co_trials_run(void)
{
    return co_trial_state_()->run;
}

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
