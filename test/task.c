/* SPDX-License-Identifier: BSD-2-Clause
 * task.c: tests of tasks and their scheduler: start, order, fairness, waits by hand, memory, size.
 * Waiting for each other is in join.c, misuse in stops.c, cancel in cancel.c, time in time.c. */
#include "task_test.h"
#ifndef TEST_TARGET
#include "../loop.h"
#endif

/* ---- Start and end --------------------------------------------------------------------------- */

#ifdef CO_DEBUG
enum { DEBUG_BYTES = 32 };
#else
enum { DEBUG_BYTES = 0 };
#endif
static void a_task_takes_96_bytes_where_pointers_take_8(void **state)
{
    (void)state;
    if (sizeof(void *) == 8)
        assert_int_equal(sizeof(struct co_task), 96 + DEBUG_BYTES);
}

static void a_spawned_task_starts_on_the_next_turn(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *task = co_spawn(give, .name = "ran", .value = 7);
    assert_int_equal(sim.blocks, 1);
    assert_int_equal(sim.scheduler.count, 1);
    assert_notes("");
    sim_turns(&sim, 1);
    assert_notes("ran");
    assert_int_equal(co_task_result(task), 7);
    assert_int_equal(sim.scheduler.count, 0);
    assert_int_equal(sim.blocks, 1);                    /* its result stays until co_task_free */
    co_task_free(task);
    sim_end(&sim);
}

static void a_task_that_goes_frees_itself(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    assert_int_equal(co_go(give, .name = "went", .pauses = 2), 0);
    sim_turns(&sim, 2);
    assert_int_equal(sim.blocks, 1);
    sim_turns(&sim, 1);
    assert_int_equal(sim.blocks, 0);
    assert_notes("went");
    sim_end(&sim);
}

static void a_task_in_storage_of_ones_own_allocates_nothing(void **state)
{
    (void)state;
    struct sim sim;
    struct give frame;
    struct co_task task;

    sim_begin(&sim);
    co_task_init(&task, &frame, give, .value = 8, .pauses = 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), 8);
    co_task_free(&task);                                /* harmless, as co_task_detach is */
    co_task_detach(&task);
    co_task_init(&task, &frame, give, .value = 9);      /* and it may be used again */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), 9);
    assert_int_equal(sim.calls, 0);
    sim_end(&sim);
}

static void a_detached_task_frees_itself_before_or_after_its_end(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *early = co_spawn(give, .name = "early");
    struct co_task *late = co_spawn(give, .name = "late");
    co_task_detach(early);
    sim_run(&sim);
    assert_notes("early late");
    assert_int_equal(sim.blocks, 1);
    co_task_detach(late);
    assert_int_equal(sim.blocks, 0);
    sim_end(&sim);
}

static void a_task_has_a_state_a_result_and_a_name(void **state)
{
    (void)state;
    struct sim sim;

    needs_places();
    sim_begin(&sim);
    struct co_task *good = co_spawn(give, .pauses = 1, .value = -EINPROGRESS);
    struct co_task *cancelled = co_spawn(nap, .seconds = 1);
    assert_int_equal(co_task_state(good), CO_TASK_PENDING);
    assert_string_equal(co_task_state_name(good), "pending");
    assert_int_equal(co_task_result(good), -EINPROGRESS);
    assert_string_equal(co_task_name(good), "give");
    sim_turns(&sim, 1);
    assert_string_equal(co_task_name(good), "give");
    assert_int_equal(co_cancel(cancelled), 1);
    assert_int_equal(co_task_state(cancelled), CO_TASK_PENDING);
    sim_run(&sim);
    assert_int_equal(co_task_state(good), CO_TASK_FINISHED); /* though its result says pending */
    assert_string_equal(co_task_state_name(good), "finished");
    assert_int_equal(co_task_state(cancelled), CO_TASK_CANCELLED);
    assert_string_equal(co_task_state_name(cancelled), "cancelled");
    assert_int_equal(co_task_result(cancelled), -ECANCELED);
    assert_string_equal(co_task_name(cancelled), "nap");
    co_task_free(good);
    co_task_free(cancelled);
    sim_end(&sim);
}

struct introspect { co_frame; struct co_task *task; char name[16]; struct give child; };
static co_define(introspect) {
    co_begin;
    self->task = co_current();
    co_await(co_call(&self->child, give, .pauses = 1));
    snprintf(self->name, sizeof self->name, "%s", co_task_name(co_current()));
    co_end;
}

static void the_current_task_is_known_inside_and_is_null_outside(void **state)
{
    (void)state;
    struct sim sim;

    needs_places();
    assert_null(co_current());
    sim_begin(&sim);
    struct co_task *task = co_spawn(introspect);
    assert_null(co_current());
    assert_int_equal(sim_run(&sim), 0);
    assert_null(co_current());
    assert_ptr_equal(CO_TASK_FRAME(task, introspect)->task, task);
    assert_string_equal(CO_TASK_FRAME(task, introspect)->name, "introspect");
    co_task_free(task);
    sim_end(&sim);
}

static void null_counts_as_a_task_that_ended_without_memory(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    sim.fail_at = 1;
    struct co_task *task = co_spawn(give, .name = "never");
    assert_null(task);
    assert_int_equal(co_task_result(task), -ENOMEM);
    assert_int_equal(co_task_state(task), CO_TASK_FINISHED);
    assert_string_equal(co_task_state_name(task), "finished");
    assert_string_equal(co_task_name(task), "");
    assert_null(CO_TASK_FRAME(task, give));
    assert_int_equal(co_cancel(task), 0);
    co_task_free(task);
    co_task_detach(task);
    sim.fail_at = sim.calls + 1;
    assert_int_equal(co_go(give, .name = "never"), -ENOMEM);
    sim_run(&sim);
    assert_notes("");
    sim_end(&sim);
}

static void the_frame_of_a_task_can_be_read_as_long_as_the_task_is(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *task = co_spawn(introspect);
    assert_null(CO_TASK_FRAME(task, introspect)->task);
    sim_turns(&sim, 1);                                 /* now a child of it is innermost */
    assert_ptr_equal(CO_TASK_FRAME(task, introspect)->task, task);
    sim_run(&sim);
    assert_ptr_equal(CO_TASK_FRAME(task, introspect)->task, task);
    co_task_free(task);
    sim_end(&sim);
}

/* ---- Order and fairness ---------------------------------------------------------------------- */

static void tasks_run_first_in_first_out(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    (void)co_go(give, .name = "a", .pauses = 1);
    (void)co_go(give, .name = "b");
    (void)co_go(give, .name = "c", .pauses = 1);
    (void)co_go(give, .name = "d");
    sim_turns(&sim, 1);
    assert_notes("b d");
    sim_turns(&sim, 1);
    assert_notes("a c");
    sim_end(&sim);
}

struct parent { co_frame; int generations; };
static co_define(parent) {
    co_begin;
    note("born");
    if (self->generations > 0)
        (void)co_go(parent, .generations = self->generations - 1);
    co_end;
}

static void a_turn_runs_the_tasks_that_were_ready_when_it_began(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    (void)co_go(parent, .generations = 2);
    sim_turns(&sim, 1);
    assert_notes("born");
    sim_turns(&sim, 1);
    assert_notes("born");
    sim_turns(&sim, 1);
    assert_notes("born");
    sim_end(&sim);
}

struct pauser { co_frame; int n; const char *name; };
static co_define(pauser) {
    co_begin;
    while (self->n-- > 0) {
        note(self->name);
        co_pause;
    }
    co_end;
}

static void a_pause_lets_each_of_the_others_run_once(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    (void)co_go(pauser, .name = "a", .n = 3);
    (void)co_go(pauser, .name = "b", .n = 3);
    (void)co_go(pauser, .name = "c", .n = 3);
    sim_run(&sim);
    assert_notes("a b c a b c a b c");
    assert_int_equal(sim.waits, 0);
    sim_end(&sim);
}

struct hog { co_frame; struct co_task *ended; int ops, end; };
static co_define(hog) {
    co_begin;
    while (self->ops < self->end) {
        self->ops++;
        co_try(co_join(self->ended));
    }
    co_end;
}

static void at_most_128_ops_in_a_row_complete_at_once(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *ended = co_spawn(give, .value = 1);
    sim_turns(&sim, 1);
    struct co_task *hog = co_spawn(hog, .ended = ended, .end = 3 * CO_BUDGET);
    struct co_task *other = co_spawn(give, .pauses = 2, .name = "not starved");
    assert_int_equal(CO_BUDGET, 128);
    for (int turn = 1; turn <= 3; turn++) {
        sim_turns(&sim, 1);
        assert_int_equal(CO_TASK_FRAME(hog, hog)->ops, 128 * turn);
    }
    assert_notes("not starved");
    assert_int_equal(co_task_state(hog), CO_TASK_PENDING);  /* its 384th op has yielded */
    sim_run(&sim);
    assert_int_equal(sim.turns, 1 + 4);
    co_task_free(ended);
    co_task_free(other);
    co_task_free(hog);
    sim_end(&sim);
}

struct naps { co_frame; int left, ops; struct co_task *ended; };
static co_define(naps) {
    co_begin;
    for (; self->left > 0; self->left--) {
        for (self->ops = 0; self->ops < 100; self->ops++)
            co_try(co_join(self->ended));
        co_pause;
    }
    co_end;
}

static void the_budget_begins_anew_at_each_resume(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *ended = co_spawn(give, .value = 1);
    sim_run(&sim);
    (void)co_go(naps, .left = 5, .ended = ended);
    sim.turns = 0;
    sim_run(&sim);
    assert_int_equal(sim.turns, 6);
    co_task_free(ended);
    sim_end(&sim);
}

struct counter { co_frame; int i; };
static co_define(counter) {
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        note("tick");
        co_yield;
    }
    co_return(33);
    co_end;
}

static void a_yield_at_the_root_of_a_task_lets_the_others_run(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *task = co_spawn(counter);
    (void)co_go(pauser, .name = "other", .n = 3);
    sim_run(&sim);
    assert_notes("tick other tick other tick other");
    assert_int_equal(co_task_result(task), 33);
    co_task_free(task);
    sim_end(&sim);
}

/* ---- Waits by hand --------------------------------------------------------------------------- */

struct future { co_frame; intptr_t first, second; };
static co_define(future) {
    co_begin;
    co_await(self->first, co_wait());
    note("woken");
    co_await(self->second, co_wait());
    co_return(self->first + self->second);
    co_end;
}

static void a_task_that_waits_goes_on_in_the_turn_after_its_wake(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *task = co_spawn(future);
    assert_int_equal(sim_run(&sim), 1);                 /* it waits, and nobody polls it: */
    assert_int_equal(sim.turns, 1);
    assert_int_equal(co_scheduler_next(&sim.scheduler), INT64_MAX);
    co_wake(task, 40);
    assert_int_equal(co_scheduler_next(&sim.scheduler), 0);
    assert_notes("");
    sim_turns(&sim, 1);
    assert_notes("woken");
    co_wake(task, 2);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), 42);
    co_task_free(task);
    sim_end(&sim);
}

struct waker { co_frame; struct co_task *task; };
static co_define(waker) {
    co_begin;
    note("waker");
    co_wake(self->task, 1);
    co_end;
}

static void a_task_woken_in_a_turn_runs_in_the_next_one(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *task = co_spawn(future);
    (void)co_go(waker, .task = task);
    (void)co_go(give, .name = "last");
    sim_turns(&sim, 1);
    assert_notes("waker last");
    (void)co_go(waker, .task = task);
    sim_turns(&sim, 1);
    assert_notes("woken waker");
    sim_run(&sim);
    co_task_free(task);
    sim_end(&sim);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

enum { TORTURED = 40 };
struct tortured {
    co_frame;
    struct co_task *tasks[TORTURED];
    struct co_within within;
    int i;
    intptr_t result;
};
static co_define(tortured) {
    co_begin;
    for (self->i = 0; self->i < TORTURED; self->i++)
        self->tasks[self->i] = co_spawn(nap, .seconds = self->i % 7 + 1);
    co_try(co_within(&self->within, 100, co_gather(self->tasks, TORTURED)));
    for (self->i = 0; self->i < TORTURED; self->i++)
        co_try(co_join(self->tasks[self->i]));
    co_try(co_done(co_go(give)));
    co_return(1);
    co_finally;
    for (self->i = 0; self->i < TORTURED; self->i++) {
        co_await(self->result, co_join(self->tasks[self->i]));
        co_task_free(self->tasks[self->i]);
    }
    co_end;
}

static void each_allocation_that_fails_reaches_the_caller(void **state)
{
    (void)state;
    struct tortured frame;
    struct co_task task;
    struct sim sim;
    long k = 0;

    do {
        sim_begin(&sim);
        sim.fail_at = ++k;
        co_task_init(&task, &frame, tortured);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(&task), sim.calls >= k ? -ENOMEM : 1);
        sim_end(&sim);
    } while (sim.calls >= k);
    assert_int_equal(k - 1, TORTURED + 1 + 3);          /* tasks and heaps of 16, 32, 64 timers */
}

static void without_a_heap_there_are_as_many_timers_as_were_given(void **state)
{
    (void)state;
    struct sim sim;
    struct co_timer_slot slots[3];
    struct co_task tasks[4];
    struct nap frames[4];

    sim_begin(&sim);
    sim.driver.resize = NULL;
    co_scheduler_init(&sim.scheduler, &sim.driver, slots, 3);
    assert_null(co_spawn(give));
    assert_int_equal(co_go(give), -ENOMEM);
    for (int i = 0; i < 4; i++)
        co_task_init(&tasks[i], &frames[i], nap, .seconds = 4 - i, .value = i);
    assert_int_equal(sim_run(&sim), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(co_task_result(&tasks[i]), i);
    assert_int_equal(co_task_result(&tasks[3]), -ENOMEM);
    co_task_init(&tasks[3], &frames[3], nap, .seconds = 1, .value = 3);
    assert_int_equal(sim_run(&sim), 0);                 /* there is room again */
    assert_int_equal(co_task_result(&tasks[3]), 3);
    assert_int_equal(sim.now, 5 * S);
    sim_end(&sim);
}

static void without_a_heap_and_without_room_no_timer_starts(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task task;
    struct nap frame;

    sim_begin(&sim);
    sim.driver.resize = NULL;
    co_scheduler_init(&sim.scheduler, &sim.driver, NULL, 0);
    co_task_init(&task, &frame, nap, .seconds = 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), -ENOMEM);
    co_task_init(&task, &frame, nap, .seconds = 0, .value = 4);
    assert_int_equal(sim_run(&sim), 0);                 /* this one needs none */
    assert_int_equal(co_task_result(&task), 4);
    sim_end(&sim);
}

/* ---- Size ------------------------------------------------------------------------------------ */

struct napper { co_frame; int i; };
static co_define(napper) {
    co_begin;
    for (self->i = 0; self->i < 24 * 60 * 60; self->i++)
        co_try(co_sleep(1));
    co_end;
}

static void a_day_of_naps_takes_no_time(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    (void)co_go(napper);
    co_scheduler_run(&sim.scheduler);
    assert_int_equal(sim.now, 24 * 60 * 60 * S);
    assert_int_equal(sim.waits, 24 * 60 * 60);          /* one for each second, none polls */
    sim_end(&sim);
}

static void a_hundred_thousand_tasks_run_side_by_side(void **state)
{
    (void)state;
    struct sim sim;
    int n = sized(100000, 5000), cancelled = 0;
    struct co_task **tasks = test_malloc((size_t)n * sizeof *tasks);

    sim_begin(&sim);
    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(nap, .seconds = i % 1000 + 1, .value = i);
    assert_int_equal(sim.scheduler.count, n);
    sim_turns(&sim, 1);
    for (int i = 0; i < n; i += 3)
        co_cancel(tasks[i]);
    assert_int_equal(sim_run(&sim), 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(co_task_result(tasks[i]), i % 3 ? i : -ECANCELED);
        cancelled += co_task_state(tasks[i]) == CO_TASK_CANCELLED;
        co_task_free(tasks[i]);
    }
    assert_int_equal(cancelled, (n + 2) / 3);
    test_free(tasks);
    sim_end(&sim);
}

/* Goes [depth] frames further down, sleeps there, and counts the frames on the way back. */
struct dive { co_frame; struct dive *child; int depth; intptr_t below; };
static co_define(dive) {
    co_begin;
    if (self->depth == 0)
        co_try(co_sleep(1));
    else {
        self->child = malloc(sizeof *self->child);
        if (!self->child)
            co_return(-ENOMEM);
        self->child->co.body = NULL;
        co_try(self->below, co_call(self->child, dive, .depth = self->depth - 1));
    }
    co_return(self->below + 1);
    co_finally;
    free(self->child);
    co_end;
}

static void a_chain_of_awaits_is_as_deep_as_memory(void **state)
{
    (void)state;
    struct sim sim;
#ifdef TEST_TINY
    int depth = 60;
#elif defined TEST_BARE
    int depth = 2000;
#else
    int depth = 100000;
#endif

    sim_begin(&sim);
    struct co_task *task = co_spawn(dive, .depth = depth);
    struct co_task *cancelled = co_spawn(dive, .depth = depth);
    sim_turns(&sim, 1);
    co_cancel(cancelled);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), depth + 1);
    assert_int_equal(co_task_result(cancelled), -ECANCELED);
    co_task_free(task);
    co_task_free(cancelled);
    sim_end(&sim);
}

/* ---- Schedulers ------------------------------------------------------------------------------ */

static void schedulers_may_follow_one_another(void **state)
{
    (void)state;
    struct sim sim;

    for (int i = 0; i < 10; i++) {
        assert_null(co_scheduler_get());
        sim_begin(&sim);
        assert_ptr_equal(co_scheduler_get(), &sim.scheduler);
        for (int k = 0; k <= i; k++)
            (void)co_go(nap, .seconds = k);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(sim.now, i * S);
        sim_end(&sim);
    }
    assert_null(co_scheduler_get());
}

static void schedulers_may_take_turns(void **state)
{
    (void)state;
    struct sim a, b;

    sim_begin(&a);
    (void)co_go(nap, .name = "a", .seconds = 2);
    sim_begin(&b);
    (void)co_go(nap, .name = "b", .seconds = 1);
    for (int i = 0; i < 2; i++) {
        sim_turn(&a);                                   /* a turn makes it this thread's */
        assert_ptr_equal(co_scheduler_get(), &a.scheduler);
        sim_turn(&b);
        assert_ptr_equal(co_scheduler_get(), &b.scheduler);
    }
    assert_notes("a b");                                /* each on a clock of its own */
    co_scheduler_free(&a.scheduler);
    assert_ptr_equal(co_scheduler_get(), &b.scheduler);
    co_scheduler_set(&a.scheduler);
    co_scheduler_free(&b.scheduler);
    assert_ptr_equal(co_scheduler_get(), &a.scheduler);
    co_scheduler_set(NULL);
    assert_null(co_scheduler_get());
}

static void a_scheduler_says_when_its_next_turn_is_due(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    assert_int_equal(co_scheduler_next(&sim.scheduler), INT64_MAX);
    co_scheduler_turn(&sim.scheduler);                  /* a turn without tasks is nothing */
    (void)co_go(nap, .seconds = 3);
    assert_int_equal(co_scheduler_next(&sim.scheduler), 0);
    co_scheduler_turn(&sim.scheduler);
    assert_int_equal(co_scheduler_next(&sim.scheduler), 3 * S);
    co_scheduler_turn(&sim.scheduler);
    assert_int_equal(co_scheduler_next(&sim.scheduler), 3 * S);
    (void)co_go(nap, .seconds = 2);
    co_scheduler_turn(&sim.scheduler);
    assert_int_equal(co_scheduler_next(&sim.scheduler), 2 * S);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_scheduler_next(&sim.scheduler), INT64_MAX);
    sim_end(&sim);
}

static void a_loop_in_which_nothing_can_happen_says_so(void **state)
{
    (void)state;
#ifdef TEST_TARGET
    tap_skip("there is no libev");
#else
    struct co_loop *loop = co_loop_new(NULL);

    assert_non_null(loop);
    struct co_task *task = co_spawn(future);
    assert_int_equal(co_loop_run(loop), -EDEADLK);
    assert_int_equal(co_task_state(task), CO_TASK_PENDING);  /* it is still there, and can go on: */
    co_wake(task, 1);
    assert_int_equal(co_loop_run(loop), -EDEADLK);
    assert_notes("woken");
    co_wake(task, 2);
    assert_int_equal(co_loop_run(loop), 0);
    assert_int_equal(co_task_result(task), 3);
    co_task_free(task);
    (void)co_go(future);
    co_loop_free(loop);                                 /* which cancels what is left */
    notes_[0] = '\0';
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_task_takes_96_bytes_where_pointers_take_8),
    cmocka_unit_test(a_spawned_task_starts_on_the_next_turn),
    cmocka_unit_test(a_task_that_goes_frees_itself),
    cmocka_unit_test(a_task_in_storage_of_ones_own_allocates_nothing),
    cmocka_unit_test(a_detached_task_frees_itself_before_or_after_its_end),
    cmocka_unit_test(a_task_has_a_state_a_result_and_a_name),
    cmocka_unit_test(the_current_task_is_known_inside_and_is_null_outside),
    cmocka_unit_test(null_counts_as_a_task_that_ended_without_memory),
    cmocka_unit_test(the_frame_of_a_task_can_be_read_as_long_as_the_task_is),
    cmocka_unit_test(tasks_run_first_in_first_out),
    cmocka_unit_test(a_turn_runs_the_tasks_that_were_ready_when_it_began),
    cmocka_unit_test(a_pause_lets_each_of_the_others_run_once),
    cmocka_unit_test(at_most_128_ops_in_a_row_complete_at_once),
    cmocka_unit_test(the_budget_begins_anew_at_each_resume),
    cmocka_unit_test(a_yield_at_the_root_of_a_task_lets_the_others_run),
    cmocka_unit_test(a_task_that_waits_goes_on_in_the_turn_after_its_wake),
    cmocka_unit_test(a_task_woken_in_a_turn_runs_in_the_next_one),
    cmocka_unit_test(each_allocation_that_fails_reaches_the_caller),
    cmocka_unit_test(without_a_heap_there_are_as_many_timers_as_were_given),
    cmocka_unit_test(without_a_heap_and_without_room_no_timer_starts),
    cmocka_unit_test(a_day_of_naps_takes_no_time),
    cmocka_unit_test(a_hundred_thousand_tasks_run_side_by_side),
    cmocka_unit_test(a_chain_of_awaits_is_as_deep_as_memory),
    cmocka_unit_test(schedulers_may_follow_one_another),
    cmocka_unit_test(schedulers_may_take_turns),
    cmocka_unit_test(a_scheduler_says_when_its_next_turn_is_due),
    cmocka_unit_test(a_loop_in_which_nothing_can_happen_says_so),
};

TEST_MAIN(tests)
