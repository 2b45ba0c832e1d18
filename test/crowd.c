/* SPDX-License-Identifier: BSD-2-Clause
 * crowd.c: tests of events and barriers with ten thousand tasks in random order: nobody is lost.
 * DUFFEL_SEED sets the seed, which is printed. */
#include "task_test.h"
#include "../sync.h"

enum { CROWD = 10000, SHORT = 1000, PARTIES = 4 };

static uint64_t dice = 1;

static uint32_t roll(uint32_t n)
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (uint32_t)((dice * 0x2545F4914F6CDD1DULL >> 32) % n);
}

static void seed(void)
{
    const char *text = getenv("DUFFEL_SEED");

    dice = text ? strtoull(text, NULL, 10) | 1 : 20261120;
    print_message("seed %llu\n", (unsigned long long)dice);
}

static struct co_event gate;
static struct co_barrier barrier;
static int woken, cancelled, broken, passed[PARTIES];

static void count(intptr_t result)
{
    if (result == -ECANCELED)
        cancelled++;
    else if (result == -EPIPE)
        broken++;
    else
        woken++;
}

/* Comes at a random time, waits for the event or at the barrier, and counts how that ended. */
struct person { co_frame; double comes; int at_barrier; intptr_t result; };
static co_define(person) {
    co_begin;
    co_await(self->result, co_sleep(self->comes));
    if (self->result < 0) {
        count(self->result);
        co_return(self->result);
    }
    if (self->at_barrier)
        co_await(self->result, co_barrier_wait(&barrier));
    else
        co_await(self->result, co_event_wait(&gate));
    if (self->at_barrier && self->result >= 0)
        passed[self->result]++;
    count(self->result);
    co_end;
}

/* Opens and closes the gate, cancels some, until the time is over; then lets all go. */
struct guard { co_frame; struct co_task **tasks; int n, i; };
static co_define(guard) {
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        if (self->i % 10 == 0)
            co_try(co_sleep(roll(20) / 1e3));
        if (roll(10) == 0)
            co_cancel(self->tasks[roll((uint32_t)self->n)]);
        if (roll(10) == 0)
            co_cancel(barrier.waiters);         /* the first of those that wait there */
        if (roll(10) == 0)
            co_cancel(gate.waiters);
        if (roll(50) == 0)
            co_event_set(&gate);
        if (roll(50) == 0)
            co_event_clear(&gate);
    }
    co_try(co_sleep(20));
    co_event_set(&gate);
    co_barrier_abort(&barrier);
    co_end;
}

/* Runs [n] tasks, at the barrier or at the gate; all must be accounted for. */
static void run_crowd(int n, int at_barrier)
{
    struct sim sim;
    struct co_task **tasks = calloc((size_t)n, sizeof *tasks);

    assert_non_null(tasks);
    sim_begin(&sim);
    co_event_clear(&gate);
    co_barrier_init(&barrier, PARTIES);
    woken = cancelled = broken = 0;
    memset(passed, 0, sizeof passed);
    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(person, .comes = roll(10000) / 1e3, .at_barrier = at_barrier);
    assert_int_equal(co_go(guard, .tasks = tasks, .n = n), 0);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(woken + cancelled + broken, n);
    assert_true(woken > n / 2 && cancelled > 0);
    assert_null(gate.waiters);
    assert_null(barrier.waiters);
    for (int i = 0; i < n; i++)
        co_task_free(tasks[i]);
    free(tasks);
    sim_end(&sim);
}

static int size_of_crowd(void)
{
    return sized(CROWD, SHORT);
}

static void ten_thousand_at_a_gate_are_each_let_through_or_cancelled_once(void **state)
{
    (void)state;
    seed();
    run_crowd(size_of_crowd(), 0);
    assert_int_equal(broken, 0);
}

static void ten_thousand_at_a_barrier_pass_in_full_parties(void **state)
{
    (void)state;
    seed();
    run_crowd(size_of_crowd(), 1);
    assert_true(broken < PARTIES);
    for (int i = 1; i < PARTIES; i++)
        assert_int_equal(passed[i], passed[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ten_thousand_at_a_gate_are_each_let_through_or_cancelled_once),
    cmocka_unit_test(ten_thousand_at_a_barrier_pass_in_full_parties),
};

TEST_MAIN(tests)
