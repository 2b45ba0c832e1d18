/* SPDX-License-Identifier: BSD-2-Clause
 * promise.c: random programs of tasks, groups, joins, gathers and deadlines against the promise of
 * cancels: one request is met exactly once, by one await of the task it was made for, or its task
 * (for a deadline, the op inside it) has ended first.
 *
 * What is checked stands in two places, and neither was written from the library: promise_model.h
 * predicts by promise_rules.h what each await gives and when; promise_ledger.h counts requests and
 * what met them. promise_program.h has the programs, promise_world.h runs them, promise_choices.h
 * asks what the rules leave open, promise_shrink.h makes a program that fails small.
 *
 * DUFFEL_SEED: the first seed; DUFFEL_PROGRAMS: how many; DUFFEL_VERBOSE=1: what each of them does;
 * DUFFEL_CENSUS=1: goes on after a failure, a crash, an endless loop, and counts them by kind. */
#include "promise_choices.h"
#include "promise_shrink.h"

#include <sys/mman.h>
#include <time.h>

enum { LIE_SEEDS = 20000, KINDS_OF_FAILURE = 200 };

static struct choices choices;
static uint64_t at_seed;                        /* the program that runs, for whoever kills it */

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static bool fails(const struct program *p, struct failure_class *class)
{
    bool ok = run_program(p, &choices, NO_LIE);

    *class = class_of_failure();
    return !ok;
}

/* ---- A failure is told ----------------------------------------------------------------------- */

static const char *fault_name(enum fault fault)
{
    static const char *const names[] = {
        "no fault", "an await gives something else", "a task runs that should not",
        "a task should have run", "the next turn is due at another time",
        "the promise is broken", "it never ends", "something is left"
    };

    return names[fault];
}

static void print_fault(void)
{
    printf("turn %ld: %s\n", w.fault_turn, fault_name(w.fault));
    if (ledger.broken)
        printf("  the ledger: T%d: %s\n", w.all[ledger.who].of, ledger.broken);
    if (w.got.who >= 0) {
        printf("  the library: ");
        print_record(&w.got);
        printf("\n");
    }
    if (w.expected.who >= 0) {
        printf("  the model:   ");
        print_record(&w.expected);
        printf("\n  by %s\n", w.expected.rule);
    }
}

static void tell_failure(uint64_t seed)
{
    static struct program p;
    struct failure_class class;

    make_program(&p, seed);
    printf("promise: program DUFFEL_SEED=%llu fails; made small:\n", (unsigned long long)seed);
    shrink(&p, fails);
    print_program(&p);
    w.verbose = true;
    (void)fails(&p, &class);
    w.verbose = false;
    print_fault();
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void what_the_rules_leave_open_has_one_answer_each(void **state)
{
    (void)state;
    for (int i = 0; i < QUESTIONS; i++) {
        bool known = ask_library(&choices, i);

        printf("promise: left open: %s: %s\n", questions[i].question,
               !known ? "neither" : *choice(&choices, i) ? questions[i].yes : questions[i].no);
        assert_true(known);
        assert_int_equal(*choice(&choices, i), questions[i].decided);
    }
}

static void random_programs_keep_the_promise(void **state)
{
    (void)state;
    static struct program p;
    uint64_t first = (uint64_t)number_of("DUFFEL_SEED", 1);
    long count = number_of("DUFFEL_PROGRAMS", sized(100000, 300)), given_up = 0;
    clock_t begin = clock();

    w.verbose = number_of("DUFFEL_VERBOSE", 0) != 0;
    for (long i = 0; i < count; i++) {
        if (i % 1000 == 0)
            alarm(100);                             /* one that never ends says so: tell_seed() */
        at_seed = first + (uint64_t)i;
        make_program(&p, at_seed);
        if (w.verbose)
            print_program(&p);
        if (!run_program(&p, &choices, NO_LIE)) {
            w.verbose = false;
            tell_failure(at_seed);
            printf("promise: programs %ld, failed 1\n", i + 1);
            fail();
        }
        given_up += m.given_up;
    }
    w.verbose = false;
    printf("promise: programs %ld, failed 0; requests %ld: met %ld, ended first %ld, merged %ld; "
           "left open %ld; DUFFEL_SEED=%llu  %.1f s\n", count, ledger.all_made, ledger.all_met,
           ledger.all_made - ledger.all_met, ledger.merged, given_up, (unsigned long long)first,
           (double)(clock() - begin) / CLOCKS_PER_SEC);
    assert_true(given_up <= count / 10);
}

static const char *const lies[LIES] = {
    "none", "R1: the innermost is met first", "R1: no deadline is overruled",
    "R1: a wait is lent one scope", "R1: -ECANCELED meets one of those that are lent",
    "R2: an edge gives no name", "R2: an edge names whatever it gets",
    "R2: the task's own request stays at an edge", "R3: nothing is merged with what was met unseen",
    "R3: a request to what is lent is not passed on", "R4: a walk is one step long",
    "R5: a deadline is not overruled by what was asked before it", "R6: a join is cancelled",
    "R6: a gather loses a request", "R6: a group swallows a request",
    "R6: failures do not count after a request", "R6: a request comes back twice",
    "R6: a request never comes back", "R6: tasks that had ended meet nobody"
};

/* The first seed on which the library keeps the rules and contradicts [lie]; 0: none. */
static uint64_t finds(enum lie lie)
{
    static struct program p;

    for (at_seed = 1; at_seed <= LIE_SEEDS; at_seed++) {
        make_program(&p, at_seed);
        if (!run_program(&p, &choices, lie) && run_program(&p, &choices, NO_LIE) && !m.given_up)
            return at_seed;
    }
    return 0;
}

static void a_model_with_one_rule_broken_disagrees(void **state)
{
    (void)state;
    uint64_t last = 0;
    int found = 0;

    for (enum lie lie = NO_LIE + 1; lie < LIES; lie++) {
        alarm(100);
        uint64_t seed = finds(lie);

        if (seed == 0)
            printf("promise: no program tells of the lie '%s'\n", lies[lie]);
        found += seed > 0;
        last = seed > last ? seed : last;
    }
    printf("promise: %d of %d lies are found out by %llu programs\n", found, LIES - 1,
           (unsigned long long)last);
    assert_int_equal(found, LIES - 1);
}

/* ---- Census ---------------------------------------------------------------------------------- */

static struct census {
    uint64_t seed, end;                         /* in progress, and where to stop */
    long failed, given_up, in_ledger;
    struct { char name[240]; long count; uint64_t first; } kinds[KINDS_OF_FAILURE];
} *census;

static void count_failure(const char *name)
{
    int i = 0;

    while (i < KINDS_OF_FAILURE - 1 && census->kinds[i].count > 0
           && strcmp(census->kinds[i].name, name) != 0)
        i++;
    if (census->kinds[i].count++ == 0) {
        snprintf(census->kinds[i].name, sizeof census->kinds[i].name, "%s", name);
        census->kinds[i].first = census->seed;
    }
    census->failed++;
}

static const char *result_name(intptr_t result)
{
    return result == 1 ? "nothing" : result == -ECANCELED ? "-ECANCELED"
           : result == -ETIMEDOUT ? "-ETIMEDOUT" : result < 0 ? "a failure" : "a result";
}

static void count_this_failure(void)
{
    struct failure_class class = class_of_failure();
    char name[240];

    snprintf(name, sizeof name, "%s: %s gives %s, not %s: %s", fault_name(class.fault),
             class.kind < 0 ? "a task" : kind_name(class.kind), result_name(class.got),
             w.expected.who < 0 ? "?" : result_name(class.expected), class.rule);
    count_failure(name);
}

/* A child's share: it may die of a program; then the next child goes on after it. */
static void census_child(void)
{
    static struct program p;

    for (; census->seed < census->end; census->seed++) {
        if (census->seed % 1000 == 0)
            alarm(20);
        make_program(&p, census->seed);
        if (!run_program(&p, &choices, NO_LIE))
            count_this_failure();
        census->given_up += m.given_up;
        census->in_ledger += ledger.broken && !m.given_up;
    }
    _exit(0);
}

static int take_census(uint64_t first, long count)
{
    struct rlimit no_core = { 0, 0 };
    char name[64];
    FILE *shared = tmpfile();
    int status;

    if (!shared || ftruncate(fileno(shared), sizeof *census) < 0)
        return 1;
    census = mmap(NULL, sizeof *census, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(shared), 0);
    if (census == MAP_FAILED)
        return 1;
    setrlimit(RLIMIT_CORE, &no_core);
    for (int i = 0; i < QUESTIONS; i++)
        printf("left open: %s: %s\n", questions[i].question, !ask_library(&choices, i) ? "neither"
               : *choice(&choices, i) ? questions[i].yes : questions[i].no);
    census->seed = first;
    census->end = first + (uint64_t)count;
    fflush(stdout);
    while (census->seed < census->end) {
        pid_t child = fork();

        if (child == 0)
            census_child();
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 1;
        if (status == 0)
            continue;
        snprintf(name, sizeof name, WIFSIGNALED(status) ? "killed by signal %d" : "exit status %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        count_failure(name);
        census->seed++;
    }
    for (int i = 0; i < KINDS_OF_FAILURE && census->kinds[i].count > 0; i++)
        printf("%7ld  %s; first DUFFEL_SEED=%llu\n", census->kinds[i].count, census->kinds[i].name,
               (unsigned long long)census->kinds[i].first);
    printf("census: programs %ld, failed %ld (%ld by the ledger alone), left open %ld\n",
           count, census->failed, census->in_ledger, census->given_up);
    return census->failed > 0;
}

/* Whoever kills this program learns which seed it was at. */
static void tell_seed(int number)
{
    char text[64];
    int n = snprintf(text, sizeof text, "promise: at DUFFEL_SEED=%llu\n",
                     (unsigned long long)at_seed);

    if (write(STDERR_FILENO, text, (size_t)n) < 0)
        n = 0;
    signal(number, SIG_DFL);
    raise(number);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_rules_leave_open_has_one_answer_each),
        cmocka_unit_test(random_programs_keep_the_promise),
        cmocka_unit_test(a_model_with_one_rule_broken_disagrees),
    };

    if (number_of("DUFFEL_CENSUS", 0))
        return take_census((uint64_t)number_of("DUFFEL_SEED", 1),
                           number_of("DUFFEL_PROGRAMS", 100000));
    signal(SIGABRT, tell_seed);
    signal(SIGALRM, tell_seed);
    return run_table(tests, NULL, NULL);
}
