/* SPDX-License-Identifier: BSD-2-Clause
 * battery.c: programs over every op of the library, each run under many seeds, with a cancel, two
 * cancels, a deadline, and a failure at each point where one can come: whatever comes, they end
 * right and leave nothing behind.
 *
 *     battery                                  the tests; DUFFEL_SOAK=N: N times as many runs
 *     battery PROGRAM [seed=N cancel=N also=N timeout=N fail=N on=1 turn=N task=N expires=1]
 *                                              one run, with its trace
 *     battery soak FIRST COUNT                 faults at random, under COUNT seeds from FIRST on
 *     battery day SECONDS                      a busy program for so long, in virtual time, twice
 *     battery crowd N                          N sleeping tasks, cancelled: their memory is back */
#define _GNU_SOURCE
#include "battery_net.h"
#include "battery_sync.h"
#include "battery_tasks.h"
#include "battery_world.h"

static struct co_task *all_start(void);

static const struct program programs[] = {
    { "family", family_start, NULL, 0 },
    { "gathering", gathering_start, NULL, 0 },
    { "rescue", rescue_start, NULL, 0 },
    { "nursery", nursery_start, NULL, 0 },
    { "odds", odds_start, NULL, 0 },
    { "gates", gates_start, NULL, 0 },
    { "bank", bank_start, NULL, 0 },
    { "parking", parking_start, NULL, 0 },
    { "buffer", buffer_start, NULL, 0 },
    { "tokens", tokens_start, NULL, 0 },
    { "rounds", rounds_start, NULL, 0 },
    { "pipeline", pipeline_start, NULL, 0 },
    { "heap", heap_start, NULL, 0 },
    { "echo", echo_start, NULL, ACCEPTS },
    { "unix_echo", unix_echo_start, NULL, ACCEPTS },
    { "pipes", pipes_start, NULL, 0 },
    { "files", files_start, NULL, 0 },
    { "datagrams", datagrams_start, NULL, 0 },
    { "lines", lines_start, NULL, 0 },
    { "signals", signals__start, signals_over, 0 },
    { "threads", threads_start, NULL, REAL },
    { "posts", posts_start, NULL, REAL },
    { "names", names_start, NULL, REAL },
    { "children", children_start, NULL, REAL },
    { "all", all_start, signals_over, ACCEPTS | BIG },
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

/* ---- all: the others at once, but for those that take real time ------------------------------ */

struct all { co_frame; struct co_task *tasks[PROGRAMS]; struct crew crew; int n; };
static co_define(all)
{
    co_begin;
    for (size_t i = 0; i < PROGRAMS; i++)
        if (!(programs[i].flags & (REAL | BIG)))
            self->tasks[self->n++] = programs[i].start();
    co_try(co_gather(self->tasks, (size_t)self->n));
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = self->n));
    co_end;
}

static struct co_task *all_start(void)
{
    return co_spawn(all);
}

/* ---- How many -------------------------------------------------------------------------------- */

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 10) : usual;
}

/* [usual] runs of [program], or fewer where all is slow, or more when asked for. */
static uint64_t count_of(const struct program *program, int usual, int small)
{
    uint64_t n = (uint64_t)sized(usual, small) * number_of("DUFFEL_SOAK", 1);

    return program->flags & (REAL | BIG) ? (n + 9) / 10 : n;
}

/* At each point; at some of them where all is slow. */
static uint64_t stride_of(const struct program *program)
{
    return (uint64_t)(program->flags & BIG ? sized(1, 199) : program->flags & REAL ? sized(1, 29)
                                                                                 : sized(1, 7));
}

/* Runs [test] on each program. Fails if a run failed. */
static void each_program(void (*test)(const struct program *))
{
    long runs_before = runs, failed_before = failed_runs;

    failures_ = 0;
    for (size_t i = 0; i < PROGRAMS; i++)
        test(&programs[i]);
    print_message("    %ld runs\n", runs - runs_before);
    assert_int_equal(failed_runs, failed_before);
    assert_true(runs > runs_before);
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static void run_seeds(const struct program *program)
{
    uint64_t first = number_of("DUFFEL_SEED", 1), n = count_of(program, 300, 2);

    run_program(program, &(struct co_trial_options){ .seed = 0 }, NULL);
    for (uint64_t seed = first; seed < first + n; seed++)
        run_program(program, &(struct co_trial_options){ .seed = seed }, NULL);
}

static void every_program_ends_right_under_each_seed(void **state)
{
    (void)state;
    each_program(run_seeds);
}

/* A trace that is not kept: its FNV-1a hash, and its length. */
struct hash { uint64_t value; size_t length; };

static ssize_t hash_write(void *cookie, const char *bytes, size_t n)
{
    struct hash *hash = cookie;

    for (size_t i = 0; i < n; i++)
        hash->value = (hash->value ^ (unsigned char)bytes[i]) * 0x100000001B3;
    hash->length += n;
    return (ssize_t)n;
}

static struct hash hash_of_run(const struct program *program, struct co_trial_options options)
{
    struct hash hash = { 0xCBF29CE484222325, 0 };

    options.trace = fopencookie(&hash, "w", (cookie_io_functions_t){ .write = hash_write });
    assert_non_null(options.trace);
    assert_non_null(begin(program, &options));
    (void)run_loop(co_loop_current());
    co_loop_free(co_loop_current());
    fclose(options.trace);
    return hash;
}

static void run_twice(const struct program *program)
{
    for (uint64_t seed = 0; seed < count_of(program, 20, 1) && !(program->flags & REAL); seed++) {
        struct co_trial_options options = { .seed = seed, .cancel_at = seed % 3 * 10 };
        struct hash one = hash_of_run(program, options), two = hash_of_run(program, options);

        check(one.length > 0);
        check(one.length == two.length && one.value == two.value);
        if (one.value != two.value) {
            failed_runs++;
            print_error("two runs, two traces\n");
            print_faults(stderr);
        }
    }
}

static void one_seed_gives_one_trace(void **state)
{
    (void)state;
    each_program(run_twice);
}

/* ---- A fault at each point ------------------------------------------------------------------- */

static void run_cancels(const struct program *program)
{
    uint64_t k = 1, stride = stride_of(program);

    while (run_program(program, &(struct co_trial_options){ .cancel_at = k }, NULL))
        k += stride;
}

static void a_cancel_at_each_point_leaves_nothing(void **state)
{
    (void)state;
    each_program(run_cancels);
}

static void run_pairs(const struct program *program)
{
    uint64_t near = program->flags & REAL ? (uint64_t)sized(2, 0) : count_of(program, 16, 1);
    uint64_t stride = stride_of(program) * (uint64_t)sized(1, 3);

    for (uint64_t also = 1; also <= near; also++) {
        struct co_trial_options options = { .cancel_at = 1, .cancel_also = also };

        while (run_program(program, &options, NULL))
            options.cancel_at += stride;
    }
}

static void two_cancels_at_near_points_leave_nothing(void **state)
{
    (void)state;
    each_program(run_pairs);
}

static void run_timeouts(const struct program *program)
{
    uint64_t k = 1, stride = stride_of(program);

    while (run_program(program, &(struct co_trial_options){ .timeout_at = k }, NULL))
        k += stride;
}

static void a_deadline_at_each_point_leaves_nothing(void **state)
{
    (void)state;
    each_program(run_timeouts);
}

/* The one before the other, behind it, and at the same point. */
static void run_both(const struct program *program)
{
    uint64_t stride = stride_of(program) * (uint64_t)sized(1, 3);

    for (int later = -1; later <= 1; later++) {
        struct co_trial_options options = { .timeout_at = 2, .cancel_at = (uint64_t)(2 + later) };

        while (run_program(program, &options, NULL)) {
            options.timeout_at += stride;
            options.cancel_at += stride;
        }
    }
}

static void a_deadline_and_a_cancel_in_one_turn_leave_nothing(void **state)
{
    (void)state;
    each_program(run_both);
}

/* Runs [program] under such a fault. Whether there was such a task in such a turn. */
static bool run_stab(const struct program *program, uint64_t seed, struct stab what)
{
    stab = what;
    run_program(program, &(struct co_trial_options){ .seed = seed }, NULL);
    what = stab;
    stab = (struct stab){ .turn = 0 };
    return what.is_met;
}

static uint64_t turns_of(const struct program *program, uint64_t seed)
{
    uint64_t turns;

    stab = (struct stab){ .turn = UINT64_MAX };
    run_program(program, &(struct co_trial_options){ .seed = seed }, NULL);
    turns = stab.turns;
    stab = (struct stab){ .turn = 0 };
    return turns;
}

static void run_turns(const struct program *program)
{
    uint64_t stride = stride_of(program) * (program->flags & BIG ? 20 : 1);
    uint64_t n = turns_of(program, 0);

    for (int expires = 0; expires <= 1; expires++)
        for (uint64_t turn = 1; turn <= n; turn += stride)
            for (uint64_t task = 1;
                 run_stab(program, 0, (struct stab){ .turn = turn, .task = task,
                                                     .expires = expires });
                 task += stride) { }
}

static void a_cancel_and_a_deadline_of_each_task_in_each_turn_leave_nothing(void **state)
{
    (void)state;
    each_program(run_turns);
}

static void run_failures(const struct program *program)
{
    uint64_t stride = stride_of(program);

    for (int on = 0; on <= 1; on++) {
        struct co_trial_options options = { .fail_at = 1, .fail_on = on };

        while (run_program(program, &options, NULL))
            options.fail_at += stride;
    }
}

static void each_call_that_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    each_program(run_failures);
}

/* ---- Faults at random ------------------------------------------------------------------------ */

static uint64_t dice;

/* xorshift64*: from 1 to [n]. */
static uint64_t roll(uint64_t n)
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (dice * 0x2545F4914F6CDD1D >> 32) % (n ? n : 1) + 1;
}

/* Each seed alone, then with a fault of each kind at random. */
static void run_random(const struct program *program, uint64_t seed)
{
    struct co_trial_options options = { .seed = seed };
    struct co_loop_counts counts;
    uint64_t turns;

    dice = seed * 0x9E3779B97F4A7C15 | 1;
    run_program(program, &options, &counts);
    for (int kind = 0; kind < 4; kind++) {
        options = (struct co_trial_options){ .seed = seed };
        if (kind == 3) {
            options.fail_at = roll(counts.calls);
            options.fail_on = roll(2) == 2;
        }
        if (kind != 1)
            options.cancel_at = kind == 3 ? roll(2 * counts.points) : roll(counts.points);
        if (kind == 1 || kind == 2)
            options.timeout_at = roll(counts.points);
        if (kind == 0 && roll(2) == 2)
            options.cancel_also = roll(20);
        run_program(program, &options, NULL);
    }
    turns = turns_of(program, seed);
    for (int expires = 0; expires <= 1; expires++)
        (void)run_stab(program, seed, (struct stab){ .turn = roll(turns), .task = roll(6),
                                                     .expires = expires });
}

static void run_randoms(const struct program *program)
{
    uint64_t first = number_of("DUFFEL_SEED", 1), n = count_of(program, 150, 1);

    for (uint64_t seed = first; seed < first + n; seed++)
        run_random(program, seed);
}

static void faults_at_random_under_seeds_leave_nothing(void **state)
{
    (void)state;
    each_program(run_randoms);
}

/* ---- A day ----------------------------------------------------------------------------------- */

static struct day_state { struct co_queue queue; int room[4]; double end; long ticks, late; } day_;

struct ticker { co_frame; int period; intptr_t n; };
static co_define(ticker)
{
    co_begin;
    enters;
    while (co_time() < day_.end) {
        co_try(co_sleep(self->period));
        co_try(co_queue_put(&day_.queue, &self->period));
        day_.ticks++;
    }
    co_finally;
    leaves;
    co_end;
}

struct day {
    co_frame;
    int fds[2], item, i;
    struct co_task *tasks[4];
    struct crew crew;
    struct co_within slot;
    intptr_t n;
};
static co_define(day)
{
    co_begin;
    enters;
    co_queue_init(&day_.queue, day_.room, 4, sizeof *day_.room);
    co_try(co_done(co_fd_pair(self->fds)));
    self->tasks[0] = co_spawn(session, .fd = self->fds[1]);
    for (self->i = 1; self->i < 4; self->i++)
        self->tasks[self->i] = co_spawn(ticker, .period = 2 * self->i);
    while (co_time() < day_.end) {
        co_await(self->n, co_within(&self->slot, 1.5, co_queue_get(&day_.queue, &self->item)));
        if (self->n == -ETIMEDOUT) {
            day_.late++;
            continue;
        }
        if (self->n < 0)
            co_return(self->n);
        co_try(co_send_all(self->fds[0], &self->item, sizeof self->item));
        co_try(co_recv_exact(self->fds[0], &self->i, sizeof self->i));
        check_equal(self->i, self->item);
    }
    co_finally;
    co_queue_shutdown(&day_.queue);
    co_fd_close(self->fds[0]);
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 4));
    leaves;
    co_end;
}

static struct co_task *day_start(void)
{
    return co_spawn(day);
}

/* [seconds] of a busy program, twice under one seed: both have one trace. */
static void run_day(double seconds)
{
    static const struct program program = { "day", day_start, NULL, 0 };
    struct hash traces[2];

    for (int i = 0; i < 2; i++) {
        day_ = (struct day_state){ .end = seconds };
        traces[i] = hash_of_run(&program, (struct co_trial_options){ .seed = 7, .wakes = -1 });
    }
    check(traces[0].length == traces[1].length && traces[0].value == traces[1].value);
    check(day_.ticks > (long)(seconds / 2) && day_.late > (long)(seconds / 20));
    print_message("day: %.0f s, %ld ticks, %ld deadlines, trace %zu bytes, %016jx\n", seconds,
                  day_.ticks, day_.late, traces[0].length, (uintmax_t)traces[0].value);
}

static void hours_of_virtual_time_give_the_same_trace_twice(void **state)
{
    (void)state;
    failures_ = 0;
    run_day(sized(6 * 3600, 120));
    assert_int_equal(failures_, 0);
}

/* ---- A crowd --------------------------------------------------------------------------------- */

static long cancelled;

struct sleeper { co_frame; intptr_t n; };
static co_define(sleeper)
{
    co_begin;
    co_await(self->n, co_sleep(1000));
    cancelled += self->n == -ECANCELED;
    co_end;
}

/* Kilobytes of memory that this process has; 0 where nobody tells. */
static long resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file)
        return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* [n] tasks that sleep, all cancelled: their memory is given back to within 1 %. */
static void run_crowd(long n)
{
    struct co_trial_options options = { .virtual_time = 1 };
    long before, with, after;
    size_t bytes, most;

    malloc_trim(0);
    before = resident();
    bytes = bytes_held();
    cancelled = 0;
    assert_non_null(co_loop_new_trial(NULL, &options));
    for (long i = 0; i < n; i++)
        check_equal(co_go(sleeper), 0);
    co_scheduler_turn(co_scheduler_get());
    with = resident();
    most = bytes_held() - bytes;
    co_scheduler_cancel_all(co_scheduler_get());
    check_equal(co_loop_run(co_loop_current()), 0);
    check_equal(cancelled, n);
    co_loop_free(co_loop_current());
    check(bytes_held() <= bytes + most / 100);
    malloc_trim(0);
    after = resident();
    if (!__sanitizer_get_current_allocated_bytes && n >= 100000)
        check(after - before <= (with - before) / 100);
    print_message("crowd: %ld tasks, %ld kB before, %ld kB with them, %ld kB after\n", n, before,
                  with, after);
}

static void a_crowd_that_is_cancelled_gives_its_memory_back(void **state)
{
    (void)state;
    failures_ = 0;
    run_crowd(sized(100000, 5000));
    assert_int_equal(failures_, 0);
}

/* ---- main ------------------------------------------------------------------------------------ */

static const struct program *program_named(const char *name)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        if (strcmp(name, programs[i].name) == 0)
            return &programs[i];
    return NULL;
}

static int usage(const char *what)
{
    fprintf(stderr, "battery: %s: no such program or word; there are soak FIRST COUNT, "
            "day SECONDS, crowd N, and\n", what);
    for (size_t i = 0; i < PROGRAMS; i++)
        fprintf(stderr, " %s", programs[i].name);
    fputs("\n    with seed= cancel= also= timeout= fail= on= turn= task= expires=\n", stderr);
    return 2;
}

/* One run, as [words] say, with its trace. */
static int run_one(const struct program *program, char **words)
{
    struct co_trial_options o = { .trace = stdout };
    struct co_loop_counts counts = { .points = 0 };

    for (; *words; words++) {
        const char *value = strchr(*words, '=');
        size_t n = value ? (size_t)(value - *words) : 0;
        uint64_t number = value ? strtoull(value + 1, NULL, 10) : 0;

        if (n == 4 && strncmp(*words, "seed", n) == 0)
            o.seed = number;
        else if (n == 6 && strncmp(*words, "cancel", n) == 0)
            o.cancel_at = number;
        else if (n == 4 && strncmp(*words, "also", n) == 0)
            o.cancel_also = number;
        else if (n == 7 && strncmp(*words, "timeout", n) == 0)
            o.timeout_at = number;
        else if (n == 4 && strncmp(*words, "fail", n) == 0)
            o.fail_at = number;
        else if (n == 2 && strncmp(*words, "on", n) == 0)
            o.fail_on = number != 0;
        else if (n == 4 && strncmp(*words, "turn", n) == 0)
            stab.turn = number;
        else if (n == 4 && strncmp(*words, "task", n) == 0)
            stab.task = number;
        else if (n == 7 && strncmp(*words, "expires", n) == 0)
            stab.expires = number != 0;
        else
            return usage(*words);
    }
    printf("%s\n", program->name);      /* now: its buffer is no leak of the run */
    run_program(program, &o, &counts);
    printf("%ju points, %ju calls\n", (uintmax_t)counts.points, (uintmax_t)counts.calls);
    return failed_runs > 0;
}

static int run_soak(uint64_t first, uint64_t n)
{
    for (uint64_t seed = first; seed < first + n; seed++)
        for (size_t i = 0; i < PROGRAMS; i++)
            if (!(programs[i].flags & (REAL | BIG)) || seed % 10 == 0)
                run_random(&programs[i], seed);
    return failed_runs > 0;
}

static int run_words(int argc, char **argv)
{
    const struct program *program = program_named(argv[1]);
    int status;

    if (program)
        return run_one(program, argv + 2);
    if (argc == 4 && strcmp(argv[1], "soak") == 0)
        status = run_soak(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    else if (argc == 3 && strcmp(argv[1], "day") == 0)
        run_day(atof(argv[2])), status = failures_ > 0;
    else if (argc == 3 && strcmp(argv[1], "crowd") == 0)
        run_crowd(atol(argv[2])), status = failures_ > 0;
    else
        return usage(argv[1]);
    return status;
}

/* What programs find when they start: a directory, a file, the library's own first allocations. */
static void prepare(char *directory)
{
    char bytes[FILED];

    if (!mkdtemp(directory))
        abort();
    snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
    file_fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    bytes_make(bytes, 0, sizeof bytes);
    if (file_fd < 0 || write(file_fd, bytes, sizeof bytes) != sizeof bytes)
        abort();
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (!begin(&programs[i], &(struct co_trial_options){ .seed = 0 }))
            abort();
        (void)run_loop(co_loop_current());
        co_loop_free(co_loop_current());
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_program_ends_right_under_each_seed),
        cmocka_unit_test(one_seed_gives_one_trace),
        cmocka_unit_test(a_cancel_at_each_point_leaves_nothing),
        cmocka_unit_test(two_cancels_at_near_points_leave_nothing),
        cmocka_unit_test(a_deadline_at_each_point_leaves_nothing),
        cmocka_unit_test(a_deadline_and_a_cancel_in_one_turn_leave_nothing),
        cmocka_unit_test(a_cancel_and_a_deadline_of_each_task_in_each_turn_leave_nothing),
        cmocka_unit_test(each_call_that_fails_is_told_and_leaves_nothing),
        cmocka_unit_test(faults_at_random_under_seeds_leave_nothing),
        cmocka_unit_test(hours_of_virtual_time_give_the_same_trace_twice),
        cmocka_unit_test(a_crowd_that_is_cancelled_gives_its_memory_back),
    };
    char directory[] = "/tmp/duffel-battery-XXXXXX";
    time_t start = time(NULL);
    int status;

    watch_for_death();
    prepare(directory);
    runs = 0;
    status = argc > 1 ? run_words(argc, argv) : run_table(tests, NULL, NULL);
    close(file_fd);
    rmdir(directory);
    printf("battery: programs %zu, runs %ld, failed %ld, first seed %ju, seconds %ld\n",
           (size_t)PROGRAMS, runs, failed_runs, (uintmax_t)number_of("DUFFEL_SEED", 1),
           (long)(time(NULL) - start));
    return status;
}
