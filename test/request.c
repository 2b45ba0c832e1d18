/* SPDX-License-Identifier: BSD-2-Clause
 * request.c: tests of the promise of cancel.c: a request is met exactly once, by one await of the
 * task it was made for, whatever the tasks below it did with it. promise.c tries random programs;
 * here each rule has a small one. */
#include "task_test.h"
#include "../group.h"

/* What a task below does with a request, and how it ends. */
enum way { OBEYS, SWALLOWS, FAILS, CLEANS_UP, NEVER_AWAITS };
struct below { co_frame; enum way way; intptr_t n; };
static co_define(below)
{
    co_begin;
    if (self->way == NEVER_AWAITS)
        co_return(0);
    co_await(self->n, co_sleep(20));
    if (self->way == CLEANS_UP && self->n == -ECANCELED)
        co_await(co_sleep(5));
    co_return(self->way == SWALLOWS ? 0 : self->way == FAILS ? -EIO : self->n);
    co_end;
}

/* Waits for one task in the way of [kind], under a deadline or not, then awaits twice more. */
enum kind { JOIN, GATHER, GROUP, KINDS };
struct above {
    co_frame;
    enum kind kind;
    enum way way;
    int cancels_itself;                 /* before the wait */
    double deadline;                    /* of the wait; 0: none */
    struct co_task *task;
    struct co_group group;
    struct co_within slot;
    intptr_t first, second, third;
};

static void start_below(struct above *self)
{
    if (self->kind == GROUP)
        assert_int_equal(co_group_go(&self->group, below, .way = self->way), 0);
    else
        assert_non_null(self->task = co_spawn(below, .way = self->way));
}

static co_op wait_below(struct above *self)
{
    return self->kind == JOIN ? co_join(self->task)
        : self->kind == GATHER ? co_gather(&self->task, 1) : co_group_wait(&self->group);
}

static co_define(above)
{
    co_begin;
    start_below(self);
    if (self->cancels_itself)
        co_cancel(co_current());
    if (self->deadline > 0)
        co_await(self->first, co_within(&self->slot, self->deadline, wait_below(self)));
    else
        co_await(self->first, wait_below(self));
    co_task_free(self->task);
    co_await(self->second, co_sleep(1));
    co_await(self->third, co_sleep(1));
    co_end;
}

/* Runs one; a cancel comes at [cancel] seconds, 0: none. */
static struct above run(struct above what, int cancel)
{
    struct sim sim;
    struct above frame;
    struct co_task task;

    sim_begin(&sim);
    co_task_init(&task, &frame, above, .kind = what.kind, .way = what.way,
                 .cancels_itself = what.cancels_itself, .deadline = what.deadline);
    while (cancel && sim.now < cancel * S && sim_turn(&sim)) {
        int64_t next = co_scheduler_next(&sim.scheduler);

        if (next > cancel * S)
            sim.now = cancel * S;
    }
    if (cancel)
        co_cancel(&task);
    assert_int_equal(sim_run(&sim), 0);
    sim_end(&sim);
    return frame;
}

static void is(struct above got, intptr_t first, intptr_t second)
{
    assert_int_equal(got.first, first);
    assert_int_equal(got.second, second);
    assert_int_equal(got.third, 0);                 /* never twice */
}

static void what_the_tasks_below_do_decides_which_await_meets_the_cancel(void **state)
{
    (void)state;
    for (int kind = JOIN; kind < KINDS; kind++) {
        int join = kind == JOIN;
        struct above what = { .kind = (enum kind)kind, .way = OBEYS };

        is(run(what, 2), -ECANCELED, 0);
        what.way = CLEANS_UP;
        is(run(what, 2), -ECANCELED, 0);
        what.way = SWALLOWS;
        is(run(what, 2), join ? 0 : -ECANCELED, join ? -ECANCELED : 0);
        what.way = FAILS;                           /* the failure is kept, and so is the request */
        is(run(what, 2), -EIO, -ECANCELED);
    }
}

static void a_request_made_before_the_wait_is_not_lost_by_it(void **state)
{
    (void)state;
    for (int kind = JOIN; kind < KINDS; kind++) {
        int join = kind == JOIN;
        struct above what = { .kind = (enum kind)kind, .cancels_itself = 1 };

        what.way = NEVER_AWAITS;
        is(run(what, 0), join ? 0 : -ECANCELED, join ? -ECANCELED : 0);
        what.way = SWALLOWS;
        is(run(what, 0), join ? 0 : -ECANCELED, join ? -ECANCELED : 0);
        what.way = FAILS;
        is(run(what, 0), -EIO, -ECANCELED);
        what.way = OBEYS;
        is(run(what, 0), -ECANCELED, 0);
    }
}

static void a_pending_cancel_is_not_renamed_by_a_deadline_that_begins_after_it(void **state)
{
    (void)state;
    for (int kind = JOIN; kind < KINDS; kind++) {
        struct above what = { .kind = (enum kind)kind, .way = CLEANS_UP, .cancels_itself = 1 };

        for (int deadline = 1; deadline < 9; deadline += 3) {      /* the clean-up takes 5 s */
            what.deadline = deadline;
            is(run(what, 0), -ECANCELED, 0);
        }
    }
}

static void a_deadline_is_met_at_its_edge_and_nowhere_else(void **state)
{
    (void)state;
    for (int kind = JOIN; kind < KINDS; kind++) {
        struct above what = { .kind = (enum kind)kind, .deadline = 3, .way = OBEYS };
        intptr_t swallowed = kind == JOIN ? 0 : -ETIMEDOUT;

        is(run(what, 0), -ETIMEDOUT, 0);
        is(run(what, 2), -ECANCELED, 0);            /* a cancel was first */
        what.way = SWALLOWS;
        is(run(what, 0), swallowed, 0);             /* it has ended: the request dies with it */
        what.way = FAILS;
        is(run(what, 0), -EIO, 0);
        what.way = CLEANS_UP;
        is(run(what, 0), -ETIMEDOUT, 0);
        is(run(what, 4), -ECANCELED, 0);            /* in the clean-up after the deadline */
    }
}

/* Rounds of tasks that swallow each request. */
struct rounds { co_frame; enum kind kind; double seconds; int n; struct above wait; intptr_t r; };
static co_define(rounds)
{
    co_begin;
    self->wait.kind = self->kind;
    self->wait.way = self->seconds > 0 ? SWALLOWS : NEVER_AWAITS;
    for (;;) {
        self->n++;
        start_below(&self->wait);
        co_await(self->r, wait_below(&self->wait));
        co_task_free(self->wait.task);
        if (self->r == -ECANCELED)
            co_return(self->r);
    }
    co_end;
}

struct limited { co_frame; struct co_within slot; struct rounds rounds; intptr_t r; };
static co_define(limited)
{
    co_begin;
    co_await(self->r, co_within(&self->slot, 30, co_call(&self->rounds, rounds,
                                                         .kind = self->rounds.kind,
                                                         .seconds = 1)));
    co_return(self->r);
    co_end;
}

static void a_loop_of_waits_ends_at_the_second_wait_at_the_latest(void **state)
{
    (void)state;
    struct sim sim;
    struct rounds frame;
    struct co_task task;

    for (int kind = JOIN; kind < KINDS; kind++)
        for (int lazy = 0; lazy < 2; lazy++) {
            int before;

            sim_begin(&sim);
            co_task_init(&task, &frame, rounds, .kind = (enum kind)kind, .seconds = lazy);
            sim_turns(&sim, 5);
            before = frame.n;
            co_cancel(&task);
            assert_int_equal(sim_run(&sim), 0);
            assert_int_equal(co_task_result(&task), -ECANCELED);
            assert_in_range(frame.n - before, 0, 2);
            sim_end(&sim);
        }
}

static void a_deadline_around_a_loop_of_waits_ends_it(void **state)
{
    (void)state;
    struct sim sim;
    struct limited frame;
    struct co_task task;

    for (int kind = JOIN; kind < KINDS; kind++) {
        sim_begin(&sim);
        co_task_init(&task, &frame, limited, .rounds.kind = (enum kind)kind);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(&task), -ETIMEDOUT);
        assert_in_range(sim.now, 30 * S, 50 * S);
        sim_end(&sim);
    }
}

/* Leaves by co_try with the failure of its child; its clean-up awaits. */
struct leaver { co_frame; struct co_task *child; intptr_t clean_up, again; };
static co_define(leaver)
{
    co_begin;
    self->child = co_spawn(below, .way = FAILS);
    co_try(co_join(self->child));
    co_finally;
    co_task_free(self->child);
    co_await(self->clean_up, co_sleep(1));
    co_await(self->again, co_sleep(1));
    co_end;
}

static void a_child_that_fails_leaves_the_cancel_to_the_clean_up(void **state)
{
    (void)state;
    struct sim sim;
    struct leaver frame;
    struct co_task task;

    sim_begin(&sim);
    co_task_init(&task, &frame, leaver, .child = NULL);
    sim_turns(&sim, 2);
    co_cancel(&task);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), -EIO);
    assert_int_equal(frame.clean_up, -ECANCELED);
    assert_int_equal(frame.again, 0);
    sim_end(&sim);
}

/* Swallows what its first await returns; the deadline strikes in the second one. */
struct deaf { co_frame; intptr_t n; };
static co_define(deaf)
{
    co_begin;
    co_await(co_sleep(10));
    co_await(self->n, co_sleep(10));
    co_return(self->n);
    co_end;
}
struct around { co_frame; struct co_within slot; struct deaf deaf; intptr_t r, after; };
static co_define(around)
{
    co_begin;
    co_await(self->r, co_within(&self->slot, 5, co_call(&self->deaf, deaf)));
    co_await(self->after, co_sleep(1));
    co_end;
}

static void a_cancel_that_was_swallowed_inside_overrules_the_deadline(void **state)
{
    (void)state;
    struct sim sim;
    struct around frame;
    struct co_task task;

    sim_begin(&sim);
    co_task_init(&task, &frame, around, .r = 0);
    sim_turns(&sim, 1);
    co_cancel(&task);                               /* met by the first await, and swallowed */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame.r, -ECANCELED);          /* at 5 s, but not -ETIMEDOUT */
    assert_int_equal(frame.after, 0);
    assert_int_equal(sim.now, 6 * S);
    sim_end(&sim);
}

/* ---- How many hear of it --------------------------------------------------------------------- */

/* A wait that counts how often it was asked, and ends by itself only. */
static int asked_;
static enum co_take_back count_take_back(struct co_task *task)
{
    (void)task;
    asked_++;
    return CO_TAKEN;
}
struct leaf { co_frame; };
static co_define(leaf)
{
    static const struct co_wait_kind kind = { "leaf", count_take_back };

    co_begin;
    co_try(((void)co_op_wait(&kind, NULL), co_wait()));
    co_end;
}

/* A layer gathers two joins and a group, all of which wait for the layer below. */
enum { LAYERS = 200 };
struct joins { co_frame; struct co_task *task; };
static co_define(joins)
{
    co_begin;
    co_try(co_join(self->task));
    co_end;
}
struct groups { co_frame; struct co_task *task; struct co_group group; };
static co_define(groups)
{
    co_begin;
    (void)co_group_go(&self->group, joins, .task = self->task);
    co_await(co_group_wait(&self->group));
    co_return(-ECANCELED);
    co_end;
}

static void a_layer_costs_a_request_no_more_than_its_tasks(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[LAYERS][4];
    int layers = sized(LAYERS, 40);

    sim_begin(&sim);
    for (int i = 0; i < layers; i++) {
        struct co_task *below = i ? tasks[i - 1][3] : co_spawn(leaf);

        tasks[i][0] = co_spawn(joins, .task = below);
        tasks[i][1] = co_spawn(groups, .task = below);
        tasks[i][2] = co_spawn(joins, .task = below);
        tasks[i][3] = co_spawn(gatherer, .tasks = tasks[i], .n = 3);
        if (i == 0)
            co_task_detach(below);
    }
    sim_turns(&sim, 3);
    asked_ = 0;
    co_cancel(tasks[layers - 1][3]);                /* 2 to the power of 200 ways lead down */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(asked_, 1);
    for (int i = 0; i < layers; i++)
        for (int k = 0; k < 4; k++) {
            assert_int_equal(co_task_result(tasks[i][k]), -ECANCELED);
            co_task_free(tasks[i][k]);
        }
    sim_end(&sim);
}

/* ---- For makers of ops ----------------------------------------------------------------------- */

/* Ends later by itself, whatever is asked. */
static struct co_task *stubborn_;
static int stubborn_asked_;
static enum co_take_back stubborn_take_back(struct co_task *task)
{
    (void)task;
    stubborn_asked_++;
    return CO_LATER;
}
struct waits_twice { co_frame; struct co_within slot; intptr_t first, second; };
static co_op stubborn_op(void)
{
    static const struct co_wait_kind kind = { "stubborn_op", stubborn_take_back };

    if (co_op_take_cancel(kind.name))
        return co_done(-ECANCELED);
    stubborn_ = co_op_wait(&kind, NULL);
    return co_wait();
}
static co_define(waits_twice)
{
    co_begin;
    co_await(self->first, co_within(&self->slot, 1, stubborn_op()));
    co_await(self->second, co_sleep(1));
    co_end;
}

static void an_op_that_cannot_be_undone_is_asked_once_for_each_request(void **state)
{
    (void)state;
    struct sim sim;
    struct waits_twice frame;
    struct co_task task;

    sim_begin(&sim);
    stubborn_asked_ = 0;
    co_task_init(&task, &frame, waits_twice, .first = 0);
    sim_turns(&sim, 1);
    co_cancel(&task);
    co_cancel(&task);                               /* merged with the one that is pending */
    assert_int_equal(stubborn_asked_, 1);
    assert_int_equal(sim_run(&sim), 1);             /* its deadline has expired meanwhile */
    assert_int_equal(stubborn_asked_, 2);
    co_wake(stubborn_, 7);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame.first, 7);
    assert_int_equal(frame.second, -ECANCELED);
    sim_end(&sim);
}

/* A scheduler that is not this thread's current one. */
static void cancel_all_means_the_scheduler_that_it_is_given(void **state)
{
    (void)state;
    struct sim one, other;
    struct co_task *task, *kept;

    sim_begin(&one);
    task = co_spawn(nap, .seconds = 9);
    sim_turns(&one, 1);
    sim_begin(&other);
    kept = co_spawn(nap, .seconds = 1);
    sim_turns(&other, 1);
    co_scheduler_cancel_all(&one.scheduler);
    assert_ptr_equal(co_scheduler_get(), &other.scheduler);
    assert_int_equal(sim_run(&other), 0);
    assert_int_equal(co_task_result(kept), 0);
    co_task_free(kept);
    sim_end(&other);
    co_scheduler_set(&one.scheduler);
    assert_int_equal(sim_run(&one), 0);
    assert_int_equal(co_task_result(task), -ECANCELED);
    co_task_free(task);
    sim_end(&one);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_the_tasks_below_do_decides_which_await_meets_the_cancel),
    cmocka_unit_test(a_request_made_before_the_wait_is_not_lost_by_it),
    cmocka_unit_test(a_pending_cancel_is_not_renamed_by_a_deadline_that_begins_after_it),
    cmocka_unit_test(a_deadline_is_met_at_its_edge_and_nowhere_else),
    cmocka_unit_test(a_loop_of_waits_ends_at_the_second_wait_at_the_latest),
    cmocka_unit_test(a_deadline_around_a_loop_of_waits_ends_it),
    cmocka_unit_test(a_child_that_fails_leaves_the_cancel_to_the_clean_up),
    cmocka_unit_test(a_cancel_that_was_swallowed_inside_overrules_the_deadline),
    cmocka_unit_test(a_layer_costs_a_request_no_more_than_its_tasks),
    cmocka_unit_test(an_op_that_cannot_be_undone_is_asked_once_for_each_request),
    cmocka_unit_test(cancel_all_means_the_scheduler_that_it_is_given),
};

TEST_MAIN(tests)
