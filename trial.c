/* SPDX-License-Identifier: BSD-2-Clause
 * trial.c: the loops of trials: which case comes next, what a run has left behind, and the line
 * that tells how to run a failed case alone. What a case does to the program is in loop_sim.c. */
#define _GNU_SOURCE
#include "trial.h"
#include "loop_impl.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIAL_FDS = 1024, TRIAL_SIGNALS = 7 };

static struct {
    unsigned failures;
    uint64_t run;
    int caught;                         /* signals, the first so many */
    int running;                        /* a loop runs, or was left by longjmp */
    int found;                          /* a loop of trials that DUFFEL_TRIAL names */
    int pending;                        /* a trial was run and is not yet judged */
    struct co_loop *loop;
    char where[300], what[200], again[300], stopped[700];
    void (*handlers[TRIAL_SIGNALS])(int);
    struct pollfd fds[TRIAL_FDS];
    int open[TRIAL_FDS];
} trials;

#if defined __GNUC__ && defined __ELF__ && !defined __TINYC__
#define TRIAL_SANITIZERS 1
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
#else
#define TRIAL_SANITIZERS 0
#endif

/* SIGABRT first. A sanitizer has handlers of its own for those behind SIGALRM. */
static const int fatal_signals[TRIAL_SIGNALS] = {
    SIGABRT, SIGTERM, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
};

/* ---- What is printed ------------------------------------------------------------------------- */

static void trial_tell(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s: trial failed: %s; run it alone with %s\n", trials.where, what,
            trials.again);
    trials.pending = 0;
}

CO_ATTRIBUTE_(format(printf, 3, 4))
static void trial_add(char *to, size_t size, const char *format, ...)
{
    size_t n = strlen(to);
    va_list args;

    va_start(args, format);
    vsnprintf(to + n, size - n, format, args);
    va_end(args);
}

/* The numbers of [o] that make a case, by name. */
enum { TRIAL_NUMBERS = 9 };
struct trial_number { const char *name; uint64_t *big; int *small; };
static void trial_numbers(struct co_trial_options *o, struct trial_number *to)
{
    const char *const names[] = { "seed", "cancel_at", "cancel_also", "timeout_at", "fail_at",
                                  "fail_on", "cuts", "agains", "wakes" };
    uint64_t *const big[] = { &o->seed, &o->cancel_at, &o->cancel_also, &o->timeout_at,
                              &o->fail_at };
    int *const small[] = { &o->fail_on, &o->cuts, &o->agains, &o->wakes };

    for (int i = 0; i < TRIAL_NUMBERS; i++) {
        to[i].name = names[i];
        to[i].big = i < 5 ? big[i] : NULL;
        to[i].small = i < 5 ? NULL : small[i - 5];
    }
}

/* Writes down, before the run, what is to be printed if it fails or stops the program. */
static void trial_name(const struct co_trial *trial)
{
    struct trial_number numbers[TRIAL_NUMBERS];
    struct co_trial_options options = trial->options;
    const char *comma = trial->file ? "," : "";

    trials.where[0] = trials.again[0] = trials.stopped[0] = '\0';
    if (trial->file)
        trial_add(trials.where, sizeof trials.where, "%s:%d", trial->file, trial->line);
    else
        trial_add(trials.where, sizeof trials.where, "co_trial");
    trial_add(trials.again, sizeof trials.again, "DUFFEL_TRIAL=");
    if (trial->file)
        trial_add(trials.again, sizeof trials.again, "line=%d", trial->line);
    trial_numbers(&options, numbers);
    for (int i = 0; i < TRIAL_NUMBERS; i++) {
        long long number = numbers[i].big ? (long long)*numbers[i].big : *numbers[i].small;

        if (number == 0)
            continue;
        trial_add(trials.again, sizeof trials.again, "%s%s=%lld", comma, numbers[i].name, number);
        comma = ",";
    }
    trial_add(trials.stopped, sizeof trials.stopped, "%s: trial failed: the program stopped; run "
              "it alone with %s\n", trials.where, trials.again);
}

/* DUFFEL_TRIAL: "line=31,seed=17": the line it names, or 0; the numbers go to [o]. */
static int trial_parse(const char *text, struct co_trial_options *o)
{
    struct trial_number numbers[TRIAL_NUMBERS];
    int line = 0;

    trial_numbers(o, numbers);
    while (*text) {
        size_t n = strcspn(text, "=,");
        char *end = NULL;
        long long number = text[n] == '=' ? strtoll(text + n + 1, &end, 10) : 0;
        int i = 0;

        while (i < TRIAL_NUMBERS
               && (strlen(numbers[i].name) != n || strncmp(text, numbers[i].name, n) != 0))
            i++;
        if (!end || end == text + n + 1 || (*end && *end != ',')
            || (i == TRIAL_NUMBERS && (n != 4 || strncmp(text, "line", 4) != 0))) {
            fprintf(stderr, "DUFFEL_TRIAL: '%s' is not a list like line=31,seed=17,cancel_at=4: "
                    "copy it from the line that a failed trial printed\n", text);
            exit(2);
        }
        if (i == TRIAL_NUMBERS)
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

static void trial_died(void)
{
    if ((trials.running || trials.pending)
        && write(STDERR_FILENO, trials.stopped, strlen(trials.stopped)) < 0)
        trials.running = 0;
    trials.running = trials.pending = 0;
}

/* From the [first] on. SIGABRT, the first of all, stays until the trial is judged: for assert(). */
static void trial_restore(int first)
{
    for (int i = first; i < trials.caught; i++)
        if (trials.handlers[i] != SIG_ERR)
            signal(fatal_signals[i], trials.handlers[i]);
    trials.caught = trials.caught < first ? trials.caught : first;
}

/* What was there before does the rest. */
static void trial_signal(int signo)
{
    trial_died();
    trial_restore(0);
    raise(signo);
}

/* A sanitizer has handlers of its own for faults, and calls back. SIGTERM and SIGALRM are caught
 * only where they would kill. */
static void trial_catch(void)
{
    int n = TRIAL_SIGNALS;

    trial_restore(0);
#if TRIAL_SANITIZERS
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(trial_died);
        n = 3;
    }
#endif
    for (int i = 0; i < n; i++) {
        int signo = fatal_signals[i];

        trials.handlers[i] = signal(signo, trial_signal);
        if (trials.handlers[i] != SIG_DFL && trials.handlers[i] != SIG_ERR
            && (signo == SIGTERM || signo == SIGALRM || trials.handlers[i] == SIG_IGN)) {
            signal(signo, trials.handlers[i]);
            trials.handlers[i] = SIG_ERR;
        }
    }
    trials.caught = n;
}

/* ---- A run ----------------------------------------------------------------------------------- */

/* Which fds are open, in one system call: those that are not are reported with POLLNVAL. */
static void trial_poll(void)
{
    unsigned n = TRIAL_FDS;

    for (int fd = 0; fd < TRIAL_FDS; fd++) {
        trials.fds[fd].fd = fd;
        trials.fds[fd].events = 0;
        trials.fds[fd].revents = POLLNVAL;
    }
    while (poll(trials.fds, n, 0) < 0 && n > 1)
        if (errno == EINVAL)            /* more than the process may open */
            n /= 2;
}

/* Writes what is left over into trials.what. Whether something is. */
static int trial_left(struct co_trial *trial)
{
    trials.what[0] = '\0';
    if (trial->result == -EDEADLK)
        trial_add(trials.what, sizeof trials.what, ", a deadlock");
    if (trial->counts.tasks > 0)
        trial_add(trials.what, sizeof trials.what, ", %d of co_spawn not freed",
                  (int)trial->counts.tasks);
    trial_poll();
    for (int fd = 0; fd < TRIAL_FDS; fd++) {
        int open = !(trials.fds[fd].revents & POLLNVAL);

        if (open != trials.open[fd])
            trial_add(trials.what, sizeof trials.what,
                      open ? ", fd %d is left open" : ", fd %d is closed, not its own", fd);
    }
#if TRIAL_SANITIZERS
    if (trial->leaks && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        trial_add(trials.what, sizeof trials.what, ", the memory above");
#endif
    return trials.what[0] != '\0';
}

/* A longjmp has left the trial or its body, as a failed check of cmocka does. */
static void trial_tidy(void)
{
    if (trials.running) {
        co_loop_abandon_(trials.loop);
        trials.running = 0;
    }
    trial_restore(0);
    if (trials.pending)
        trial_tell("it was left by a failed check");
}

/* At the end of the program. */
void co_trial_exit_(void)
{
    const char *alone = getenv("DUFFEL_TRIAL");

    trial_tidy();
    if (alone && !trials.found)
        fprintf(stderr, "DUFFEL_TRIAL=%s: no loop of trials stands on that line: has the file"
                        " changed?\n", alone);
}

int co_trial_begin_(struct co_trial *trial)
{
    const char *alone = trial->alone ? getenv("DUFFEL_TRIAL") : NULL;
    int error;

    if (trials.running)
        trial_tidy();
    if (alone) {                        /* once more: the body may have set others */
        (void)trial_parse(alone, &trial->options);
        trial->options.trace = trial->options.trace ? trial->options.trace : stderr;
    }
    trial_name(trial);
    trial_poll();
    for (int fd = 0; fd < TRIAL_FDS; fd++)
        trials.open[fd] = !(trials.fds[fd].revents & POLLNVAL);
    trials.run++;
    trials.loop = co_loop_new_trial(trial->loop, &trial->options);
    error = errno;
    trial->told = 0;
    trial->result = trials.loop ? 0 : -error;
    trials.running = trials.loop != NULL;
    trials.pending = trial->file != NULL;
    if (trials.loop)
        trial_catch();
    return trials.running;
}

intptr_t co_trial_end_(struct co_trial *trial, struct co_task *task)
{
    if (trials.running) {
        trial->result = co_main_run_(task);
        trial->counts = co_loop_counts(trials.loop);
        co_loop_free(trials.loop);
        trial_restore(trials.pending ? 1 : 0);
        trials.running = 0;
        if (!trial_left(trial))
            return trial->result;
        if (trial->result != -EDEADLK)
            trial->result = -EUCLEAN;
    } else {
        snprintf(trials.what, sizeof trials.what, ", no loop: %s", trial->result == -EBUSY
                 ? "this thread has one already" : strerror(-(int)trial->result));
    }
    trial->failed = trial->told = 1;
    trial_tell(trials.what + 2);
    return trial->result;
}

/* ---- Loops of trials ------------------------------------------------------------------------- */

struct co_trial co_trials_(int kind, uint64_t n, const char *file, int line)
{
    static int is_registered;
    const char *seeds = getenv("DUFFEL_SEEDS");
    struct co_trial trial;

    if (!is_registered)                 /* the last one may be left by longjmp, too */
        is_registered = atexit(co_trial_exit_) == 0;
    trial_tidy();
    memset(&trial, 0, sizeof trial);
    trial.kind = kind;
    trial.n = n;
    trial.file = file;
    trial.line = line;
    trial.failures = trials.failures;
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

/* Counts [number] up, until the last run had fewer points or calls. */
static int trial_count(uint64_t *number, uint64_t had)
{
    if (*number > had)
        return 0;
    ++*number;
    return 1;
}

/* Sets the options to the next case of the kind. 0: there is none. */
static int trial_case(struct co_trial *trial)
{
    struct co_trial_options *o = &trial->options;

    switch (trial->kind) {
    case CO_SEEDS_:
        return o->seed++ < trial->n;
    case CO_CANCELS_:
        return trial_count(&o->cancel_at, trial->counts.points);
    case CO_PAIRS_:
        if (o->cancel_also < trial->n && o->cancel_at > 0
            && o->cancel_at + o->cancel_also <= trial->counts.points) {
            o->cancel_also++;
            return 1;
        }
        o->cancel_also = 1;
        return trial_count(&o->cancel_at, trial->counts.points);
    case CO_TIMEOUTS_:
        return trial_count(&o->timeout_at, trial->counts.points);
    default:
        if (trial_count(&o->fail_at, trial->counts.calls))
            return 1;
        if (o->fail_on)
            return 0;
        o->fail_at = 1;
        o->fail_on = 1;
        return 1;
    }
}

int co_trial_next_(struct co_trial *trial)
{
    const char *alone = getenv("DUFFEL_TRIAL");
    int line;

    if (trial->begun && trial->failed) {
        trials.failures++;
        if (!trial->told) {
            snprintf(trials.what, sizeof trials.what,
                     trial->result < 0 && trial->result > -4096 ? "result %lld (%s)"
                                                                : "result %lld",
                     (long long)trial->result, strerror((int)-trial->result));
            trial_name(trial);
            trial_tell(trials.what);
        }
    }
    trials.pending = 0;
    trial_restore(0);
    if (trials.failures != trial->failures || (trial->begun && alone))
        return 0;
    trial->begun = 1;
    if (!alone)
        return trial_case(trial);
    line = trial_parse(alone, &trial->options);
    trial->alone = line == 0 || line == trial->line;
    trials.found |= trial->alone;
    if (!trial->alone) {                /* a loop around it, or another one: no disorder */
        memset(&trial->options, 0, sizeof trial->options);
        trial->options.virtual_time = 1;
    }
    return 1;
}

int co_trials_failed(void)
{
    unsigned failures = trials.failures;

    trial_tidy();
    trials.failures = 0;
    return (int)failures;
}

uint64_t co_trials_run(void)
{
    return trials.run;
}
