/* SPDX-License-Identifier: BSD-2-Clause
 * time.c: tests of sleeps and timers: their order, their exactness on a clock that jumps, and that
 * none is early on the real one. */
#include "task_test.h"
#ifndef TEST_TARGET
#include "../loop.h"
#endif

#include <math.h>
#include <time.h>

/* ---- Many timers ----------------------------------------------------------------------------- */

static uint64_t dice;

static uint32_t throw(uint32_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((dice >> 32) * sides >> 32);
}

#ifdef TEST_TINY
enum { MANY = 50 };
#else
enum { MANY = 10000 };
#endif
struct mark { struct co_timer timer; int64_t when; int fired, stopped; };
static struct mark marks[MANY];
static struct sim *world;
static int64_t last;                        /* when the mark that fired last was due */
static int fired;

static void mark_fires(struct co_timer *timer)
{
    struct mark *mark = (struct mark *)(void *)timer;

    assert_int_equal(timer->place, 0);
    assert_true(mark->when >= last);        /* in order */
    assert_true(mark->when <= world->now);  /* and not early */
    assert_false(mark->stopped);
    last = mark->when;
    mark->fired++;
    fired++;
}

static void check_heap(const struct co_scheduler *s)
{
#ifdef CO_TINY
    enum { WAYS = 2 };
#else
    enum { WAYS = 8 };
#endif

    for (uint32_t i = 1; i < s->timer_count; i++)
        assert_true(s->timers[(i - 1) / WAYS].when <= s->timers[i].when);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Starts many, starts some of them anew, stops some. How many are left. */
static int start_marks(struct sim *sim, int many, uint32_t range)
{
    int left = 0;

    world = sim;
    memset(marks, 0, sizeof marks);
    last = INT64_MIN;
    fired = 0;
    for (int i = 0; i < many; i++) {
        marks[i].timer.fire = mark_fires;
        marks[i].when = 1 + throw(range);
        assert_int_equal(co_timer_start(&marks[i].timer, marks[i].when), 0);
        if (throw(3) == 0) {
            struct mark *mark = &marks[throw((uint32_t)i + 1)];
            mark->when = 1 + throw(range);
            mark->stopped = 0;
            assert_int_equal(co_timer_start(&mark->timer, mark->when), 0);
        }
        if (throw(4) == 0) {
            struct mark *mark = &marks[throw((uint32_t)i + 1)];
            co_timer_stop(&mark->timer);
            mark->stopped = 1;
        }
        if (i % 97 == 0)
            check_heap(&sim->scheduler);
    }
    for (int i = 0; i < many; i++)
        left += !marks[i].stopped;
    assert_int_equal(sim->scheduler.timer_count, left);
    check_heap(&sim->scheduler);
    return left;
}

static uint64_t seed;

static void random_timers_fire_in_the_order_of_a_sort(void **state)
{
    (void)state;
    struct sim sim;
    static int64_t due[MANY];
    static const uint32_t ranges[] = { 10, 1000, 1000000000 };
    int many = sized(MANY, 1000), n;

    dice = seed;
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {   /* many, some, no equal times */
        sim_begin(&sim);
        int left = start_marks(&sim, many, ranges[k]);
        n = 0;
        for (int i = 0; i < many; i++)
            if (!marks[i].stopped)
                due[n++] = marks[i].when;
        qsort(due, (size_t)n, sizeof *due, by_time);
        for (int i = 0; i < n; i = fired) {
            assert_int_equal(co_scheduler_next(&sim.scheduler), due[i]);
            sim.now = due[i];
            sim_turns(&sim, 1);
            assert_true(fired > i && due[fired - 1] == due[i]);
            assert_true(fired == n || due[fired] > due[i]);         /* all that were due, in one */
        }
        assert_int_equal(fired, left);
        for (int i = 0; i < many; i++)
            assert_int_equal(marks[i].fired, !marks[i].stopped);
        sim_end(&sim);
    }
}

static void a_late_turn_fires_all_that_is_due_in_order(void **state)
{
    (void)state;
    struct sim sim;
    int many = sized(MANY, 1000);

    dice = seed + 1;
    sim_begin(&sim);
    int left = start_marks(&sim, many, 1000000);
    while (sim.scheduler.timer_count > 0) {
        sim.now += 1 + throw(50000);
        sim_turns(&sim, 1);
        assert_true(co_scheduler_next(&sim.scheduler) > sim.now);
        check_heap(&sim.scheduler);
    }
    assert_int_equal(fired, left);
    sim_end(&sim);
}

static void a_heap_that_was_large_gives_its_memory_back(void **state)
{
    (void)state;
#ifdef TEST_TINY
    tap_skip("there is not the memory for it");
#else
    enum { LARGE = 20000 };
    static struct co_timer timers[LARGE];
    struct sim sim;
    uint32_t largest;

    sim_begin(&sim);
    for (int i = 0; i < LARGE; i++)
        assert_int_equal(co_timer_start(&timers[i], (int64_t)(i * 7919 % LARGE)), 0);
    largest = sim.scheduler.timer_room;
    assert_true(largest >= LARGE);
    sim.fail_at = sim.calls + 1;                /* what cannot be given back is kept */
    for (int i = 0; i < LARGE - 100; i++)
        co_timer_stop(&timers[i]);
    check_heap(&sim.scheduler);
    assert_int_equal(sim.scheduler.timer_count, 100);
    assert_in_range(sim.scheduler.timer_room, 100, largest / 8);
    for (int i = LARGE - 100; i < LARGE; i++)
        co_timer_stop(&timers[i]);
    assert_int_equal(sim.scheduler.timer_count, 0);
    sim_end(&sim);
#endif
}

static void random_sleepers_wake_in_time_and_some_are_cancelled(void **state)
{
    (void)state;
    struct sim sim;
    int many = sized(3000, 300), cancelled = 0;
    struct co_task **tasks = test_malloc((size_t)many * sizeof *tasks);

    dice = seed + 2;
    sim_begin(&sim);
    for (int i = 0; i < many; i++)
        tasks[i] = co_spawn(nap, .seconds = throw(1000) + 1, .value = 1);
    sim_turns(&sim, 1);
    for (int i = 0; i < many / 3; i++) {
        co_cancel(tasks[throw((uint32_t)many)]);
        check_heap(&sim.scheduler);
    }
    while (sim.scheduler.count > 0) {
        int64_t next = co_scheduler_next(&sim.scheduler);
        if (next > 0)
            sim.now = next;
        sim_turns(&sim, 1);
        for (int i = 0; i < many; i++) {
            bool late = sim.now >= (int64_t)CO_TASK_FRAME(tasks[i], nap)->seconds * S;
            if (co_task_result(tasks[i]) != -ECANCELED)
                assert_int_equal(co_task_state(tasks[i]),
                                 late ? CO_TASK_FINISHED : CO_TASK_PENDING);
        }
    }
    for (int i = 0; i < many; i++) {
        cancelled += co_task_state(tasks[i]) == CO_TASK_CANCELLED;
        co_task_free(tasks[i]);
    }
    assert_true(cancelled > many / 5 && cancelled <= many / 3);
    test_free(tasks);
    sim_end(&sim);
}

/* ---- co_timer -------------------------------------------------------------------------------- */

struct bell {
    struct co_timer timer;
    struct sim *sim;
    struct bell *other;                     /* to be stopped, or to be started [after] that */
    int64_t period, after;
    int rings, left;
    const char *name;
};

static void bell_rings(struct co_timer *timer)
{
    struct bell *bell = (struct bell *)(void *)timer;

    bell->rings++;
    if (bell->name)
        note(bell->name);
    if (bell->left-- > 0)
        assert_int_equal(co_timer_start(timer, bell->sim->now + bell->period), 0);
    if (bell->other && bell->after)
        assert_int_equal(co_timer_start(&bell->other->timer, bell->sim->now + bell->after), 0);
    else if (bell->other)
        co_timer_stop(&bell->other->timer);
}

static void a_timer_may_start_itself_anew_in_its_callback(void **state)
{
    (void)state;
    struct sim sim;
    struct bell bell = { .timer.fire = bell_rings, .sim = &sim, .period = 5, .left = 9 };

    sim_begin(&sim);
    assert_int_equal(co_timer_start(&bell.timer, 5), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(co_scheduler_next(&sim.scheduler), 5 * (i + 1));
        sim.now = 5 * (i + 1);
        sim_turns(&sim, 1);
        assert_int_equal(bell.rings, i + 1);
    }
    assert_int_equal(co_scheduler_next(&sim.scheduler), INT64_MAX);
    sim_end(&sim);
}

static void a_timer_that_starts_itself_in_the_past_starves_nobody(void **state)
{
    (void)state;
    struct sim sim;
    struct bell bell = { .timer.fire = bell_rings, .sim = &sim, .period = -1000, .left = 99 };
    struct co_task *tasks[3];

    sim_begin(&sim);
    sim.now = 1 * S;
    assert_int_equal(co_timer_start(&bell.timer, 0), 0);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(nap, .seconds = 1e-6);
    sim_turns(&sim, 1);
    assert_int_equal(bell.rings, 1);
    sim.now += 1000;
    sim_turns(&sim, 1);
    assert_int_equal(bell.rings, 2);        /* once a turn, and the others have their time too */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(co_task_state(tasks[i]), CO_TASK_FINISHED);
        co_task_free(tasks[i]);
    }
    co_timer_stop(&bell.timer);
    sim_end(&sim);
}

static void a_timer_that_is_stopped_in_the_turn_it_is_due_does_not_fire(void **state)
{
    (void)state;
    struct sim sim;
    struct bell second = { .timer.fire = bell_rings, .sim = &sim };
    struct bell first = { .timer.fire = bell_rings, .sim = &sim, .other = &second };

    sim_begin(&sim);
    assert_int_equal(co_timer_start(&second.timer, 6), 0);
    assert_int_equal(co_timer_start(&first.timer, 5), 0);
    sim.now = 10;
    sim_turns(&sim, 1);
    assert_int_equal(first.rings, 1);
    assert_int_equal(second.rings, 0);
    assert_int_equal(second.timer.place, 0);
    sim_end(&sim);
}

static void a_timer_that_is_started_by_another_fires_in_a_later_turn(void **state)
{
    (void)state;
    struct sim sim;
    struct bell second = { .timer.fire = bell_rings, .sim = &sim, .name = "second" };
    struct bell first = { .timer.fire = bell_rings, .sim = &sim, .other = &second, .after = -3,
                          .name = "first" };
    struct bell third = { .timer.fire = bell_rings, .sim = &sim, .name = "third" };

    sim_begin(&sim);
    assert_int_equal(co_timer_start(&first.timer, 5), 0);
    assert_int_equal(co_timer_start(&third.timer, 6), 0);
    sim.now = 10;
    sim_turns(&sim, 1);
    assert_notes("first third");
    assert_true(co_scheduler_next(&sim.scheduler) <= 11);
    sim.now = 11;
    sim_turns(&sim, 1);
    assert_notes("second");
    sim_end(&sim);
}

static void a_timer_may_be_stopped_at_any_time_and_started_anew(void **state)
{
    (void)state;
    struct sim sim;
    struct bell bell = { .timer.fire = bell_rings, .sim = &sim };

    sim_begin(&sim);
    co_timer_stop(&bell.timer);             /* one that never started */
    for (int i = 0; i < 5; i++)
        assert_int_equal(co_timer_start(&bell.timer, 10 * i), 0);
    assert_int_equal(sim.scheduler.timer_count, 1);
    co_timer_stop(&bell.timer);
    co_timer_stop(&bell.timer);
    assert_int_equal(sim.scheduler.timer_count, 0);
    assert_int_equal(co_timer_start(&bell.timer, INT64_MIN), 0);
    assert_true(co_scheduler_next(&sim.scheduler) <= 0);
    sim_turns(&sim, 1);
    assert_int_equal(bell.rings, 1);
    assert_int_equal(co_timer_start(&bell.timer, INT64_MAX), 0);
    sim.now = INT64_MAX - 1;
    sim_turns(&sim, 1);
    assert_int_equal(bell.rings, 1);
    co_timer_stop(&bell.timer);
    sim_end(&sim);
}

/* ---- Sleeps on a clock that jumps ------------------------------------------------------------ */

struct sleeper { co_frame; double seconds; bool until; intptr_t result; const char *name; };
static co_define(sleeper) {
    co_begin;
    if (self->name)
        note(self->name);
    if (self->until)
        co_await(self->result, co_sleep_until(self->seconds));
    else
        co_await(self->result, co_sleep(self->seconds));
    if (self->name)
        note(self->name);
    co_return(self->result);
    co_end;
}

static void a_sleep_of_nothing_lets_the_others_run_once(void **state)
{
    (void)state;
    struct sim sim;
    static const double nothing[] = { 0, -0.0, -1, -1e300, -INFINITY, NAN, 4e-10 };

    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        sim_begin(&sim);
        (void)co_go(sleeper, .seconds = nothing[i], .name = "a");
        (void)co_go(sleeper, .seconds = nothing[i], .name = "b");
        assert_int_equal(sim_run(&sim), 0);
        assert_notes("a b a b");
        assert_int_equal(sim.turns, 2);
        assert_int_equal(sim.waits, 0);
        assert_null(sim.scheduler.timers);
        sim_end(&sim);
    }
}

static void a_sleep_until_the_past_lets_the_others_run_once(void **state)
{
    (void)state;
    struct sim sim;
    static const double past[] = { 0, 5, 10, -1, -INFINITY, NAN };

    for (size_t i = 0; i < sizeof past / sizeof *past; i++) {
        sim_begin(&sim);
        sim.now = 10 * S;
        (void)co_go(sleeper, .seconds = past[i], .name = "a", .until = true);
        (void)co_go(sleeper, .seconds = past[i], .name = "b", .until = true);
        assert_int_equal(sim_run(&sim), 0);
        assert_notes("a b a b");
        assert_int_equal(sim.now, 10 * S);
        assert_null(sim.scheduler.timers);
        sim_end(&sim);
    }
}

static void a_sleep_takes_exactly_its_time(void **state)
{
    (void)state;
    struct sim sim;
    static const struct { double seconds; int64_t ns; } sleeps[] = {
        { 1e-9, 1 }, { 1e-3, 1000000 }, { 0.1, 100000000 }, { 0.3, 300000000 },
        { 1.001, 1001000000 }, { 1.025, 1025000000 }, { 4.35, 4350000000 },
        { 86400, 86400 * S }, { 8e9, 8000000000 * S },
    };

    needs_doubles();
    for (size_t i = 0; i < sizeof sleeps / sizeof *sleeps; i++)
        for (int until = 0; until < 2; until++) {
            sim_begin(&sim);
            (void)co_go(sleeper, .seconds = sleeps[i].seconds, .until = until);
            assert_int_equal(sim_run(&sim), 0);
            assert_int_equal(sim.now, sleeps[i].ns);
            sim_end(&sim);
        }
    for (int ms = 1; ms < 200000; ms++) {               /* 1.001 * 1e9 is 1000999999.9999999 */
        assert_int_equal(co_task_ns_(ms / 1000.), ms * MS);
        assert_int_equal(co_task_ns_(ms * .001), ms * MS);
    }
}

static void a_sleep_for_ever_ends_by_a_cancel(void **state)
{
    (void)state;
    struct sim sim;
    static const double forever[] = { INFINITY, 1e300, 1e10 };
    struct co_task *tasks[2];

    for (size_t i = 0; i < sizeof forever / sizeof *forever; i++) {
        sim_begin(&sim);
        sim.now = INT64_C(36600) * 86400 * S;             /* up for a century */
        for (int until = 0; until < 2; until++)
            tasks[until] = co_spawn(sleeper, .seconds = forever[i], .until = until);
        sim_turns(&sim, 1);
        assert_true(co_scheduler_next(&sim.scheduler) > sim.now + INT64_C(14600) * 86400 * S);
        co_cancel(tasks[0]);
        co_cancel(tasks[1]);
        assert_int_equal(sim_run(&sim), 0);
        for (int until = 0; until < 2; until++) {
            assert_int_equal(co_task_result(tasks[until]), -ECANCELED);
            co_task_free(tasks[until]);
        }
        sim_end(&sim);
    }
}

static void a_driver_that_wakes_early_or_late_makes_no_sleep_short(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;
    static const int64_t steps[] = { 1, 250 * MS, 1 * S - 1, 3 * S };

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t step = steps[i] == 1 ? 1 * S / sized(10000, 100) : steps[i];

        sim_begin(&sim);
        task = co_spawn(sleeper, .seconds = 1);
        while (co_task_state(task) == CO_TASK_PENDING) {
            sim_turns(&sim, 1);
            if (co_task_state(task) == CO_TASK_PENDING)
                sim.now += step;
        }
        assert_true(sim.now >= 1 * S && sim.now < 1 * S + step);
        co_task_free(task);
        sim_end(&sim);
    }
}

struct laps { co_frame; int i; double seconds; int64_t start; struct sim *sim; };
static co_define(laps) {
    co_begin;
    self->start = self->sim->now;
    for (self->i = 1; self->i <= 1000; self->i++) {
        co_try(co_sleep_until(self->i * self->seconds));
        assert_int_equal(self->sim->now, self->i * (int64_t)(self->seconds * 1000) * MS);
        self->sim->now += 1 * MS;                       /* work, which makes no lap longer */
    }
    co_end;
}

static void a_sleep_until_does_not_drift(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    (void)co_go(laps, .seconds = 0.25, .sim = &sim);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(sim.now, 250 * S + 1 * MS);
    sim_end(&sim);
}

/* ---- Sleeps on the real clock ---------------------------------------------------------------- */

#ifndef TEST_TARGET
static double clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct real { co_frame; double seconds, busy, began, took; bool until; };
static co_define(real) {
    co_begin;
    for (self->began = clock_now(); clock_now() < self->began + self->busy; ) { }
    self->began = clock_now();
    if (self->until)
        co_try(co_sleep_until(co_time() + self->seconds));
    else
        co_try(co_sleep(self->seconds));
    self->took = clock_now() - self->began;
    co_end;
}
#endif

static void no_sleep_is_short_even_after_a_long_step(void **state)
{
    (void)state;
#ifdef TEST_TARGET
    tap_skip("there is no libev");
#else
    struct co_task *tasks[6];
    struct co_loop *loop = co_loop_new(NULL);

    for (int i = 0; i < 6; i++)                         /* each one's step delays those behind it */
        tasks[i] = co_spawn(real, .seconds = 0.1 - 0.01 * i, .busy = i % 2 ? 0.02 : 0.05,
                            .until = i > 3);
    assert_int_equal(co_loop_run(loop), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(co_task_result(tasks[i]), 0);
        assert_true(CO_TASK_FRAME(tasks[i], real)->took >=
                    CO_TASK_FRAME(tasks[i], real)->seconds - 1e-8);
        co_task_free(tasks[i]);
    }
    co_loop_free(loop);
#endif
}

#ifndef TEST_TARGET
struct clocks { co_frame; int i; double last; };
static co_define(clocks) {
    co_begin;
    for (self->i = 0; self->i < 200; self->i++) {
        assert_true(co_time() >= self->last);
        self->last = co_time();
        co_try(co_sleep(self->i % 10 ? 0 : 0.001));
    }
    co_end;
}
#endif

static void the_time_of_the_loop_never_goes_back(void **state)
{
    (void)state;
#ifdef TEST_TARGET
    tap_skip("there is no libev");
#else
    double before = co_time();
    struct co_loop *loop = co_loop_new(NULL);

    (void)co_go(clocks);
    assert_int_equal(co_loop_run(loop), 0);
    assert_true(co_time() >= before + 0.019);
    co_loop_free(loop);
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_timers_fire_in_the_order_of_a_sort),
    cmocka_unit_test(a_late_turn_fires_all_that_is_due_in_order),
    cmocka_unit_test(a_heap_that_was_large_gives_its_memory_back),
    cmocka_unit_test(random_sleepers_wake_in_time_and_some_are_cancelled),
    cmocka_unit_test(a_timer_may_start_itself_anew_in_its_callback),
    cmocka_unit_test(a_timer_that_starts_itself_in_the_past_starves_nobody),
    cmocka_unit_test(a_timer_that_is_stopped_in_the_turn_it_is_due_does_not_fire),
    cmocka_unit_test(a_timer_that_is_started_by_another_fires_in_a_later_turn),
    cmocka_unit_test(a_timer_may_be_stopped_at_any_time_and_started_anew),
    cmocka_unit_test(a_sleep_of_nothing_lets_the_others_run_once),
    cmocka_unit_test(a_sleep_until_the_past_lets_the_others_run_once),
    cmocka_unit_test(a_sleep_takes_exactly_its_time),
    cmocka_unit_test(a_sleep_for_ever_ends_by_a_cancel),
    cmocka_unit_test(a_driver_that_wakes_early_or_late_makes_no_sleep_short),
    cmocka_unit_test(a_sleep_until_does_not_drift),
    cmocka_unit_test(no_sleep_is_short_even_after_a_long_step),
    cmocka_unit_test(the_time_of_the_loop_never_goes_back),
};

static int choose_seed(void **state)
{
#ifdef TEST_BARE
    seed = 20240229;
#else
    const char *given = getenv("DUFFEL_SEED");

    seed = given ? strtoull(given, NULL, 10) : 20240229;
#endif
    (void)state;
    print_message("seed: DUFFEL_SEED=%llu\n", (unsigned long long)seed);
    return 0;
}

TEST_MAIN_WITH(tests, choose_seed, NULL)
