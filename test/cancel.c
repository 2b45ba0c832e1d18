/* SPDX-License-Identifier: BSD-2-Clause
 * cancel.c: tests of co_cancel: what is taken back, what is never lost, how a request goes down.
 * Deadlines are in within.c; a cancel at each turn of a whole program is in cancel_at.c. */
#include "task_test.h"
#ifndef TEST_TARGET
#include "../loop.h"
#endif

/* Waits for something, then cleans up for [clean_up] seconds. [first] is what the wait gave. */
enum kind { SLEEP, WAIT, PAUSE, JOIN, GATHER, WITHIN, READ, SLEEP_OF_0, NOTHING, KINDS };
struct victim {
    co_frame;
    enum kind kind;
    double clean_up;
    struct co_task *task;
    struct co_task **tasks;
    size_t n;
    struct sim *sim;
    int fd, began, finals;
    intptr_t first, clean;
    struct co_within within;
};
static co_define(victim) {
    co_begin;
    self->began = 1;
    self->first = -EINPROGRESS;
    if (self->kind == SLEEP)
        co_await(self->first, co_sleep(10));
    else if (self->kind == WAIT)
        co_await(self->first, co_wait());
    else if (self->kind == JOIN)
        co_await(self->first, co_join(self->task));
    else if (self->kind == GATHER)
        co_await(self->first, co_gather(self->tasks, self->n));
    else if (self->kind == WITHIN)
        co_await(self->first, co_within(&self->within, 20, co_sleep(10)));
    else if (self->kind == READ)
        co_await(self->first, co_sim_readable(self->sim, self->fd));
    else if (self->kind == SLEEP_OF_0)
        co_await(self->first, co_sleep(0));
    else if (self->kind == PAUSE)
        co_pause;
    co_return(self->first);
    co_finally;
    if (self->kind == PAUSE)
        self->first = self->co.result;
    if (self->clean_up > 0)
        co_await(self->clean, co_sleep(self->clean_up));
    self->finals++;
    co_end;
}

static struct victim *frame_of(struct co_task *task)
{
    return CO_TASK_FRAME(task, victim);
}

/* Runs all and frees [n] tasks. */
static void finish(struct sim *sim, struct co_task **tasks, size_t n)
{
    assert_int_equal(sim_run(sim), 0);
    for (size_t i = 0; i < n; i++)
        co_task_free(tasks[i]);
    sim_end(sim);
}

/* ---- What is taken back ---------------------------------------------------------------------- */

/* A victim of each kind, and two naps that the join and the gather wait for. */
enum { OF_JOIN = KINDS, OF_GATHER, ALL };
static void victims(struct sim *sim, struct co_task **tasks, int fd)
{
    sim_begin(sim);
    tasks[OF_JOIN] = co_spawn(nap, .seconds = 30);
    tasks[OF_GATHER] = co_spawn(nap, .seconds = 30);
    for (enum kind kind = SLEEP; kind < KINDS; kind++)
        tasks[kind] = co_spawn(victim, .kind = kind, .clean_up = 1, .sim = sim, .fd = fd,
                                 .task = tasks[OF_JOIN], .tasks = &tasks[OF_GATHER], .n = 1);
}

static void each_wait_is_taken_back(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[ALL];
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    victims(&sim, tasks, fds[0]);
    sim_turns(&sim, 1);
    for (int i = 0; i < KINDS; i++)
        assert_int_equal(co_cancel(tasks[i]), 1);
    assert_null(sim.fds[0].task);
    assert_int_equal(sim.scheduler.timer_count, 1);     /* that of the deadline */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(sim.now, 1 * S);                   /* the clean-up could sleep */
    for (int i = 0; i < KINDS; i++) {
        bool done = i == SLEEP_OF_0 || i == NOTHING;    /* too late for these */
        assert_int_equal(frame_of(tasks[i])->first,
                         i == NOTHING ? -EINPROGRESS : done ? 0 : -ECANCELED);
        assert_int_equal(frame_of(tasks[i])->clean, done ? -ECANCELED : 0);
        assert_int_equal(frame_of(tasks[i])->finals, 1);
    }
    assert_int_equal(co_task_result(tasks[OF_JOIN]), -ECANCELED);
    assert_int_equal(co_task_result(tasks[OF_GATHER]), -ECANCELED);
    finish(&sim, tasks, ALL);
    close(fds[0]);
    close(fds[1]);
}

static void a_task_that_is_cancelled_before_it_began_runs_to_its_first_await(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[ALL];
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    victims(&sim, tasks, fds[0]);
    for (int i = 0; i < KINDS; i++)
        assert_int_equal(co_cancel(tasks[i]), 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(sim.now, 1 * S);
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(frame_of(tasks[i])->began, 1);
        assert_int_equal(frame_of(tasks[i])->finals, 1);
        assert_int_equal(frame_of(tasks[i])->first, i == NOTHING ? -EINPROGRESS : -ECANCELED);
        assert_int_equal(frame_of(tasks[i])->clean, i == NOTHING ? -ECANCELED : 0);
    }
    finish(&sim, tasks, ALL);
    close(fds[0]);
    close(fds[1]);
}

#ifndef TEST_TARGET
struct reader { co_frame; int fd; char byte; intptr_t ready, n; };
static co_define(reader) {
    co_begin;
    co_try(self->ready, co_readable(self->fd));
    co_try(self->n, co_read(self->fd, &self->byte, 1));
    co_return(self->byte);
    co_end;
}
#endif

static void a_cancelled_reader_leaves_the_pipe_to_the_next_one(void **state)
{
    (void)state;
#ifdef TEST_TARGET
    tap_skip("there is no libev");
#else
    int fds[2];
    struct co_loop *loop = co_loop_new(NULL);

    assert_int_equal(pipe(fds), 0);
    co_fd_nonblock(fds[0]);
    struct co_task *first = co_spawn(reader, .fd = fds[0]);
    co_scheduler_turn(co_scheduler_get());
    struct co_task *refused = co_spawn(reader, .fd = fds[0]);
    co_scheduler_turn(co_scheduler_get());
    assert_int_equal(CO_TASK_FRAME(refused, reader)->ready, -EBUSY);
    co_cancel(first);
    struct co_task *next = co_spawn(reader, .fd = fds[0]);
    co_scheduler_turn(co_scheduler_get());
    assert_int_equal(CO_TASK_FRAME(first, reader)->ready, -ECANCELED);
    assert_int_equal(write(fds[1], "xy", 2), 2);
    assert_int_equal(co_loop_run(loop), 0);
    assert_int_equal(co_task_result(next), 'x');
    co_task_free(first);
    co_task_free(refused);
    co_task_free(next);
    co_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
#endif
}

/* ---- What is not lost ------------------------------------------------------------------------ */

static void an_op_that_had_completed_delivers_its_result(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(victim, .kind = WAIT, .clean_up = 1);
    tasks[1] = co_spawn(victim, .kind = WAIT, .clean_up = 0);
    sim_turns(&sim, 1);
    co_wake(tasks[0], 55);
    co_wake(tasks[1], 66);
    assert_int_equal(co_cancel(tasks[0]), 1);
    assert_int_equal(co_cancel(tasks[1]), 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[0]), 55);
    assert_int_equal(frame_of(tasks[0])->clean, -ECANCELED);    /* the await that came next */
    assert_int_equal(co_task_result(tasks[1]), 66);                /* there came none */
    assert_int_equal(co_task_state(tasks[1]), CO_TASK_FINISHED);
    finish(&sim, tasks, 2);
}

struct canceller { co_frame; struct co_task *task; double seconds; };
static co_define(canceller) {
    co_begin;
    if (self->seconds > 0)
        co_await(co_sleep(self->seconds));
    co_cancel(self->task);
    co_end;
}

static void a_sleep_that_ends_in_the_turn_of_the_cancel_has_ended(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(canceller, .seconds = 10);
    tasks[1] = co_spawn(victim, .kind = SLEEP, .clean_up = 1);
    tasks[2] = co_spawn(canceller, .seconds = 10, .task = tasks[1]);
    CO_TASK_FRAME(tasks[0], canceller)->task = tasks[1];           /* before and after it, twice */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), 0);
    assert_int_equal(frame_of(tasks[1])->clean, -ECANCELED);
    assert_int_equal(sim.now, 10 * S);
    finish(&sim, tasks, 3);
}

static void a_join_that_has_its_result_delivers_it(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .value = 5, .pauses = 1);
    tasks[1] = co_spawn(victim, .kind = JOIN, .task = tasks[0], .clean_up = 1);
    tasks[2] = co_spawn(victim, .kind = GATHER, .tasks = tasks, .n = 1, .clean_up = 1);
    sim_turns(&sim, 2);
    assert_int_equal(co_task_state(tasks[0]), CO_TASK_FINISHED);
    co_cancel(tasks[1]);
    co_cancel(tasks[2]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), 5);
    assert_int_equal(co_task_result(tasks[2]), 0);
    assert_int_equal(frame_of(tasks[1])->clean, -ECANCELED);
    assert_int_equal(frame_of(tasks[2])->clean, -ECANCELED);
    finish(&sim, tasks, 3);
}

static void a_callback_that_comes_after_the_cancel_is_ignored(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(victim, .kind = WAIT, .clean_up = 1);
    sim_turns(&sim, 1);
    co_cancel(task);
    co_wake(task, 55);                    /* it has not seen the cancel, so nobody else could */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), -ECANCELED);
    assert_int_equal(frame_of(task)->clean, 0);
    finish(&sim, &task, 1);
}

static void a_join_of_what_has_ended_leaves_the_request_to_the_next_await(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .value = 5);
    sim_run(&sim);
    tasks[1] = co_spawn(victim, .kind = JOIN, .task = tasks[0], .clean_up = 1);
    tasks[2] = co_spawn(victim, .kind = GATHER, .tasks = tasks, .n = 1, .clean_up = 1);
    co_cancel(tasks[1]);
    co_cancel(tasks[2]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), 5);         /* it may be an fd: not to be lost */
    assert_int_equal(frame_of(tasks[1])->clean, -ECANCELED);
    assert_int_equal(co_task_result(tasks[2]), 0);
    assert_int_equal(frame_of(tasks[2])->clean, -ECANCELED);
    finish(&sim, tasks, 3);
}

/* ---- One request ----------------------------------------------------------------------------- */

static void two_requests_before_a_task_sees_the_first_are_one(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[ALL];
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    victims(&sim, tasks, fds[0]);
    co_cancel(tasks[NOTHING]);
    co_cancel(tasks[NOTHING]);
    sim_turns(&sim, 1);
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < KINDS; i++)
            if (i != SLEEP_OF_0 && i != NOTHING)
                assert_int_equal(co_cancel(tasks[i]), 1);
    assert_int_equal(sim_run(&sim), 0);
    for (int i = 0; i < KINDS; i++)
        if (i != SLEEP_OF_0 && i != NOTHING)
            assert_int_equal(frame_of(tasks[i])->clean, 0);
    assert_int_equal(sim.now, 1 * S);
    finish(&sim, tasks, ALL);
    close(fds[0]);
    close(fds[1]);
}

static void a_second_request_cuts_the_clean_up_short(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(victim, .kind = SLEEP, .clean_up = 5);
    sim_turns(&sim, 1);
    co_cancel(task);
    sim_turns(&sim, 1);                                         /* it has seen the first one */
    assert_int_equal(co_cancel(task), 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(sim.now, 0);
    assert_int_equal(frame_of(task)->first, -ECANCELED);
    assert_int_equal(frame_of(task)->clean, -ECANCELED);
    assert_int_equal(frame_of(task)->finals, 1);
    finish(&sim, &task, 1);
}

struct suicide { co_frame; intptr_t first, second; int times; };
static co_define(suicide) {
    co_begin;
    while (self->times-- > 0)
        co_cancel(co_current());
    co_await(self->first, co_sleep(1));
    co_await(self->second, co_sleep(1));
    co_cancel(co_current());
    co_return(3);
    co_end;
}

static void a_task_may_cancel_itself(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(suicide, .times = 2);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(task, suicide)->first, -ECANCELED);
    assert_int_equal(CO_TASK_FRAME(task, suicide)->second, 0);
    assert_int_equal(co_task_result(task), 3);             /* the last request met no await */
    assert_int_equal(co_task_state(task), CO_TASK_FINISHED);
    finish(&sim, &task, 1);
}

static void a_task_that_has_ended_is_not_cancelled(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(give, .value = 4);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_cancel(task), 0);
    assert_int_equal(co_task_result(task), 4);
    assert_int_equal(co_task_state(task), CO_TASK_FINISHED);
    assert_int_equal(co_cancel(NULL), 0);
    finish(&sim, &task, 1);
}

struct stubborn { co_frame; int i, cancels; };
static co_define(stubborn) {                            /* sleeps five seconds, whatever comes */
    co_begin;
    while (self->i < 5) {
        intptr_t slept;
        co_await(slept, co_sleep(1));
        if (slept == 0)
            self->i++;
        else
            self->cancels++;
    }
    co_return(7);
    co_end;
}

static void a_request_may_be_ignored(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(stubborn);
    for (int i = 0; i < 10; i++) {
        sim_turns(&sim, 1);
        co_cancel(task);
    }
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(task, stubborn)->cancels, 10);
    assert_int_equal(co_task_result(task), 7);
    assert_int_equal(co_task_state(task), CO_TASK_FINISHED);
    assert_int_equal(sim.now, 5 * S);
    finish(&sim, &task, 1);
}

struct alarm { struct co_timer timer; struct co_task *task; };
static void alarm_rings(struct co_timer *timer)
{
    co_cancel(((struct alarm *)(void *)timer)->task);
}

static void a_timer_may_cancel_a_task(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;
    struct alarm alarm = { .timer.fire = alarm_rings };

    sim_begin(&sim);
    task = alarm.task = co_spawn(victim, .kind = SLEEP, .clean_up = 1);
    assert_int_equal(co_timer_start(&alarm.timer, 2 * S), 0);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), -ECANCELED);
    assert_int_equal(sim.now, 3 * S);
    finish(&sim, &task, 1);
}

struct poller { co_frame; int polls, finals; };
static co_define(poller) {
    co_begin;
    co_wait_until(self->polls++ > 10);
    co_return(1);
    co_finally;
    self->finals++;
    co_end;
}

static void a_wait_until_is_cancelled_as_a_pause_is(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(poller);
    tasks[1] = co_spawn(poller);
    sim_turns(&sim, 5);
    co_cancel(tasks[1]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[0]), 1);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(CO_TASK_FRAME(tasks[1], poller)->polls, 5);
    assert_int_equal(CO_TASK_FRAME(tasks[1], poller)->finals, 1);
    finish(&sim, tasks, 2);
}

/* ---- Down ------------------------------------------------------------------------------------ */

static void a_cancelled_join_ends_when_the_joined_task_has_ended(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(victim, .kind = SLEEP, .clean_up = 3);
    tasks[1] = co_spawn(joiner, .name = "inner", .task = tasks[0]);
    tasks[2] = co_spawn(joiner, .name = "outer", .task = tasks[1]);
    tasks[3] = co_spawn(joiner, .name = "other", .task = tasks[0]);
    sim_turns(&sim, 1);
    co_cancel(tasks[2]);
    sim_turns(&sim, 3);
    for (int i = 0; i < 4; i++)
        assert_int_equal(co_task_state(tasks[i]), CO_TASK_PENDING);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(sim.now, 3 * S);
    assert_notes("inner other outer");
    for (int i = 0; i < 4; i++)
        assert_int_equal(co_task_state(tasks[i]), CO_TASK_CANCELLED);
    finish(&sim, tasks, 4);
}

static void what_a_cancelled_join_gives_after_all_leaves_the_request_to_the_next(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(stubborn);
    tasks[1] = co_spawn(victim, .kind = JOIN, .task = tasks[0], .clean_up = 1);
    sim_turns(&sim, 1);
    co_cancel(tasks[1]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(tasks[0], stubborn)->cancels, 1);
    assert_int_equal(co_task_result(tasks[1]), 7);
    assert_int_equal(frame_of(tasks[1])->clean, -ECANCELED);    /* nobody had met it below */
    assert_int_equal(sim.now, 5 * S);
    finish(&sim, tasks, 2);
}

static void a_cancelled_join_cancels_a_task_that_has_not_begun(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[1] = co_spawn(victim, .kind = JOIN);
    sim_turns(&sim, 0);
    tasks[0] = co_spawn(victim, .kind = SLEEP, .clean_up = 2);
    frame_of(tasks[1])->task = tasks[0];
    co_cancel(tasks[1]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(tasks[0])->began, 1);
    assert_int_equal(frame_of(tasks[0])->clean, 0);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(sim.now, 2 * S);
    finish(&sim, tasks, 2);
}

static void a_cancelled_gather_cancels_all_and_awaits_all(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[6];

    sim_begin(&sim);
    tasks[0] = co_spawn(victim, .kind = SLEEP, .clean_up = 1);
    tasks[1] = co_spawn(victim, .kind = WAIT, .clean_up = 4);
    tasks[2] = co_spawn(give, .value = 2);
    tasks[3] = co_spawn(stubborn);
    tasks[4] = tasks[0];
    tasks[5] = co_spawn(victim, .kind = GATHER, .tasks = tasks, .n = 5, .clean_up = 1);
    sim_turns(&sim, 2);
    co_cancel(tasks[5]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(tasks[0])->first, -ECANCELED);
    assert_int_equal(frame_of(tasks[0])->clean, 0);     /* named twice, asked once */
    assert_int_equal(frame_of(tasks[1])->clean, 0);
    assert_int_equal(co_task_result(tasks[2]), 2);
    assert_int_equal(CO_TASK_FRAME(tasks[3], stubborn)->cancels, 1);
    assert_int_equal(co_task_result(tasks[5]), -ECANCELED);
    assert_int_equal(frame_of(tasks[5])->clean, 0);
    assert_int_equal(sim.now, (5 + 1) * S);
    tasks[4] = NULL;
    finish(&sim, tasks, 6);
}

static void a_cancelled_gather_keeps_the_failure_that_came_first(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .value = -5, .pauses = 1);
    tasks[1] = co_spawn(nap, .seconds = 1);
    tasks[2] = co_spawn(gatherer, .tasks = tasks, .n = 2);
    sim_turns(&sim, 2);
    assert_int_equal(co_task_result(tasks[0]), -5);
    co_cancel(tasks[2]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[2]), -5);
    finish(&sim, tasks, 3);
}

static void a_cancelled_gather_whose_tasks_all_succeed_is_ECANCELED(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(stubborn);
    tasks[1] = co_spawn(gatherer, .tasks = tasks, .n = 1);
    sim_turns(&sim, 1);
    co_cancel(tasks[1]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(co_task_result(tasks[0]), 7);
    finish(&sim, tasks, 2);
}

static void a_request_goes_down_through_joins_and_gathers(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[9], *low[2];

    sim_begin(&sim);
    tasks[0] = low[0] = co_spawn(victim, .kind = SLEEP, .clean_up = 1);
    tasks[1] = co_spawn(victim, .kind = WAIT, .clean_up = 2);
    tasks[2] = low[1] = co_spawn(joiner, .name = "join", .task = tasks[1]);
    tasks[3] = co_spawn(gatherer, .name = "low", .tasks = low, .n = 2);
    tasks[4] = co_spawn(victim, .kind = SLEEP, .clean_up = 3);
    tasks[5] = co_spawn(joiner, .name = "middle", .task = tasks[3]);
    tasks[6] = co_spawn(gatherer, .name = "high", .tasks = tasks + 4, .n = 2);
    tasks[7] = co_spawn(joiner, .name = "top", .task = tasks[6]);
    tasks[8] = co_spawn(joiner, .name = "bystander", .task = tasks[3]);
    sim_turns(&sim, 1);
    co_cancel(tasks[7]);
    assert_int_equal(sim.scheduler.timer_count, 0);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("join low middle bystander high top");
    assert_int_equal(sim.now, 3 * S);
    for (int i = 0; i < 9; i++)
        assert_int_equal(co_task_state(tasks[i]), CO_TASK_CANCELLED);
    finish(&sim, tasks, 9);
}

static void a_request_that_reaches_a_task_by_two_ways_is_one(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[5];

    sim_begin(&sim);
    tasks[0] = co_spawn(victim, .kind = SLEEP, .clean_up = 2);
    tasks[1] = co_spawn(joiner, .task = tasks[0]);
    tasks[2] = co_spawn(joiner, .task = tasks[0]);
    tasks[3] = co_spawn(joiner, .task = tasks[1]);
    tasks[4] = co_spawn(gatherer, .tasks = tasks, .n = 4);
    sim_turns(&sim, 1);
    co_cancel(tasks[4]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(tasks[0])->clean, 0);
    assert_int_equal(sim.now, 2 * S);
    for (int i = 0; i < 5; i++)
        assert_int_equal(co_task_state(tasks[i]), CO_TASK_CANCELLED);
    finish(&sim, tasks, 5);
}

static void the_number_of_ways_down_costs_nothing(void **state)
{
    (void)state;
    struct sim sim;
    enum { LAYERS = 60 };                               /* by 2^60 ways to the one that sleeps */
    struct co_task *tasks[3 * LAYERS + 1];

    sim_begin(&sim);
    tasks[0] = co_spawn(victim, .kind = SLEEP, .clean_up = 1);
    for (int i = 1; i < 3 * LAYERS; i += 3) {
        tasks[i] = co_spawn(joiner, .task = tasks[i - 1]);
        tasks[i + 1] = co_spawn(joiner, .task = tasks[i - 1]);
        tasks[i + 2] = co_spawn(gatherer, .tasks = &tasks[i], .n = 2);
    }
    sim_turns(&sim, 1);
    co_cancel(tasks[3 * LAYERS]);
    assert_int_equal(sim_run(&sim), 0);
    for (int i = 0; i <= 3 * LAYERS; i++)
        assert_int_equal(co_task_state(tasks[i]), CO_TASK_CANCELLED);
    assert_int_equal(frame_of(tasks[0])->clean, 0);
    finish(&sim, tasks, 3 * LAYERS + 1);
}

static void cancel_all_asks_each_task_once(void **state)
{
    (void)state;
    struct sim sim;

    for (int newest_first = 0; newest_first < 2; newest_first++) {
        struct co_task *tasks[5] = { NULL };

        sim_begin(&sim);
        for (int k = 0; k < 5; k++) {
            int i = newest_first ? 4 - k : k;
            tasks[i] = co_spawn(victim, .kind = i == 0 ? SLEEP : i == 4 ? GATHER : JOIN,
                                  .clean_up = 1, .tasks = tasks + 1, .n = 3);
        }
        for (int i = 1; i < 4; i++)
            frame_of(tasks[i])->task = tasks[i - 1];
        sim_turns(&sim, 1);
        co_scheduler_cancel_all(&sim.scheduler);
        assert_int_equal(sim_run(&sim), 0);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(frame_of(tasks[i])->first, -ECANCELED);
            assert_int_equal(frame_of(tasks[i])->clean, 0);
        }
        assert_int_equal(sim.now, 5 * S);
        finish(&sim, tasks, 5);
    }
}

/* ---- Rings ----------------------------------------------------------------------------------- */

/* [n] tasks, each of which joins or gathers the next one, and the last one the first. */
static void ring(struct sim *sim, struct co_task **tasks, int n, unsigned gathers)
{
    sim_begin(sim);
    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(victim, .kind = gathers >> i & 1 ? GATHER : JOIN, .clean_up = 1,
                              .n = 1);
    for (int i = 0; i < n; i++) {
        frame_of(tasks[i])->task = tasks[(i + 1) % n];
        frame_of(tasks[i])->tasks = &tasks[(i + 1) % n];
    }
    sim_turns(sim, 1);
    assert_int_equal(co_scheduler_next(&sim->scheduler), INT64_MAX);       /* they wait for ever */
}

/* Each of the ring has met its request once, by the deadlock or by the end of the one behind it. */
static void break_ring(struct sim *sim, struct co_task **tasks, int n)
{
    int deadlocks = 0;

    assert_true(sim_run(sim) > 0);                      /* the request has woken none of them */
    assert_int_equal(co_scheduler_break_ring(&sim->scheduler), 1);
    assert_int_equal(sim_run(sim), 0);
    assert_int_equal(co_scheduler_break_ring(&sim->scheduler), 0);
    for (int k = 0; k < n; k++) {
        intptr_t result = co_task_result(tasks[k]);

        deadlocks += result == -EDEADLK;
        assert_true(result == -EDEADLK || result == -ECANCELED);
        assert_int_equal(frame_of(tasks[k])->finals, 1);
        assert_int_equal(frame_of(tasks[k])->clean, result == -EDEADLK ? -ECANCELED : 0);
    }
    assert_true(deadlocks > 0);
}

static void a_request_in_a_ring_of_tasks_goes_round_once(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[5];

    for (int n = 2; n <= 5; n++)
        for (unsigned gathers = 0; gathers < 1u << n; gathers++)
            for (int i = 0; i <= n; i++) {
                ring(&sim, tasks, n, gathers);
                if (i < n)
                    co_cancel(tasks[i]);
                else
                    co_scheduler_cancel_all(&sim.scheduler);
                break_ring(&sim, tasks, n);
                finish(&sim, tasks, (size_t)n);
            }
}

static void a_ring_that_nobody_cancelled_is_not_broken(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    ring(&sim, tasks, 3, 2);
    assert_int_equal(co_scheduler_break_ring(&sim.scheduler), 0);
    co_cancel(tasks[0]);
    break_ring(&sim, tasks, 3);
    finish(&sim, tasks, 3);
}

static void a_cancel_from_outside_reaches_all_of_a_ring(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[7];

    for (unsigned gathers = 0; gathers < 1u << 3; gathers++) {
        ring(&sim, tasks, 3, gathers);
        tasks[3] = co_spawn(joiner, .task = tasks[1]);
        tasks[4] = co_spawn(joiner, .task = tasks[2]);
        tasks[5] = co_spawn(nap, .seconds = 9);
        tasks[6] = co_spawn(gatherer, .tasks = tasks + 3, .n = 3);
        sim_turns(&sim, 1);
        co_cancel(tasks[6]);
        break_ring(&sim, tasks, 3);
        assert_int_equal(co_task_result(tasks[5]), -ECANCELED);
        assert_true(co_task_result(tasks[6]) < 0);
        finish(&sim, tasks, 7);
    }
}

static void the_others_of_a_gather_in_a_ring_are_cancelled_too(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 9);
    tasks[1] = co_spawn(joiner);
    tasks[2] = co_spawn(nap, .seconds = 9);
    tasks[3] = co_spawn(gatherer, .tasks = tasks, .n = 3);
    CO_TASK_FRAME(tasks[1], joiner)->task = tasks[3];
    sim_turns(&sim, 1);
    co_cancel(tasks[3]);
    assert_int_equal(sim_run(&sim), 2);
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    assert_int_equal(co_task_result(tasks[2]), -ECANCELED);
    assert_int_equal(co_scheduler_break_ring(&sim.scheduler), 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(sim.now, 0);
    finish(&sim, tasks, 4);
}

static void a_request_that_waits_goes_round_the_ring_that_its_task_closes(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    for (unsigned gathers = 0; gathers < 4; gathers++) {
        sim_begin(&sim);
        for (int i = 0; i < 2; i++)
            tasks[i] = co_spawn(victim, .kind = gathers >> i & 1 ? GATHER : JOIN, .clean_up = 1,
                                .tasks = &tasks[1 - i], .n = 1);
        frame_of(tasks[0])->task = tasks[1];
        frame_of(tasks[1])->task = tasks[0];
        co_cancel(tasks[1]);                          /* before either has begun */
        break_ring(&sim, tasks, 2);
        finish(&sim, tasks, 2);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_wait_is_taken_back),
    cmocka_unit_test(a_task_that_is_cancelled_before_it_began_runs_to_its_first_await),
    cmocka_unit_test(a_cancelled_reader_leaves_the_pipe_to_the_next_one),
    cmocka_unit_test(an_op_that_had_completed_delivers_its_result),
    cmocka_unit_test(a_sleep_that_ends_in_the_turn_of_the_cancel_has_ended),
    cmocka_unit_test(a_join_that_has_its_result_delivers_it),
    cmocka_unit_test(a_callback_that_comes_after_the_cancel_is_ignored),
    cmocka_unit_test(a_join_of_what_has_ended_leaves_the_request_to_the_next_await),
    cmocka_unit_test(two_requests_before_a_task_sees_the_first_are_one),
    cmocka_unit_test(a_second_request_cuts_the_clean_up_short),
    cmocka_unit_test(a_task_may_cancel_itself),
    cmocka_unit_test(a_task_that_has_ended_is_not_cancelled),
    cmocka_unit_test(a_request_may_be_ignored),
    cmocka_unit_test(a_timer_may_cancel_a_task),
    cmocka_unit_test(a_wait_until_is_cancelled_as_a_pause_is),
    cmocka_unit_test(a_cancelled_join_ends_when_the_joined_task_has_ended),
    cmocka_unit_test(what_a_cancelled_join_gives_after_all_leaves_the_request_to_the_next),
    cmocka_unit_test(a_cancelled_join_cancels_a_task_that_has_not_begun),
    cmocka_unit_test(a_cancelled_gather_cancels_all_and_awaits_all),
    cmocka_unit_test(a_cancelled_gather_keeps_the_failure_that_came_first),
    cmocka_unit_test(a_cancelled_gather_whose_tasks_all_succeed_is_ECANCELED),
    cmocka_unit_test(a_request_goes_down_through_joins_and_gathers),
    cmocka_unit_test(a_request_that_reaches_a_task_by_two_ways_is_one),
    cmocka_unit_test(the_number_of_ways_down_costs_nothing),
    cmocka_unit_test(cancel_all_asks_each_task_once),
    cmocka_unit_test(a_request_in_a_ring_of_tasks_goes_round_once),
    cmocka_unit_test(a_ring_that_nobody_cancelled_is_not_broken),
    cmocka_unit_test(a_cancel_from_outside_reaches_all_of_a_ring),
    cmocka_unit_test(the_others_of_a_gather_in_a_ring_are_cancelled_too),
    cmocka_unit_test(a_request_that_waits_goes_round_the_ring_that_its_task_closes),
};

TEST_MAIN(tests)
