/* SPDX-License-Identifier: BSD-2-Clause
 * trial.h: tests of your program, each case on a loop of its own: many seeds, a cancel at each
 * point, a failure of each call. For test programs: docs/how-to/test-your-program.md.
 *
 *     #include <duffel/trial.h>
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
 * A loop of trials stops at the first that fails, and prints one line: where it stands, what is
 * wrong, and how to run that case alone, which writes each step to stderr:
 *
 *     nap_test.c:12: trial failed: result -5 (Input/output error); run it alone with
 *     DUFFEL_TRIAL=line=12,seed=17                         // on one line
 *
 * The line is also printed if the program stops in a trial: by abort(), a failed assert(), a signal
 * or a sanitizer. One thread of a program runs trials, one at a time. */
#ifndef CO_TRIAL_H
#define CO_TRIAL_H

#include "loop.h"

#ifndef EUCLEAN                 /* Linux': the structure needs cleaning */
#define EUCLEAN 117
#endif

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may have the name of the call that it is for */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* ---- A trial --------------------------------------------------------------------------------- */

/* What a trial does to its program. All zero: nothing, but that it counts. */
struct co_trial_options {
    int virtual_time;           /* rw: 1: the clock begins at 0 and jumps to the next timer when no
                                 * task is ready. The world is this process, its threads and
                                 * children: where nothing of it can come, -EDEADLK */
    uint64_t seed;              /* rw: not 0: disorder that is determined by it alone: tasks and
                                 * events in any order, and as often in a hundred as the next three
                                 * say, where 0 is the number in brackets and -1 never: */
    int cuts;                   /* rw: a read or write is cut short (25) */
    int agains;                 /* rw: an fd has nothing, and has it at the next event (10) */
    int wakes;                  /* rw: in a turn, one who waits for an fd is woken too early (5) */
    uint64_t cancel_at;         /* rw: the task at this point is cancelled. A point, counted from 1,
                                 * is where a task has made an op, complete or not, and where the
                                 * wait of a task has ended */
    uint64_t cancel_also;       /* rw: and the one so many points later */
    uint64_t timeout_at;        /* rw: the innermost deadline of the task at this point is over */
    uint64_t fail_at;           /* rw: this call fails, counted from 1: an allocation of the loop,
                                 * or a system call on an fd, */
    int fail_on;                /* rw: 1: and all calls after it */
    FILE *trace;                /* rw: each step of each task, and what is done to it, is a line */
};

/* What came in a run so far. */
struct co_loop_counts {
    uint64_t points, calls;     /* ro: points, and calls that may fail */
    uint64_t tasks;             /* ro: tasks of co_spawn and of groups that are not yet freed */
};

struct co_trial {
    struct co_trial_options options;    /* rw: set by the loops of trials; the others are yours */
    const struct co_loop_options *loop; /* rw: of the loop of each run; or NULL */
    int failed;                         /* rw: yours to set; co_trial sets it for what is left */
    int leaks;                          /* rw: 1: asks the leak sanitizer, if linked, in each run */
    intptr_t result;                    /* ro: of the last run */
    struct co_loop_counts counts;       /* ro: of the last run */
    const char *file;                   /* private: where the loop of trials stands, or NULL */
    int line;                           /* private */
    int kind;                           /* private: enum co_trial_kind_ */
    int begun, told;                    /* private: a case has begun; its failure is printed */
    int alone;                          /* private: DUFFEL_TRIAL names this loop of trials */
    unsigned failures;                  /* private: of other loops, before this one */
    uint64_t n;                         /* private: how many seeds; the distance */
};

/* Runs coroutine NAME as the main task on a new loop with trial->options, to its end; cancels and
 * awaits the tasks that are left; frees the loop. The result of NAME; or one of two, after which
 * the trial has failed: -EDEADLK, if all waited for ever; -EUCLEAN, if something was left over: an
 * fd that is open now and was not before, or the other way round; a task of co_spawn that was not
 * freed; memory, under trial->leaks.
 *     intptr_t co_trial(struct co_trial *, NAME, .field = ...); */
#define co_trial(trial, ...) \
    co_trial_end_(trial, co_trial_begin_(trial) ? co_spawn(__VA_ARGS__) : NULL)

/* ---- Loops of trials ----------------------------------------------------------------------------
 * Each loops over the statement that follows, with a struct co_trial [t] for each case, under
 * virtual time. The statement runs one co_trial. They nest, if the inner one takes the options of
 * the outer one over: t.options.seed = outer.options.seed. */

/* Seeds 1 to [n]. DUFFEL_SEEDS in the environment stands for another [n]. */
#define CO_FOR_EACH_SEED(t, n)            CO_TRIALS_(t, CO_SEEDS_, n)

/* A cancel at each point of the run, until the run has no such point: that one is without. */
#define CO_FOR_EACH_CANCEL(t)             CO_TRIALS_(t, CO_CANCELS_, 0)

/* Two cancels, the second up to [distance] points after the first. */
#define CO_FOR_EACH_CANCEL_PAIR(t, distance) CO_TRIALS_(t, CO_PAIRS_, distance)

/* At each point, the innermost deadline of the task that stands there is over. */
#define CO_FOR_EACH_TIMEOUT(t)            CO_TRIALS_(t, CO_TIMEOUTS_, 0)

/* Each call that may fail does so once; then each, and all calls after it. */
#define CO_FOR_EACH_FAILURE(t)            CO_TRIALS_(t, CO_FAILURES_, 0)

/* How many trials failed since this was last asked; how many were run since the program began. */
int co_trials_failed(void);
uint64_t co_trials_run(void);

/* ---- By hand --------------------------------------------------------------------------------- */

/* A loop as of co_loop_new, under test. Both may be NULL; without [trial] it is a loop like any
 * other. */
struct co_loop *co_loop_new_trial(const struct co_loop_options *options,
                                  const struct co_trial_options *trial);

/* What came so far; zeros, if [loop] is not under test. */
struct co_loop_counts co_loop_counts(const struct co_loop *loop);

/* ---- Machinery ------------------------------------------------------------------------------- */

#define CO_TRIALS_(t, kind, n) \
    for (struct co_trial t = co_trials_(kind, (uint64_t)(n), __FILE__, __LINE__); \
         co_trial_next_(&t); )

enum co_trial_kind_ { CO_SEEDS_, CO_CANCELS_, CO_PAIRS_, CO_TIMEOUTS_, CO_FAILURES_ };

struct co_trial co_trials_(int kind, uint64_t n, const char *file, int line);
int co_trial_next_(struct co_trial *trial);
int co_trial_begin_(struct co_trial *trial);
intptr_t co_trial_end_(struct co_trial *trial, struct co_task *task);
void co_trial_exit_(void);              /* at the end of the program: an open trial has failed */

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
