/* SPDX-License-Identifier: BSD-2-Clause
 * trial.c: tests of trial.h: each loop of trials finds a planted bug and says how to repeat it, the
 * case can be repeated alone, and a right program passes. The options are tested in sim.c. */
#include "loop_test.h"
#include "../trial.h"
#include "trial_bugs.h"

#include <setjmp.h>

/* NULL where no sanitizer is linked. */
extern void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* ---- Programs of trials, each in a process of its own ---------------------------------------- */

static struct { int status; char text[20000]; } said;    /* by the last program */

/* Runs [program] with DUFFEL_TRIAL=[alone], its stdout and stderr to said.text; its exit status, or
 * minus the signal that ended it. */
static int run_program(int (*program)(void), const char *alone, const char *seeds)
{
    int fds[2], status;
    size_t length = 0;
    const char *end;
    uint64_t before;
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct rlimit no_core = { 0, 0 };

        setrlimit(RLIMIT_CORE, &no_core);
        alarm(60);
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);           /* not to cmocka */
        signal(SIGFPE, SIG_DFL);
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        unsetenv("DUFFEL_TRIAL");
        if (alone)
            setenv("DUFFEL_TRIAL", alone, 1);
        if (seeds)
            setenv("DUFFEL_SEEDS", seeds, 1);
        before = co_trials_run();
        status = program();
        printf("%d runs, status %d\n", (int)(co_trials_run() - before), status);
        fflush(NULL);
        co_trial_exit_();
        _exit(status);
    }
    close(fds[1]);
    while ((n = read(fds[0], said.text + length, sizeof said.text - 1 - length)) > 0)
        length += (size_t)n;
    said.text[length] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    end = strstr(said.text, " runs, status ");
    if (end)                                /* valgrind has an exit status of its own for a leak */
        said.status = atoi(end + strlen(" runs, status "));
    return said.status;
}

static void says(const char *text)
{
    if (!strstr(said.text, text))
        fail_msg("nothing like '%s' in, status %d:\n%s", text, said.status, said.text);
}

/* [program] fails, and says [what] in the line of the trial that failed; the case that this names
 * fails as well, alone, in the same way, with a trace. [status]: 1, or minus a signal. */
static void finds(int (*program)(void), const char *what, int status)
{
    char alone[200], line[sizeof said.text];
    const char *from;

    assert_int_equal(run_program(program, NULL, NULL), status);
    says(what);
    from = strstr(said.text, "DUFFEL_TRIAL=");
    assert_non_null(from);
    assert_int_equal(sscanf(from, "DUFFEL_TRIAL=%199[^ \n]", alone), 1);
    while (from > said.text && from[-1] != '\n')
        from--;
    memcpy(line, from, strcspn(from, "\n") + 1);
    line[strcspn(from, "\n") + 1] = '\0';
    print_message("    %s", line);
    assert_int_equal(run_program(program, alone, NULL), status);
    says(line);
    says("0.000000000 ");
    if (strstr(said.text, " runs, "))
        says("\n1 runs, ");
}

/* ---- Bugs that are found --------------------------------------------------------------------- */

static void a_cancel_at_each_point_finds_what_is_lost(void **state)
{
    (void)state;
    finds(a_lost_item, ",cancel_at=", 1);
    finds(a_left_fd_by_a_cancel, "is left open; run it alone with DUFFEL_TRIAL=", 1);
}

static void a_failure_of_each_call_finds_what_is_left(void **state)
{
    (void)state;
    finds(a_left_fd_by_a_failure, "is left open; run it alone with DUFFEL_TRIAL=", 1);
    finds(a_left_task, "1 of co_spawn not freed; run it alone with ", 1);
    finds(a_deadlock, "trial failed: a deadlock; run it alone with ", 1);
}

static void a_seed_finds_what_is_taken_for_granted(void **state)
{
    (void)state;
    finds(a_wrong_order, "result -71 (Protocol error); run it alone with DUFFEL_TRIAL=line=", 1);
    finds(a_short_read, "result -71 (Protocol error); run it alone with DUFFEL_TRIAL=line=", 1);
}

static void a_timeout_at_each_point_finds_what_is_left(void **state)
{
    (void)state;
    finds(a_bad_timeout, ",timeout_at=1\n", 1);
}

static void a_pair_of_cancels_finds_what_one_does_not(void **state)
{
    (void)state;
    finds(a_bad_second_cancel, ",cancel_at=1,cancel_also=2\n", 1);
}

static void an_fd_of_somebody_else_that_is_closed_is_found(void **state)
{
    (void)state;
    finds(a_foreign_fd_closed, " is closed, not its own; run it alone with ", 1);
}

static void a_stop_of_the_program_is_told(void **state)
{
    static const int signals[] = { SIGABRT, SIGTERM, SIGALRM, SIGSEGV, SIGFPE };
    int is_sanitized = __sanitizer_set_death_callback != NULL;

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals - (is_sanitized ? 2 : 0); i++) {
        how_to_stop = signals[i];
        finds(a_stop, "trial failed: the program stopped; run it alone with ", -signals[i]);
    }
}

static void a_stop_by_a_sanitizer_is_told(void **state)
{
    (void)state;
    if (!__sanitizer_set_death_callback)
        return;
    how_to_stop = SIGKILL;
    finds(a_stop, "trial failed: the program stopped; run it alone with ", 1);
    says("heap-use-after-free");
}

static int a_failed_assert(void)
{
    CO_FOR_EACH_SEED(t, 2)
        if (co_trial(&t, nap) == 0)
            abort();                    /* as assert() does */
    return 0;
}

static void a_stop_in_the_body_is_told(void **state)
{
    (void)state;
    finds(a_failed_assert, "the program stopped; run it alone with DUFFEL_TRIAL=", -SIGABRT);
}

static int a_handler(void)
{
    static int rest;
    void (*fault)(int) = signal(SIGSEGV, SIG_DFL);

    signal(SIGSEGV, fault);
    signal(SIGABRT, SIG_IGN);
    CO_FOR_EACH_SEED(t, 2)
        co_trial(&t, nap);
    rest = signal(SIGABRT, SIG_DFL) == SIG_IGN && signal(SIGTERM, SIG_DFL) == SIG_DFL
        && signal(SIGSEGV, SIG_DFL) == fault;
    return co_trials_failed() + !rest;
}

static void signal_handlers_are_as_before_after_a_trial(void **state)
{
    (void)state;
    assert_int_equal(run_program(a_handler, NULL, NULL), 0);
}

/* ---- Right programs -------------------------------------------------------------------------- */

static uint64_t seed_count;          /* DUFFEL_SEEDS, for this test only */

static void a_right_program_passes_each_seed(void **state)
{
    uint64_t before = co_trials_run();

    (void)state;
    CO_FOR_EACH_SEED(t, seed_count)
        t.failed = co_trial(&t, sums) != 0;
    assert_int_equal(co_trials_failed(), 0);
    assert_true(co_trials_run() - before == seed_count || getenv("DUFFEL_TRIAL"));
}

static void a_right_program_passes_each_cancel_timeout_and_failure(void **state)
{
    (void)state;
    CO_FOR_EACH_CANCEL(t) {
        intptr_t result = co_trial(&t, sums);
        t.failed = result != 0 && result != -ECANCELED      /* the server, or a session, is gone: */
            && result != -ECONNREFUSED && result != -ECONNRESET && result != -EPROTO;
    }
    CO_FOR_EACH_TIMEOUT(t) {
        intptr_t result = co_trial(&t, sums);
        t.failed = result != 0 && result != -ETIMEDOUT;
    }
    CO_FOR_EACH_FAILURE(t)
        co_trial(&t, sums);
    assert_int_equal(co_trials_failed(), 0);
}

static void a_right_program_passes_pairs_of_cancels_under_seeds(void **state)
{
    uint64_t before = co_trials_run();

    (void)state;
    CO_FOR_EACH_SEED(s, sized(3, 1))
        CO_FOR_EACH_CANCEL_PAIR(t, sized(3, 1)) {
            t.options.seed = s.options.seed;
            co_trial(&t, sums);
        }
    assert_int_equal(co_trials_failed(), 0);
    assert_true(co_trials_run() - before > 50);
}

/* ---- The loops ------------------------------------------------------------------------------- */

static void the_loops_go_over_each_case_and_stop(void **state)
{
    uint64_t seeds = 0, cancels = 0, pairs = 0, once = 0, on = 0, last = 0;

    (void)state;
    CO_FOR_EACH_SEED(t, 5) {
        assert_true(t.options.virtual_time && t.options.seed == ++seeds);
        co_trial(&t, nap);
    }
    CO_FOR_EACH_CANCEL(t) {                     /* two points: the third is none any more */
        assert_int_equal(t.options.cancel_at, ++cancels);
        assert_int_equal(co_trial(&t, nap), cancels == 1 ? -ECANCELED : 0);
    }
    CO_FOR_EACH_CANCEL_PAIR(t, 2) {
        pairs = 10 * pairs + t.options.cancel_at;
        co_trial(&t, nap);
    }
    CO_FOR_EACH_FAILURE(t) {                    /* two calls: the task, its timer */
        *(t.options.fail_on ? &on : &once) += 1;
        last = t.options.fail_at;
        assert_int_equal(co_trial(&t, nap), last <= 2 ? -ENOMEM : 0);
    }
    assert_int_equal(co_trials_failed(), 0);
    assert_int_equal(seeds, 5);
    assert_int_equal(cancels, 3);
    assert_int_equal(pairs, 1123);
    assert_int_equal(once, 3);
    assert_int_equal(on, 3);
}

static int a_nested_failure(void)
{
    CO_FOR_EACH_SEED(s, 1000)
        CO_FOR_EACH_CANCEL(t) {
            t.options.seed = s.options.seed;
            t.options.agains = -1;
            t.failed = co_trial(&t, wrong_order) == -EPROTO;
        }
    return co_trials_failed();
}

static void nested_loops_stop_together_and_the_case_repeats(void **state)
{
    (void)state;
    finds(a_nested_failure, ",agains=-1\n", 1);
    says("seed=");
    says("cancel_at=");
}

static int seeds_of_nap(void)
{
    CO_FOR_EACH_SEED(t, 3)
        t.failed = co_trial(&t, nap) != 0;
    return co_trials_failed();
}

static void the_environment_sets_the_seeds_and_the_case(void **state)
{
    (void)state;
    assert_int_equal(run_program(seeds_of_nap, NULL, "70"), 0);
    says("70 runs");
    assert_int_equal(run_program(seeds_of_nap, "seed=3,cancel_at=1", NULL), 1);
    says("point 1: nap is cancelled\n");
    says(" nap ends with -125\n");
    assert_int_equal(run_program(seeds_of_nap, "line=1,cancel_at=1", NULL), 0);
    says("DUFFEL_TRIAL=line=1,cancel_at=1: no loop of trials stands on that line");
    assert_int_equal(run_program(seeds_of_nap, "seed=3,cancl_at=1", NULL), 2);
    says("DUFFEL_TRIAL: 'cancl_at=1' is not a list like ");
    assert_int_equal(run_program(seeds_of_nap, NULL, "many"), 2);
    says("DUFFEL_SEEDS: 'many' is no number of seeds");
    assert_int_equal(run_program(seeds_of_nap, NULL, "-1"), 2);
    says("DUFFEL_SEEDS: '-1' is no number of seeds");
}

static int a_loop_in_the_way(void)
{
    if (!co_loop_new(NULL))
        return 9;
    CO_FOR_EACH_SEED(t, 3)
        co_trial(&t, nap);
    co_loop_free(co_loop_current());
    return co_trials_failed();
}

static int a_trial_by_itself(void)
{
    struct co_trial t;

    memset(&t, 0, sizeof t);
    t.options.virtual_time = 1;
    if (co_trial(&t, nap) != 0 || t.failed)
        return 9;
    return co_trial(&t, left_task) == 0 && co_trial(&t, wrong_order) == 0 ? 0 : 8;
}

static void a_trial_may_stand_alone_but_not_beside_a_loop(void **state)
{
    (void)state;
    assert_int_equal(run_program(a_loop_in_the_way, NULL, NULL), 1);
    says("trial failed: no loop: this thread has one already; ");
    assert_int_equal(run_program(a_trial_by_itself, NULL, NULL), 0);
    says("3 runs");
}

/* ---- Checks that leave by longjmp, as cmocka's do -------------------------------------------- */

static jmp_buf left;
struct leaver { co_frame; int fds[2]; };
static co_define(leaver) {
    co_begin;
    co_try(co_done(co_fd_pair(self->fds)));
    co_try(co_sleep(1));
    longjmp(left, 1);
    co_end;
}

static int left_by_checks(void)
{
    if (setjmp(left) == 0)
        CO_FOR_EACH_SEED(t, 5)
            co_trial(&t, leaver);
    if (setjmp(left) == 0)
        CO_FOR_EACH_CANCEL(t) {
            co_trial(&t, nap);
            longjmp(left, 1);
        }
    return seeds_of_nap();
}

static int left_last(void)
{
    CO_FOR_EACH_SEED(t, 5)
        if (setjmp(left) == 0) {
            co_trial(&t, nap);
            exit(0);
        }
    return 0;
}

/* The others go on; what the first one had in its loop is lost. */
static void a_check_that_leaves_the_trial_breaks_no_other(void **state)
{
    const char *second;

    (void)state;
    assert_int_equal(run_program(left_by_checks, NULL, NULL), 0);
    says("seed=1\n");
    says("cancel_at=1\n");
    second = strstr(said.text, "it was left by a failed check");
    assert_non_null(second);
    assert_non_null(strstr(second + 1, "it was left by a failed check"));
    says("5 runs");
    (void)run_program(left_last, NULL, NULL);
    says("it was left by a failed check; run it alone with ");
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void *volatile leaked;
struct leak { co_frame; };
static co_define(leak) {
    co_begin;
    co_try(co_sleep(1));
    leaked = malloc(1000);
    leaked = NULL;
    co_end;
}

static int a_leak(void)
{
    CO_FOR_EACH_CANCEL(t) {
        t.leaks = 1;
        co_trial(&t, leak);
    }
    return co_trials_failed();
}

static void the_leak_sanitizer_is_asked_where_it_is_linked(void **state)
{
    (void)state;
    if (!__lsan_do_recoverable_leak_check) {
        assert_int_equal(run_program(a_leak, NULL, NULL), 0);
        return;
    }
    assert_int_equal(run_program(a_leak, NULL, NULL), 1);
    says("the memory above; run it alone with ");
    says("cancel_at=2\n");
}

static const struct CMUnitTest tests[] = {
    TEST_ALONE(a_cancel_at_each_point_finds_what_is_lost),
    TEST_ALONE(a_failure_of_each_call_finds_what_is_left),
    TEST_ALONE(a_seed_finds_what_is_taken_for_granted),
    TEST_ALONE(a_timeout_at_each_point_finds_what_is_left),
    TEST_ALONE(a_pair_of_cancels_finds_what_one_does_not),
    TEST_ALONE(an_fd_of_somebody_else_that_is_closed_is_found),
    TEST_ALONE(a_stop_of_the_program_is_told),
    TEST_ALONE(a_stop_by_a_sanitizer_is_told),
    TEST_ALONE(a_stop_in_the_body_is_told),
    TEST_ALONE(signal_handlers_are_as_before_after_a_trial),
    TEST_ALONE(a_right_program_passes_each_seed),
    TEST_ALONE(a_right_program_passes_each_cancel_timeout_and_failure),
    TEST_ALONE(a_right_program_passes_pairs_of_cancels_under_seeds),
    TEST_ALONE(the_loops_go_over_each_case_and_stop),
    TEST_ALONE(nested_loops_stop_together_and_the_case_repeats),
    TEST_ALONE(the_environment_sets_the_seeds_and_the_case),
    TEST_ALONE(a_trial_may_stand_alone_but_not_beside_a_loop),
    TEST_ALONE(a_check_that_leaves_the_trial_breaks_no_other),
    TEST_ALONE(the_leak_sanitizer_is_asked_where_it_is_linked),
};

static int choose_seeds(void **state)
{
    const char *given = getenv("DUFFEL_SEEDS");

    (void)state;
    seed_count = given ? strtoull(given, NULL, 10) : 0;
    seed_count = seed_count ? seed_count : (uint64_t)sized(1000, 20);
    unsetenv("DUFFEL_SEEDS");
    return 0;
}

TEST_MAIN_WITH(tests, choose_seeds, NULL)
