/* SPDX-License-Identifier: BSD-2-Clause
 * within.c: tests of deadlines: co_within on any op, nested, and together with a cancel. */
#include "task_test.h"

#include <math.h>

/* Runs all and frees [n] tasks. Every deadline must have been left. */
static void finish(struct sim *sim, struct co_task **tasks, size_t n)
{
    assert_int_equal(sim_run(sim), 0);
    assert_int_equal(sim->scheduler.timer_count, 0);
    for (size_t i = 0; i < n; i++)
        co_task_free(tasks[i]);
    sim_end(sim);
}

/* Sleeps for [seconds], then cleans up for [clean_up]; [seen] is what the sleep gave; [value], if
 * it is not 0, is given whatever happened. */
struct work { co_frame; double seconds, clean_up; intptr_t value, seen, clean; int pauses; };
static co_define(work) {
    co_begin;
    for (; self->pauses > 0; self->pauses--)
        co_pause;
    co_try(self->seen, co_sleep(self->seconds));
    co_finally;
    if (self->clean_up > 0)
        co_await(self->clean, co_sleep(self->clean_up));
    if (self->value)
        co_return(self->value);
    co_end;
}

/* One op with a deadline; then a sleep of a second, [after], which no leftover may disturb. */
enum kind { LEAF, WAIT, CALL, JOIN, GATHER, SLEEP_OF_0 };
struct guarded {
    co_frame;
    enum kind kind;
    double deadline, seconds;
    struct co_task *task;
    struct co_within slot;
    struct work work;
    intptr_t result, after;
    const char *name;
};
static co_define(guarded) {
    co_begin;
    if (self->kind == LEAF)
        co_await(self->result, co_within(&self->slot, self->deadline, co_sleep(self->seconds)));
    else if (self->kind == WAIT)
        co_await(self->result, co_within(&self->slot, self->deadline, co_wait()));
    else if (self->kind == JOIN)
        co_await(self->result, co_within(&self->slot, self->deadline, co_join(self->task)));
    else if (self->kind == GATHER)
        co_await(self->result, co_within(&self->slot, self->deadline, co_gather(&self->task, 1)));
    else if (self->kind == SLEEP_OF_0)
        co_await(self->result, co_within(&self->slot, self->deadline, co_sleep(0)));
    else
        co_await(self->result, co_within(&self->slot, self->deadline,
            co_call(&self->work, work, .seconds = self->seconds, .clean_up = self->work.clean_up,
                    .value = self->work.value, .pauses = self->work.pauses)));
    if (self->name)
        note(self->name);
    co_await(self->after, co_sleep(1));
    co_return(self->result);
    co_end;
}

static struct guarded *frame_of(struct co_task *task)
{
    return CO_TASK_FRAME(task, guarded);
}

/* ---- On any op ------------------------------------------------------------------------------- */

static void an_op_that_ends_in_time_gives_its_result(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = 6);
    tasks[1] = co_spawn(guarded, .kind = LEAF, .deadline = 2, .seconds = 1);
    tasks[2] = co_spawn(guarded, .kind = CALL, .deadline = 2, .seconds = 1, .work.value = 5);
    tasks[3] = co_spawn(guarded, .kind = JOIN, .deadline = 2, .task = tasks[0]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), 0);
    assert_int_equal(co_task_result(tasks[2]), 5);
    assert_int_equal(co_task_result(tasks[3]), 6);
    for (int i = 1; i < 4; i++)
        assert_int_equal(frame_of(tasks[i])->after, 0);
    assert_int_equal(sim.now, 2 * S);
    finish(&sim, tasks, 4);
}

static void an_op_that_is_late_is_cancelled_and_gives_etimedout(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[7];

    sim_begin(&sim);
    tasks[0] = co_spawn(work, .seconds = 99, .clean_up = 2);
    tasks[1] = co_spawn(work, .seconds = 99, .clean_up = 2);
    tasks[2] = co_spawn(guarded, .kind = LEAF, .deadline = 3, .seconds = 9, .name = "leaf");
    tasks[3] = co_spawn(guarded, .kind = WAIT, .deadline = 4, .name = "wait");
    tasks[4] = co_spawn(guarded, .kind = CALL, .deadline = 2, .seconds = 9, .work.clean_up = 3.5,
                          .name = "call");
    tasks[5] = co_spawn(guarded, .kind = JOIN, .deadline = 4, .task = tasks[0], .name = "join");
    tasks[6] = co_spawn(guarded, .kind = GATHER, .deadline = 5, .task = tasks[1], .name = "all");
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("leaf wait call join all");
    for (int i = 2; i < 7; i++) {
        assert_int_equal(co_task_result(tasks[i]), -ETIMEDOUT);
        assert_int_equal(frame_of(tasks[i])->after, 0);
    }
    assert_int_equal(frame_of(tasks[4])->work.seen, -ECANCELED);    /* inside it is a cancel */
    assert_int_equal(frame_of(tasks[4])->work.clean, 0);            /* just one */
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    assert_int_equal(CO_TASK_FRAME(tasks[1], work)->clean, 0);
    assert_int_equal(sim.now, 8 * S);
    finish(&sim, tasks, 7);
}

static void a_late_op_that_succeeds_after_all_gives_its_result(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(work, .seconds = 9, .value = 7);
    tasks[1] = co_spawn(guarded, .kind = JOIN, .deadline = 1, .task = tasks[0]);
    tasks[2] = co_spawn(guarded, .kind = CALL, .deadline = 1, .seconds = 9, .work.value = -5);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), 7);
    assert_int_equal(co_task_result(tasks[2]), -5);
    assert_int_equal(frame_of(tasks[1])->after, 0);
    assert_int_equal(frame_of(tasks[2])->after, 0);
    assert_int_equal(sim.now, 2 * S);
    finish(&sim, tasks, 3);
}

struct complete { co_frame; struct co_within slot; struct co_task *ended; intptr_t results[4]; };
static co_define(complete) {
    co_begin;
    co_await(self->results[0], co_within(&self->slot, 1, co_done(3)));
    co_await(self->results[1], co_within(&self->slot, -1, co_join(self->ended)));
    co_await(self->results[2], co_within(&self->slot, 0, co_gather(NULL, 0)));
    co_await(self->results[3], co_within(&self->slot, 0, co_join(NULL)));
    co_end;
}

static void an_op_that_completes_at_once_needs_no_time(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .value = 4);
    tasks[1] = co_spawn(complete, .ended = tasks[0]);
    sim_turns(&sim, 1);
    assert_int_equal(co_task_state(tasks[1]), CO_TASK_FINISHED);
    assert_int_equal(CO_TASK_FRAME(tasks[1], complete)->results[0], 3);
    assert_int_equal(CO_TASK_FRAME(tasks[1], complete)->results[1], 4);
    assert_int_equal(CO_TASK_FRAME(tasks[1], complete)->results[2], 0);
    assert_int_equal(CO_TASK_FRAME(tasks[1], complete)->results[3], -ENOMEM);
    assert_null(sim.scheduler.timers);                  /* there was no timer at all */
    finish(&sim, tasks, 2);
}

static void a_pause_inside_is_cut_by_the_deadline(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(guarded, .kind = CALL, .deadline = 1, .work.pauses = 1000);
    sim_turns(&sim, 10);
    sim.now = 1 * S;
    sim_turns(&sim, 1);
    assert_int_equal(frame_of(task)->result, -ETIMEDOUT);
    assert_int_equal(frame_of(task)->work.pauses, 1000 - 9);
    finish(&sim, &task, 1);
}

struct ticker { co_frame; int i; struct co_within slot; };
static co_define(ticker) {                              /* a generator with a deadline of its own */
    co_begin;
    for (self->i = 1; ; self->i++) {
        co_try(co_within(&self->slot, 2.5, co_sleep(self->i)));
        co_yield;
    }
    co_end;
}

struct listener { co_frame; struct ticker ticker; struct co_within slot; intptr_t n; int ticks; };
static co_define(listener) {
    co_begin;
    co_init(&self->ticker, ticker);
    for (;;) {
        co_await(self->n, co_within(&self->slot, 100, co_next(&self->ticker)));
        if (self->n <= 0)
            break;
        self->ticks++;
        co_await(co_sleep(4));                          /* the generator's deadline is not active */
    }
    co_return(self->n);
    co_end;
}

static void a_generator_may_be_inside_or_have_one_inside(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(listener);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(task, listener)->ticks, 2);
    assert_int_equal(co_task_result(task), -ETIMEDOUT);
    assert_int_equal(sim.now, (1 + 4 + 2 + 4) * S + 2500 * MS);
    finish(&sim, &task, 1);
}

/* ---- How long -------------------------------------------------------------------------------- */

static void a_deadline_of_nothing_or_of_no_number_has_passed(void **state)
{
    (void)state;
    static const double passed[] = { 0, -0.0, -1, -1e300, -INFINITY, NAN, 4e-10 };
    struct sim sim;
    struct co_task *tasks[5];

    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        double deadline = passed[i];

        sim_begin(&sim);
        tasks[0] = co_spawn(nap, .seconds = 99);
        tasks[1] = co_spawn(guarded, .kind = LEAF, .seconds = 9, .deadline = deadline);
        tasks[2] = co_spawn(guarded, .kind = CALL, .seconds = 9, .deadline = deadline);
        tasks[3] = co_spawn(guarded, .kind = WAIT, .deadline = deadline);
        tasks[4] = co_spawn(guarded, .kind = JOIN, .task = tasks[0], .deadline = deadline);
        assert_int_equal(sim_run(&sim), 0);
        for (int k = 1; k < 5; k++) {
            assert_int_equal(co_task_result(tasks[k]), -ETIMEDOUT);
            assert_int_equal(frame_of(tasks[k])->after, 0);
        }
        assert_int_equal(sim.now, 1 * S);
        finish(&sim, tasks, 5);
    }
}

static void a_deadline_may_be_far_away_or_never(void **state)
{
    (void)state;
    static const double far[] = { 1e9, 8.9e9, 9e9, 1e18, 1e300, INFINITY };
    struct sim sim;
    struct co_task *tasks[2];

    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        sim_begin(&sim);
        tasks[0] = co_spawn(guarded, .kind = LEAF, .seconds = 9, .deadline = far[i]);
        tasks[1] = co_spawn(guarded, .kind = CALL, .seconds = 1e8, .deadline = far[i]);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[0]), 0);
        assert_int_equal(co_task_result(tasks[1]), 0);
        assert_int_equal(sim.now, (100000000 + 1) * S);
        finish(&sim, tasks, 2);
    }
}

static void without_room_for_a_timer_the_op_is_taken_back(void **state)
{
    (void)state;
    struct sim sim;
    struct co_timer_slot slot;
    struct co_task task;
    struct guarded frame;

    for (enum kind kind = LEAF; kind <= CALL; kind++) {
        sim_begin(&sim);
        sim.driver.resize = NULL;
        co_scheduler_init(&sim.scheduler, &sim.driver, &slot, 1);
        co_task_init(&task, &frame, guarded, .kind = kind, .seconds = 9, .deadline = 3);
        assert_int_equal(sim_run(&sim), 0);
        /* The op has its timer; or the deadline has one, and what it calls has none. */
        assert_int_equal(co_task_result(&task), kind == LEAF ? -ENOMEM : kind == CALL ? -ENOMEM
                         : -ETIMEDOUT);
        assert_int_equal(frame.after, 0);
        sim_end(&sim);
    }
}

/* ---- What is not lost, and what is dropped --------------------------------------------------- */

static void a_deadline_in_the_turn_of_the_completion_loses_nothing(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(guarded, .kind = WAIT, .deadline = 3);
    sim_turns(&sim, 1);
    sim.now = 3 * S;
    co_wake(task, 55);                                /* and now the deadline passes as well */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), 55);
    assert_int_equal(frame_of(task)->after, 0);         /* it was dropped at its edge */
    finish(&sim, &task, 1);
}

static void a_sleep_as_long_as_its_deadline_ends_one_way_or_the_other(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(guarded, .kind = LEAF, .deadline = 3, .seconds = 3);
    assert_int_equal(sim_run(&sim), 0);
    assert_true(co_task_result(task) == 0 || co_task_result(task) == -ETIMEDOUT);
    assert_int_equal(frame_of(task)->after, 0);
    finish(&sim, &task, 1);
}

static void what_is_ready_when_the_deadline_begins_is_given(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(guarded, .kind = SLEEP_OF_0, .deadline = -1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), 0);
    assert_int_equal(frame_of(task)->after, 0);
    finish(&sim, &task, 1);
}

/* Swallows one request and sleeps on, five seconds in all. */
struct swallow { co_frame; intptr_t slept; int i, swallowed; };
static co_define(swallow) {
    co_begin;
    for (self->i = 0; self->i < 5; self->i++) {
        co_await(self->slept, co_sleep(1));
        if (self->slept < 0 && self->swallowed++)
            co_return(self->slept);
    }
    co_return(self->swallowed);
    co_end;
}

struct swallows { co_frame; struct co_within slot; struct swallow child; intptr_t result, after; };
static co_define(swallows) {
    co_begin;
    co_await(self->result, co_within(&self->slot, 1.5, co_call(&self->child, swallow)));
    co_await(self->after, co_sleep(1));
    co_return(self->result);
    co_end;
}

static void a_request_that_is_swallowed_does_not_come_again(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(swallows);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), 1);
    assert_int_equal(CO_TASK_FRAME(task, swallows)->after, 0);
    assert_int_equal(sim.now, 4 * S + 500 * MS + 1 * S);
    finish(&sim, &task, 1);
}

/* ---- Nested ---------------------------------------------------------------------------------- */

struct nested {
    co_frame;
    double inner_seconds, outer_seconds, work_seconds;
    struct co_within inner, outer;
    struct work work;
    intptr_t result, after;
};
static co_define(nested) {
    co_begin;
    co_await(self->result, co_within(&self->outer, self->outer_seconds,
        co_within(&self->inner, self->inner_seconds,
            co_call(&self->work, work, .seconds = self->work_seconds, .clean_up = 0.25))));
    co_await(self->after, co_sleep(1));
    co_return(self->result);
    co_end;
}

static void of_nested_deadlines_the_earliest_counts(void **state)
{
    (void)state;
    struct sim sim;
    static const struct { double inner, outer, work; intptr_t result; int64_t ms; } cases[] = {
        { 1, 2, 9, -ETIMEDOUT, 1250 }, { 2, 1, 9, -ETIMEDOUT, 1250 }, { 2, 2, 1, 0, 1250 },
        { 0, 1, 1, -ETIMEDOUT, 250 }, { 1, 0, 1, -ETIMEDOUT, 250 },
        { 1, 1, 9, -ETIMEDOUT, 1000 }, { 0, 0, 1, -ETIMEDOUT, 0 },
    };                          /* the last two: both at once, the second cuts the clean-up short */

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sim_begin(&sim);
        struct co_task *task = co_spawn(nested, .inner_seconds = cases[i].inner,
                                       .outer_seconds = cases[i].outer,
                                       .work_seconds = cases[i].work);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(task), cases[i].result);
        assert_int_equal(CO_TASK_FRAME(task, nested)->after, 0);
        assert_int_equal(CO_TASK_FRAME(task, nested)->work.clean, i < 5 ? 0 : -ECANCELED);
        assert_int_equal(sim.now, (cases[i].ms + 1000) * MS);
        finish(&sim, &task, 1);
    }
}

/* Tries work of [work_seconds], with a second for each try, until it succeeds. */
struct retry {
    co_frame;
    double work_seconds;
    struct co_within slot;
    struct work work;
    intptr_t result;
    int tries;
};
static co_define(retry) {
    co_begin;
    do {
        self->tries++;
        co_await(self->result, co_within(&self->slot, 1,
            co_call(&self->work, work, .seconds = self->work_seconds)));
    } while (self->result == -ETIMEDOUT);
    co_return(self->result);
    co_end;
}

struct retries {
    co_frame;
    double deadline;
    struct co_within slot;
    struct retry retry;
    intptr_t n;
};
static co_define(retries) {
    co_begin;
    co_await(self->n, co_within(&self->slot, self->deadline,
                                co_call(&self->retry, retry, .work_seconds = 9)));
    co_return(self->n);
    co_end;
}

static void a_loop_of_tries_knows_its_deadline_from_the_outer_one(void **state)
{
    (void)state;
    struct sim sim;
    static const double deadlines[] = { 0, 0.5, 1, 1.5, 2, 3.5, 10 };
    struct co_task *task;

    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        sim_begin(&sim);
        task = co_spawn(retries, .deadline = deadlines[i]);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(task), -ETIMEDOUT);
        assert_int_equal(CO_TASK_FRAME(task, retries)->retry.result, -ECANCELED);
        assert_int_equal(sim.now, co_task_ns_(deadlines[i])); /* in that very turn, if in one */
        finish(&sim, &task, 1);
    }
}

/* Tries to be woken and then to sleep. */
struct knock { co_frame; };
static co_define(knock) {
    co_begin;
    co_try(co_wait());
    co_try(co_sleep(9));
    co_end;
}

struct knocks { co_frame; struct co_within outer, inner; struct knock knock; intptr_t n; };
static co_define(knocks) {
    co_begin;
    co_await(self->n, co_within(&self->outer, 2,
        co_within(&self->inner, 1, co_call(&self->knock, knock))));
    co_return(self->n);
    co_end;
}

static void of_two_deadlines_that_wait_to_be_met_the_outer_one_is_first(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(knocks);
    sim_turns(&sim, 1);
    sim.now = 3 * S;                                    /* both pass while the task is ready */
    co_wake(task, 0);
    sim_turns(&sim, 1);
    assert_int_equal(co_task_result(task), -ETIMEDOUT);
    assert_int_equal(CO_TASK_FRAME(task, knocks)->inner.co.result, -ECANCELED);
    finish(&sim, &task, 1);
}

/* Two deadlines at the same time, the inner one in a loop of tries. */
struct twins {
    co_frame;
    double inner, outer;
    struct work child;
    struct co_within slots[2];
    intptr_t n;
    int tries;
};
struct twin { co_frame; struct twins *twins; };
static co_define(twin) {
    co_begin;
    do {
        co_await(self->twins->n, co_within(&self->twins->slots[0], self->twins->inner,
                                           co_call(&self->twins->child, work, .seconds = 60,
                                                   .clean_up = 1)));
        self->twins->tries++;
    } while (self->twins->n == -ETIMEDOUT && self->twins->tries < 10);
    co_return(self->twins->n);
    co_end;
}
struct twins_outer { co_frame; struct twins *twins; struct twin twin; };
static co_define(twins_outer) {
    co_begin;
    co_try(co_within(&self->twins->slots[1], self->twins->outer,
                     co_call(&self->twin, twin, .twins = self->twins)));
    co_end;
}

static void an_outer_deadline_in_the_same_turn_is_not_lost_in_an_inner_one(void **state)
{
    (void)state;
    static const double inner[] = { 4, 3.5, 4.5, 2 };

    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        struct twins twins = { .inner = inner[i], .outer = 4 };
        struct sim sim;
        struct co_task *task;

        sim_begin(&sim);
        task = co_spawn(twins_outer, .twins = &twins);
        sim_turn(&sim);
        if (i < 3)
            sim.now = 5 * S;            /* a late turn: both are over */
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(task), -ETIMEDOUT);
        assert_in_range(twins.tries, 1, 2);
        finish(&sim, &task, 1);
    }
}

static void a_cancel_ends_a_loop_of_tries(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    for (int turns = 0; turns < 3; turns++) {
        sim_begin(&sim);
        task = co_spawn(retries, .deadline = 10);
        for (int i = 0; i < turns; i++)
            sim_turn(&sim);
        co_cancel(task);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(task), -ECANCELED);
        finish(&sim, &task, 1);
    }
}

struct deep { co_frame; int levels, depth; struct deep *child; struct co_within slot; intptr_t n; };
static co_define(deep) {
    co_begin;
    if (self->levels == 0)
        co_try(co_sleep(9));
    else
        co_await(self->n, co_within(&self->slot, self->depth % 7 + 1,
            co_call(self->child, deep, .levels = self->levels - 1, .depth = self->depth + 1,
                    .child = self->child + 1)));
    co_return(self->n);
    co_end;
}

static void a_hundred_deadlines_may_nest(void **state)
{
    (void)state;
    struct sim sim;
    static struct deep frames[101];
    struct co_task task;

    sim_begin(&sim);
    memset(frames, 0, sizeof frames);
    co_task_init(&task, frames, deep, .levels = 100, .child = frames + 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), -ETIMEDOUT);
    assert_int_equal(sim.now, 1 * S);
    assert_int_equal(sim.scheduler.timer_count, 0);
    sim_end(&sim);
}

/* ---- Together with a cancel ------------------------------------------------------------------ */

struct alarm { struct co_timer timer; struct co_task *task; };
static void alarm_rings(struct co_timer *timer)
{
    co_cancel(((struct alarm *)(void *)timer)->task);
}

static void a_cancel_stands_where_a_deadline_passes_in_the_same_turn(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    for (int before = 0; before < 2; before++)
        for (enum kind kind = LEAF; kind <= GATHER; kind++) {
            struct alarm alarm = { .timer.fire = alarm_rings };

            sim_begin(&sim);
            tasks[0] = co_spawn(work, .seconds = 9, .clean_up = 1);
            tasks[1] = alarm.task = co_spawn(guarded, .kind = kind, .deadline = 3, .seconds = 9,
                                               .work.clean_up = 1, .task = tasks[0]);
            co_timer_start(&alarm.timer, before ? 3 * S - 1 : 3 * S + 1);
            sim_turns(&sim, 1);
            sim.now = 4 * S;
            sim_turns(&sim, 1);                         /* both fire before the task runs */
            assert_int_equal(alarm.timer.place, 0);
            if (kind == JOIN || kind == GATHER)
                assert_int_equal(co_task_state(tasks[1]), CO_TASK_PENDING);
            assert_int_equal(sim_run(&sim), 0);
            assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
            assert_int_equal(frame_of(tasks[1])->after, 0);     /* neither comes again */
            if (kind == JOIN || kind == GATHER)
                assert_int_equal(CO_TASK_FRAME(tasks[0], work)->clean, 0);
            finish(&sim, tasks, 2);
        }
}

static void a_cancel_during_the_clean_up_of_a_deadline_stands(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;
    struct alarm alarm = { .timer.fire = alarm_rings };

    sim_begin(&sim);
    task = alarm.task = co_spawn(guarded, .kind = CALL, .deadline = 3, .seconds = 9,
                                   .work.clean_up = 5);
    co_timer_start(&alarm.timer, 4 * S);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(task)->work.seen, -ECANCELED);
    assert_int_equal(frame_of(task)->work.clean, -ECANCELED);
    assert_int_equal(co_task_result(task), -ECANCELED);
    assert_int_equal(sim.now, (4 + 1) * S);
    finish(&sim, &task, 1);
}

static void a_deadline_during_the_clean_up_of_a_cancel_cuts_it_short(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(guarded, .kind = CALL, .deadline = 3, .seconds = 9, .work.clean_up = 5);
    sim_turns(&sim, 1);
    co_cancel(task);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(task)->work.clean, -ECANCELED);
    assert_int_equal(co_task_result(task), -ECANCELED);
    assert_int_equal(frame_of(task)->after, 0);
    assert_int_equal(sim.now, (3 + 1) * S);
    finish(&sim, &task, 1);
}

static void a_cancel_that_was_swallowed_inside_still_makes_no_timeout(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;
    struct alarm alarm = { .timer.fire = alarm_rings };

    sim_begin(&sim);
    task = alarm.task = co_spawn(swallows);
    co_timer_start(&alarm.timer, 500 * MS);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), -ECANCELED);
    assert_int_equal(CO_TASK_FRAME(task, swallows)->after, 0);
    assert_int_equal(sim.now, 1500 * MS + 1 * S);
    finish(&sim, &task, 1);
}

static void a_cancel_of_the_joined_task_is_no_timeout_of_the_joiner(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 9);
    tasks[1] = co_spawn(guarded, .kind = JOIN, .deadline = 3, .task = tasks[0]);
    sim_turns(&sim, 1);
    co_cancel(tasks[0]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(sim.now, 1 * S);
    finish(&sim, tasks, 2);
}

static void a_timeout_of_the_joined_task_is_its_result_for_the_joiner(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(guarded, .kind = LEAF, .deadline = 1, .seconds = 9);
    tasks[1] = co_spawn(guarded, .kind = JOIN, .deadline = 5, .task = tasks[0]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -ETIMEDOUT);
    assert_int_equal(sim.now, (1 + 1 + 1) * S);
    finish(&sim, tasks, 2);
}

static void a_deadline_of_the_joiner_is_a_cancel_for_the_joined_task(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(guarded, .kind = LEAF, .deadline = 5, .seconds = 9);
    tasks[1] = co_spawn(guarded, .kind = JOIN, .deadline = 1, .task = tasks[0]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(tasks[0])->result, -ECANCELED);
    assert_int_equal(frame_of(tasks[0])->after, 0);
    assert_int_equal(co_task_result(tasks[1]), -ETIMEDOUT);
    assert_int_equal(sim.now, (1 + 1 + 1) * S);
    finish(&sim, tasks, 2);
}

static void a_deadline_in_a_ring_of_tasks_wakes_none_of_them(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    for (int gathers = 0; gathers < 8; gathers++) {
        sim_begin(&sim);
        for (int i = 0; i < 3; i++)
            tasks[i] = co_spawn(guarded, .kind = gathers >> i & 1 ? GATHER : JOIN,
                                  .deadline = i == 0 ? 1 : 100);
        for (int i = 0; i < 3; i++)
            frame_of(tasks[i])->task = tasks[(i + 1) % 3];
        assert_int_equal(sim_run(&sim), 3);
        assert_int_equal(sim.now, 100 * S);             /* all deadlines have expired */
        assert_int_equal(co_scheduler_break_ring(&sim.scheduler), 1);
        assert_int_equal(sim_run(&sim), 0);
        for (int i = 0; i < 3; i++)
            assert_true(co_task_result(tasks[i]) < 0);
        finish(&sim, tasks, 3);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_op_that_ends_in_time_gives_its_result),
    cmocka_unit_test(an_op_that_is_late_is_cancelled_and_gives_etimedout),
    cmocka_unit_test(a_late_op_that_succeeds_after_all_gives_its_result),
    cmocka_unit_test(an_op_that_completes_at_once_needs_no_time),
    cmocka_unit_test(a_pause_inside_is_cut_by_the_deadline),
    cmocka_unit_test(a_generator_may_be_inside_or_have_one_inside),
    cmocka_unit_test(a_deadline_of_nothing_or_of_no_number_has_passed),
    cmocka_unit_test(a_deadline_may_be_far_away_or_never),
    cmocka_unit_test(without_room_for_a_timer_the_op_is_taken_back),
    cmocka_unit_test(a_deadline_in_the_turn_of_the_completion_loses_nothing),
    cmocka_unit_test(a_sleep_as_long_as_its_deadline_ends_one_way_or_the_other),
    cmocka_unit_test(what_is_ready_when_the_deadline_begins_is_given),
    cmocka_unit_test(a_request_that_is_swallowed_does_not_come_again),
    cmocka_unit_test(of_nested_deadlines_the_earliest_counts),
    cmocka_unit_test(a_loop_of_tries_knows_its_deadline_from_the_outer_one),
    cmocka_unit_test(of_two_deadlines_that_wait_to_be_met_the_outer_one_is_first),
    cmocka_unit_test(an_outer_deadline_in_the_same_turn_is_not_lost_in_an_inner_one),
    cmocka_unit_test(a_cancel_ends_a_loop_of_tries),
    cmocka_unit_test(a_hundred_deadlines_may_nest),
    cmocka_unit_test(a_cancel_stands_where_a_deadline_passes_in_the_same_turn),
    cmocka_unit_test(a_cancel_during_the_clean_up_of_a_deadline_stands),
    cmocka_unit_test(a_deadline_during_the_clean_up_of_a_cancel_cuts_it_short),
    cmocka_unit_test(a_cancel_that_was_swallowed_inside_still_makes_no_timeout),
    cmocka_unit_test(a_cancel_of_the_joined_task_is_no_timeout_of_the_joiner),
    cmocka_unit_test(a_timeout_of_the_joined_task_is_its_result_for_the_joiner),
    cmocka_unit_test(a_deadline_of_the_joiner_is_a_cancel_for_the_joined_task),
    cmocka_unit_test(a_deadline_in_a_ring_of_tasks_wakes_none_of_them),
};

TEST_MAIN(tests)
