/* SPDX-License-Identifier: BSD-2-Clause
 * join.c: tests of tasks that wait for tasks: co_join and co_gather, many, in a ring, and deep.
 * What a cancel does to them is in cancel.c. */
#include "task_test.h"

/* Runs all and frees [n] tasks. */
static void finish(struct sim *sim, struct co_task **tasks, size_t n)
{
    assert_int_equal(sim_run(sim), 0);
    for (size_t i = 0; i < n; i++)
        co_task_free(tasks[i]);
    sim_end(sim);
}

/* ---- Join ------------------------------------------------------------------------------------ */

static void any_number_of_tasks_may_join_one(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .name = "end", .seconds = 1, .value = 7);
    tasks[1] = co_spawn(joiner, .name = "a", .task = tasks[0]);
    tasks[2] = co_spawn(joiner, .name = "b", .task = tasks[0]);
    tasks[3] = co_spawn(joiner, .name = "c", .task = tasks[0]);
    sim_run(&sim);
    assert_notes("end a b c");
    for (int i = 0; i < 4; i++)
        assert_int_equal(co_task_result(tasks[i]), 7);
    assert_int_equal(sim.now, S);
    finish(&sim, tasks, 4);
}

static void a_join_of_a_task_that_has_ended_completes_at_once(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .value = -7);
    sim_turns(&sim, 1);
    tasks[1] = co_spawn(joiner, .task = tasks[0]);
    tasks[2] = co_spawn(joiner, .task = tasks[0]);
    sim_turns(&sim, 1);
    assert_int_equal(co_task_result(tasks[1]), -7);
    assert_int_equal(co_task_result(tasks[2]), -7);
    finish(&sim, tasks, 3);
}

struct self_join { co_frame; intptr_t null, oneself; struct co_task *list[2]; };
static co_define(self_join) {
    co_begin;
    co_await(self->null, co_join(NULL));
    co_await(self->oneself, co_join(co_current()));
    co_await(co_sleep(0));                              /* both were complete, so this is allowed */
    self->list[1] = co_current();
    co_return(co_gather(self->list, 2).result);
    co_end;
}

static void a_join_of_nothing_or_of_oneself_fails_at_once(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    struct co_task *task = co_spawn(self_join);
    sim_run(&sim);
    assert_int_equal(CO_TASK_FRAME(task, self_join)->null, -ENOMEM);
    assert_int_equal(CO_TASK_FRAME(task, self_join)->oneself, -EDEADLK);
    assert_int_equal(co_task_result(task), -EDEADLK);
    finish(&sim, &task, 1);
}

static void a_task_that_frees_itself_may_be_joined_before_its_end(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    struct co_task *detached = co_spawn(nap, .seconds = 1, .value = 6);
    tasks[0] = co_spawn(joiner, .task = detached);
    tasks[1] = co_spawn(joiner, .task = detached);
    sim_turns(&sim, 1);
    co_task_detach(detached);
    sim_run(&sim);
    assert_int_equal(co_task_result(tasks[0]), 6);
    assert_int_equal(co_task_result(tasks[1]), 6);
    finish(&sim, tasks, 2);
}

static void a_join_within_a_turn_sees_the_end_in_the_next_one(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .name = "given", .pauses = 1);
    tasks[1] = co_spawn(joiner, .name = "joined", .task = tasks[0]);
    sim_turns(&sim, 2);
    assert_notes("given");
    sim_turns(&sim, 1);
    assert_notes("joined");
    finish(&sim, tasks, 2);
}

/* ---- Gather ---------------------------------------------------------------------------------- */

struct gather_now { co_frame; struct co_task **tasks; size_t n; };
static co_define(gather_now) {                          /* fails the test if it has to wait */
    co_op op;
    co_begin;
    op = co_gather(self->tasks, self->n);
    assert_null(op.frame);
    co_return(op.result);
    co_end;
}

static intptr_t gathered_at_once(struct sim *sim, struct co_task **tasks, size_t n)
{
    struct co_task task;
    struct gather_now frame;

    co_task_init(&task, &frame, gather_now, .tasks = tasks, .n = n);
    sim_turns(sim, 1);
    return co_task_result(&task);
}

static void a_gather_of_what_has_ended_completes_at_once(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[6];

    sim_begin(&sim);
    assert_int_equal(gathered_at_once(&sim, NULL, 0), 0);
    for (int i = 0; i < 6; i++)
        tasks[i] = co_spawn(give, .value = i < 4 ? i : -i);
    sim_turns(&sim, 1);
    assert_int_equal(gathered_at_once(&sim, tasks, 4), 0);      /* 3 is no failure */
    assert_int_equal(gathered_at_once(&sim, tasks, 5), -4);
    assert_int_equal(gathered_at_once(&sim, tasks, 6), -4);
    assert_int_equal(gathered_at_once(&sim, tasks + 5, 1), -5);
    finish(&sim, tasks, 6);
}

static void a_gather_waits_for_all_however_many_have_ended(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[5];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .value = 5);
    sim_run(&sim);
    tasks[1] = co_spawn(nap, .name = "1", .seconds = 3);
    tasks[2] = co_spawn(nap, .name = "2", .seconds = 1);
    tasks[3] = co_spawn(give, .name = "3");
    tasks[4] = co_spawn(gatherer, .name = "all", .tasks = tasks, .n = 4);
    sim_run(&sim);
    assert_notes("3 2 1 all");
    assert_int_equal(sim.now, 3 * S);
    assert_int_equal(co_task_result(tasks[4]), 0);
    finish(&sim, tasks, 5);
}

static void a_gather_gives_the_failure_that_came_first(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .name = "last", .seconds = 3, .value = -1);
    tasks[1] = co_spawn(nap, .name = "good", .seconds = 1, .value = 99);
    tasks[2] = co_spawn(nap, .name = "first", .seconds = 2, .value = -3);
    tasks[3] = co_spawn(gatherer, .name = "all", .tasks = tasks, .n = 3);
    sim_run(&sim);
    assert_notes("good first last all");                /* a failure does not cut it short */
    assert_int_equal(co_task_result(tasks[3]), -3);
    finish(&sim, tasks, 4);
}

static void a_gather_prefers_the_failure_of_one_that_had_ended(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[1] = co_spawn(give, .value = -9);
    sim_run(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = -1);
    tasks[2] = co_spawn(gatherer, .tasks = tasks, .n = 2);
    sim_run(&sim);
    assert_int_equal(co_task_result(tasks[2]), -9);
    finish(&sim, tasks, 3);
}

static void null_in_a_gather_fails_it_but_the_others_are_awaited(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4] = { NULL };

    sim_begin(&sim);
    assert_int_equal(gathered_at_once(&sim, tasks, 3), -ENOMEM);
    tasks[1] = co_spawn(nap, .name = "nap", .seconds = 1, .value = -1);
    tasks[3] = co_spawn(gatherer, .name = "all", .tasks = tasks, .n = 3);
    sim_run(&sim);
    assert_notes("nap all");
    assert_int_equal(co_task_result(tasks[3]), -ENOMEM);
    finish(&sim, tasks, 4);
}

static void a_task_named_twice_in_a_gather_counts_once(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = tasks[2] = co_spawn(nap, .name = "twice", .seconds = 2);
    tasks[1] = co_spawn(nap, .name = "once", .seconds = 1);
    tasks[3] = co_spawn(gatherer, .name = "all", .tasks = tasks, .n = 3);
    sim_run(&sim);
    assert_notes("once twice all");
    assert_int_equal(co_task_result(tasks[3]), 0);
    tasks[2] = NULL;
    finish(&sim, tasks, 4);
}

static void a_task_is_in_one_gather_at_a_time(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[6], *mixed[2];

    sim_begin(&sim);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(nap, .seconds = 1);
    tasks[3] = co_spawn(gatherer, .tasks = tasks, .n = 2);
    sim_turns(&sim, 1);
    mixed[0] = tasks[2];
    mixed[1] = tasks[1];
    assert_int_equal(gathered_at_once(&sim, mixed, 2), -EBUSY);
    tasks[4] = co_spawn(gatherer, .tasks = mixed, .n = 1);    /* it did not take tasks[2] */
    tasks[5] = co_spawn(joiner, .task = tasks[1]);            /* a join is allowed */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[3]), 0);
    assert_int_equal(co_task_result(tasks[4]), 0);
    assert_int_equal(co_task_result(tasks[5]), 0);
    assert_int_equal(gathered_at_once(&sim, mixed, 2), 0);
    finish(&sim, tasks, 6);
}

struct gather_twice { co_frame; struct co_task *list[2]; intptr_t with_me, without; };
static co_define(gather_twice) {
    co_begin;
    self->list[1] = co_current();
    co_await(self->with_me, co_gather(self->list, 2));
    co_await(self->without, co_gather(self->list, 1));
    co_end;
}

static void a_gather_of_oneself_fails_and_takes_nobody(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = -5);
    tasks[1] = co_spawn(gather_twice, .list = { tasks[0], NULL });
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(tasks[1], gather_twice)->with_me, -EDEADLK);
    assert_int_equal(CO_TASK_FRAME(tasks[1], gather_twice)->without, -5);
    finish(&sim, tasks, 2);
}

static void gathers_nest(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[7];

    sim_begin(&sim);
    for (int i = 0; i < 4; i++)
        tasks[i] = co_spawn(nap, .seconds = i + 1, .value = i == 2 ? -22 : i);
    tasks[4] = co_spawn(gatherer, .name = "left", .tasks = tasks, .n = 2);
    tasks[5] = co_spawn(gatherer, .name = "right", .tasks = tasks + 2, .n = 2);
    tasks[6] = co_spawn(gatherer, .name = "top", .tasks = tasks + 4, .n = 2);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("left right top");
    assert_int_equal(co_task_result(tasks[4]), 0);
    assert_int_equal(co_task_result(tasks[6]), -22);
    finish(&sim, tasks, 7);
}

/* ---- Size ------------------------------------------------------------------------------------ */

/* [n] tasks: the first naps an hour, each of the others waits for the one before; the last is made
 * first, as parents are made before their children. */
static struct co_task **chain_of(int n, bool gather)
{
    struct co_task **tasks = test_malloc((size_t)n * sizeof *tasks);

    for (int i = n - 1; i > 0; i--)
        tasks[i] = gather ? co_spawn(gatherer, .tasks = &tasks[i - 1], .n = 1)
                          : co_spawn(joiner);
    tasks[0] = co_spawn(nap, .seconds = 3600, .value = -4);
    for (int i = 1; i < n && !gather; i++)
        CO_TASK_FRAME(tasks[i], joiner)->task = tasks[i - 1];
    return tasks;
}

static void run_chain(bool gather, bool cancel)
{
    struct sim sim;
    int n = sized(100000, 3000);

    sim_begin(&sim);
    struct co_task **tasks = chain_of(n, gather);
    sim_turns(&sim, 1);
    if (cancel)
        co_cancel(tasks[n - 1]);
    assert_int_equal(sim_run(&sim), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(co_task_result(tasks[i]), cancel ? -ECANCELED : -4);
    assert_int_equal(sim.now, cancel ? 0 : 3600 * S);
    finish(&sim, tasks, (size_t)n);
    test_free(tasks);
}

static void a_chain_of_joins_is_as_long_as_memory(void **state)
{
    (void)state;
    run_chain(false, false);
}

static void a_chain_of_gathers_is_as_long_as_memory(void **state)
{
    (void)state;
    run_chain(true, false);
}

static void the_cancel_of_a_long_chain_of_joins_needs_no_stack(void **state)
{
    (void)state;
    run_chain(false, true);
}

static void the_cancel_of_a_long_chain_of_gathers_needs_no_stack(void **state)
{
    (void)state;
    run_chain(true, true);
}

static void all_tasks_of_a_long_chain_may_be_cancelled_at_once(void **state)
{
    (void)state;
    struct sim sim;
    int n = sized(100000, 3000);

    for (int gather = 0; gather < 2; gather++) {
        sim_begin(&sim);
        struct co_task **tasks = chain_of(n, gather);
        sim_turns(&sim, 1);
        co_scheduler_cancel_all(&sim.scheduler);
        assert_int_equal(sim_run(&sim), 0);
        for (int i = 0; i < n; i++)
            assert_int_equal(co_task_result(tasks[i]), -ECANCELED);
        finish(&sim, tasks, (size_t)n);
        test_free(tasks);
    }
}

static void a_hundred_thousand_tasks_in_one_gather_can_be_cancelled(void **state)
{
    (void)state;
    struct sim sim;
    int n = sized(100000, 3000);
    struct co_task **tasks = test_malloc((size_t)n * sizeof *tasks);
    struct co_task *all;

    sim_begin(&sim);
    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(nap, .seconds = 1 + i % 10, .value = -1);
    all = co_spawn(gatherer, .tasks = tasks, .n = (size_t)n);
    sim_turns(&sim, 1);
    assert_int_equal(sim.scheduler.timer_count, n);
    co_cancel(all);
    assert_int_equal(sim.scheduler.timer_count, 0);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(all), -ECANCELED);
    assert_int_equal(sim.now, 0);
    co_task_free(all);
    finish(&sim, tasks, (size_t)n);
    test_free(tasks);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_number_of_tasks_may_join_one),
    cmocka_unit_test(a_join_of_a_task_that_has_ended_completes_at_once),
    cmocka_unit_test(a_join_of_nothing_or_of_oneself_fails_at_once),
    cmocka_unit_test(a_task_that_frees_itself_may_be_joined_before_its_end),
    cmocka_unit_test(a_join_within_a_turn_sees_the_end_in_the_next_one),
    cmocka_unit_test(a_gather_of_what_has_ended_completes_at_once),
    cmocka_unit_test(a_gather_waits_for_all_however_many_have_ended),
    cmocka_unit_test(a_gather_gives_the_failure_that_came_first),
    cmocka_unit_test(a_gather_prefers_the_failure_of_one_that_had_ended),
    cmocka_unit_test(null_in_a_gather_fails_it_but_the_others_are_awaited),
    cmocka_unit_test(a_task_named_twice_in_a_gather_counts_once),
    cmocka_unit_test(a_task_is_in_one_gather_at_a_time),
    cmocka_unit_test(a_gather_of_oneself_fails_and_takes_nobody),
    cmocka_unit_test(gathers_nest),
    cmocka_unit_test(a_chain_of_joins_is_as_long_as_memory),
    cmocka_unit_test(a_chain_of_gathers_is_as_long_as_memory),
    cmocka_unit_test(the_cancel_of_a_long_chain_of_joins_needs_no_stack),
    cmocka_unit_test(the_cancel_of_a_long_chain_of_gathers_needs_no_stack),
    cmocka_unit_test(all_tasks_of_a_long_chain_may_be_cancelled_at_once),
    cmocka_unit_test(a_hundred_thousand_tasks_in_one_gather_can_be_cancelled),
};

TEST_MAIN(tests)
