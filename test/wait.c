/* SPDX-License-Identifier: BSD-2-Clause
 * wait.c: tests of waiting for some of several tasks: co_wait_any, co_wait_tasks, completed; for
 * one with a deadline or a shield: co_wait_for, co_shield; of co_add_done_callback and
 * co_task_next. */
#include "task_test.h"
#include "../group.h"

/* Waits in the way of [kind], notes its name, then makes one more await, which no request may meet.
 * [result] is what the wait gave; that of EACH is 0 after the last one. */
enum kind { ANY, COMPLETED, FAILED, ALL, EACH, SHIELD, WAIT_FOR, KINDS };
struct waiter {
    co_frame;
    enum kind kind;
    struct co_task **tasks;
    size_t n;
    double seconds, deadline;           /* of WAIT_FOR; of a co_within, 0: none */
    const char *name;
    intptr_t result, after;
    int given;                          /* by EACH */
    struct co_as_completed each;
    struct co_within within, limit;     /* limit: of WAIT_FOR */
};

static co_op wait_op(struct waiter *w)
{
    switch (w->kind) {
    case ANY:       return co_wait_any(w->tasks, w->n);
    case COMPLETED: return co_wait_tasks(w->tasks, w->n, CO_FIRST_COMPLETED);
    case FAILED:    return co_wait_tasks(w->tasks, w->n, CO_FIRST_FAILED);
    case ALL:       return co_wait_tasks(w->tasks, w->n, CO_ALL_COMPLETED);
    case EACH:      return co_next(&w->each);
    case SHIELD:    return co_shield(w->tasks[0]);
    case WAIT_FOR:  return co_wait_for(&w->limit, w->tasks[0], w->seconds > 0 ? w->seconds : 100);
    case KINDS:     break;
    }
    return co_done(-EINVAL);
}

static co_define(waiter) {
    co_begin;
    co_as_completed_init(&self->each, self->tasks, self->n);
    do {
        if (self->deadline > 0)
            co_await(self->result, co_within(&self->within, self->deadline, wait_op(self)));
        else
            co_await(self->result, wait_op(self));
    } while (self->kind == EACH && self->result == 1 && ++self->given);
    if (self->name)
        note(self->name);
    co_await(self->after, co_sleep(0));
    co_return(self->result);
    co_end;
}

static struct waiter *frame_of(struct co_task *task)
{
    return CO_TASK_FRAME(task, waiter);
}

/* Runs all and frees [n] tasks. */
static void finish(struct sim *sim, struct co_task **tasks, size_t n)
{
    assert_int_equal(sim_run(sim), 0);
    for (size_t i = 0; i < n; i++)
        co_task_free(tasks[i]);
    sim_end(sim);
}

/* Runs up to the end of [task], and no time more. */
static void run_to_end(struct sim *sim, const struct co_task *task)
{
    while (sim_turns(sim, 1), co_task_result(task) == -EINPROGRESS)
        if (co_scheduler_next(&sim->scheduler) > 0)
            sim_wait(&sim->driver, co_scheduler_next(&sim->scheduler));
}

/* What a fresh task gets for this wait; it must not outlive a turn but for the pause after it. */
static intptr_t waited_at_once(struct sim *sim, enum kind kind, struct co_task **tasks, size_t n)
{
    struct waiter frame;
    struct co_task task;

    co_task_init(&task, &frame, waiter, .kind = kind, .tasks = tasks, .n = n);
    sim_turns(sim, 2);
    return co_task_result(&task);
}

/* ---- One of several -------------------------------------------------------------------------- */

static void the_first_to_end_is_given_by_its_index(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(nap, .seconds = 4 - i, .value = -i);
    tasks[3] = co_spawn(waiter, .kind = ANY, .tasks = tasks, .n = 3);
    run_to_end(&sim, tasks[3]);
    assert_int_equal(co_task_result(tasks[3]), 2);
    assert_int_equal(sim.now, 2 * S);
    assert_int_equal(co_task_result(tasks[0]), -EINPROGRESS);
    assert_int_equal(co_task_result(tasks[1]), -EINPROGRESS);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[0]), 0);         /* the others went on */
    assert_int_equal(co_task_result(tasks[1]), -1);
    finish(&sim, tasks, 4);
}

static void of_those_that_had_ended_the_lowest_index_is_given(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1);
    tasks[1] = co_spawn(give, .pauses = 1);
    tasks[2] = co_spawn(give);
    tasks[3] = NULL;
    sim_turns(&sim, 2);
    assert_int_equal(waited_at_once(&sim, ANY, tasks, 4), 1);
    assert_int_equal(waited_at_once(&sim, ANY, tasks + 2, 2), 0);
    assert_int_equal(waited_at_once(&sim, ANY, tasks + 3, 1), 0);       /* NULL has ended */
    finish(&sim, tasks, 3);
}

static void of_those_that_end_in_one_turn_the_first_to_end_is_given(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[1] = co_spawn(give, .pauses = 2, .value = 11);
    tasks[0] = co_spawn(give, .pauses = 2, .value = 10);
    tasks[2] = co_spawn(waiter, .kind = ANY, .tasks = tasks, .n = 2);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[2]), 1);
    assert_int_equal(co_task_result(tasks[0]), 10);
    assert_int_equal(co_task_result(tasks[1]), 11);
    finish(&sim, tasks, 3);
}

struct race { co_frame; struct co_task *tasks[3]; intptr_t i; int left, order[3]; };
static co_define(race) {                                /* waits for any until all have ended */
    co_begin;
    while (self->left < 3) {
        co_try(self->i, co_wait_any(self->tasks + self->left, 3 - (size_t)self->left));
        self->i += self->left;
        self->order[self->left] = (int)co_task_result(self->tasks[self->i]);
        co_task_free(self->tasks[self->i]);
        self->tasks[self->i] = self->tasks[self->left++];
    }
    co_end;
}

static void those_that_lost_can_be_waited_for_again(void **state)
{
    (void)state;
    static const int expected[3] = { 1, 2, 3 };
    struct sim sim;
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(race);
    for (int i = 0; i < 3; i++)
        CO_TASK_FRAME(task, race)->tasks[i] = co_spawn(nap, .seconds = 3 - i, .value = 3 - i);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), 0);
    assert_memory_equal(CO_TASK_FRAME(task, race)->order, expected, sizeof expected);
    finish(&sim, &task, 1);
}

/* ---- All of them, or the first by a policy --------------------------------------------------- */

static void each_policy_waits_for_what_it_names(void **state)
{
    (void)state;
    static const enum kind kinds[] = { COMPLETED, FAILED, ALL };
    struct sim sim;
    struct co_task *tasks[5];

    for (int i = 0; i < 3; i++) {
        sim_begin(&sim);
        for (int k = 0; k < 4; k++)                     /* the second fails */
            tasks[k] = co_spawn(nap, .seconds = k + 1, .value = k == 1 ? -5 : k);
        tasks[4] = co_spawn(waiter, .kind = kinds[i], .tasks = tasks, .n = 4);
        run_to_end(&sim, tasks[4]);
        assert_int_equal(co_task_result(tasks[4]), i == 2 ? 4 : i + 1);
        assert_int_equal(sim.now, (i == 2 ? 4 : i + 1) * S);
        finish(&sim, tasks, 5);
    }
}

static void a_wait_for_the_first_failure_ends_with_the_last_if_none_fails(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = 1);
    tasks[1] = co_spawn(nap, .seconds = 2, .value = 2);
    tasks[2] = co_spawn(waiter, .kind = FAILED, .tasks = tasks, .n = 2);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[2]), 2);
    assert_int_equal(sim.now, 2 * S);
    finish(&sim, tasks, 3);
}

static void what_had_ended_or_failed_before_counts(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1);
    tasks[1] = co_spawn(give, .value = 3);
    tasks[2] = co_spawn(give, .value = -3);
    tasks[3] = co_spawn(nap, .seconds = 2);
    sim_turns(&sim, 1);
    assert_int_equal(waited_at_once(&sim, COMPLETED, tasks, 4), 2);
    assert_int_equal(waited_at_once(&sim, FAILED, tasks, 4), 2);
    assert_int_equal(waited_at_once(&sim, ALL, tasks + 1, 2), 2);
    assert_null(tasks[0]->set);
    struct co_task *all = co_spawn(waiter, .kind = ALL, .tasks = tasks, .n = 4);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(all), 4);
    assert_int_equal(sim.now, 2 * S);
    co_task_free(all);
    finish(&sim, tasks, 4);
}

static void null_counts_as_ended_and_failed(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3] = { NULL };

    sim_begin(&sim);
    tasks[1] = co_spawn(nap, .seconds = 1);
    assert_int_equal(waited_at_once(&sim, COMPLETED, tasks, 2), 1);
    assert_int_equal(waited_at_once(&sim, FAILED, tasks, 2), 1);
    assert_int_equal(waited_at_once(&sim, ALL, tasks, 1), 1);
    assert_int_equal(waited_at_once(&sim, SHIELD, tasks, 1), -ENOMEM);
    assert_int_equal(waited_at_once(&sim, WAIT_FOR, tasks, 1), -ENOMEM);
    tasks[2] = co_spawn(waiter, .kind = ALL, .tasks = tasks, .n = 2);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[2]), 2);
    assert_int_equal(sim.now, S);
    finish(&sim, tasks, 3);
}

static void a_wait_for_no_task_ends_at_once(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    assert_int_equal(waited_at_once(&sim, ANY, NULL, 0), -EINVAL);
    assert_int_equal(waited_at_once(&sim, COMPLETED, NULL, 0), 0);
    assert_int_equal(waited_at_once(&sim, FAILED, NULL, 0), 0);
    assert_int_equal(waited_at_once(&sim, ALL, NULL, 0), 0);
    assert_int_equal(waited_at_once(&sim, EACH, NULL, 0), 0);
    sim_end(&sim);
}

static void a_task_named_twice_is_one_member(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    for (enum kind kind = ANY; kind <= EACH; kind++) {
        sim_begin(&sim);
        tasks[0] = tasks[2] = co_spawn(nap, .seconds = 2, .value = 7);
        tasks[1] = co_spawn(nap, .seconds = 3);
        tasks[3] = co_spawn(waiter, .kind = kind, .tasks = tasks, .n = 3);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[3]), kind == ANY || kind == EACH ? 0
                         : kind == COMPLETED ? 2 : 3);
        if (kind == EACH)
            assert_int_equal(frame_of(tasks[3])->given, 2);
        tasks[2] = NULL;
        finish(&sim, tasks, 4);
    }
}

static void a_member_of_one_set_is_EBUSY_for_another(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3], *first;

    for (enum kind kind = ANY; kind <= EACH; kind++) {
        sim_begin(&sim);
        tasks[0] = co_spawn(nap, .seconds = 1);
        tasks[1] = co_spawn(nap, .seconds = 2, .value = -1);
        tasks[2] = NULL;
        first = co_spawn(waiter, .kind = kind, .tasks = &tasks[1], .n = 1);
        sim_turns(&sim, 1);
        for (enum kind second = ANY; second <= EACH; second++)
            assert_int_equal(waited_at_once(&sim, second, tasks, 2), -EBUSY);
        assert_null(tasks[0]->set);                     /* nor did they take that */
        tasks[2] = co_spawn(joiner, .task = tasks[1]);    /* but a join is allowed */
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[2]), -1);
        assert_int_equal(waited_at_once(&sim, ALL, tasks, 2), 2);
        co_task_free(first);
        finish(&sim, tasks, 3);
    }
}

static void a_wait_for_oneself_is_EDEADLK(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2], *task;

    for (enum kind kind = ANY; kind < KINDS; kind++) {
        sim_begin(&sim);
        tasks[1] = co_spawn(nap, .seconds = 1);
        tasks[0] = co_spawn(waiter, .kind = kind, .tasks = tasks, .n = 2);
        sim_turns(&sim, 1);
        assert_int_equal(frame_of(tasks[0])->result, -EDEADLK);
        task = tasks[1];
        assert_null(task->set);
        finish(&sim, tasks, 2);
    }
}

/* ---- As completed ---------------------------------------------------------------------------- */

/* Notes what each task gave, as a letter, works [work] seconds on it, frees it if it [frees], and
 * leaves after [most]. */
struct reaper {
    co_frame;
    struct co_task **tasks;
    size_t n;
    double work;
    int most, given, frees;
    intptr_t more, closed;
    struct co_as_completed each;
};
static void note_given(const struct co_task *task)
{
    char letter[2] = { 'a', '\0' };

    letter[0] = (char)(letter[0] + (task ? co_task_result(task) : 0));
    note(task ? letter : "null");
}

static co_define(reaper) {
    co_begin;
    co_as_completed_init(&self->each, self->tasks, self->n);
    co_for_each(self->more, &self->each) {
        note_given(self->each.task);
        if (self->frees)
            co_task_free(self->each.task);
        if (++self->given == self->most)
            break;
        if (self->work > 0)
            co_await(co_sleep(self->work));
    }
    co_await(self->closed, co_gen_close(&self->each));
    co_return(self->more);
    co_end;
}

static void tasks_are_given_in_the_order_in_which_they_end(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[5];

    for (int work = 0; work < 4; work++) {              /* some end while one is worked on */
        sim_begin(&sim);
        for (int i = 0; i < 4; i++)
            tasks[i] = co_spawn(nap, .seconds = 5 - i, .value = i);
        tasks[4] = co_spawn(reaper, .tasks = tasks, .n = 4, .work = work);
        assert_int_equal(sim_run(&sim), 0);
        assert_notes("d c b a");
        assert_int_equal(co_task_result(tasks[4]), 0);
        finish(&sim, tasks, 5);
    }
}

static void those_that_had_ended_come_first_and_null_before_them(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[6];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = 0);
    tasks[1] = co_spawn(give, .value = 1, .pauses = 1);
    tasks[2] = NULL;
    tasks[3] = co_spawn(give, .value = 3);
    tasks[4] = tasks[1];
    sim_turns(&sim, 2);
    tasks[5] = co_spawn(reaper, .tasks = tasks, .n = 5);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("null b d a");
    tasks[4] = NULL;
    finish(&sim, tasks, 6);
}

static void tasks_that_end_in_one_turn_are_all_given(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(give, .pauses = 2, .value = i);
    tasks[3] = co_spawn(reaper, .tasks = tasks, .n = 3);
    sim_turns(&sim, 3);
    assert_notes("");
    sim_turns(&sim, 1);
    assert_notes("a b c");
    finish(&sim, tasks, 4);
}

static void each_may_be_freed_when_it_is_given(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3], *task;

    for (int work = 0; work < 3; work++) {
        sim_begin(&sim);
        for (int i = 0; i < 3; i++)
            tasks[i] = co_spawn(nap, .seconds = 1 + i % 2, .value = i);
        task = co_spawn(reaper, .tasks = tasks, .n = 3, .work = work, .frees = 1);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(CO_TASK_FRAME(task, reaper)->given, 3);
        finish(&sim, &task, 1);
    }
}

static void a_loop_that_is_left_early_lets_the_rest_go(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[7];

    sim_begin(&sim);
    for (int i = 0; i < 5; i++)                         /* the first three in one turn */
        tasks[i] = co_spawn(nap, .seconds = i < 3 ? 1 : 2, .value = i);
    tasks[5] = co_spawn(reaper, .tasks = tasks, .n = 5, .most = 2);
    run_to_end(&sim, tasks[5]);
    assert_int_equal(sim.now, S);
    assert_int_equal(CO_TASK_FRAME(tasks[5], reaper)->closed, 0);
    for (int i = 0; i < 5; i++)
        assert_null(tasks[i]->set);
    tasks[6] = co_spawn(reaper, .tasks = tasks, .n = 5, .work = 3);
    notes_[0] = '\0';
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(tasks[6], reaper)->given, 5);
    assert_int_equal(strncmp(notes_, "a b c", 5), 0);
    finish(&sim, tasks, 7);
}

static void tasks_that_wait_to_be_given_are_EBUSY_for_another_loop(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(nap, .seconds = 1, .value = i);
    tasks[3] = co_spawn(reaper, .tasks = tasks, .n = 3, .work = 1);
    while (sim.now < S + S / 2)
        assert_true(sim_turn(&sim));
    assert_int_equal(waited_at_once(&sim, EACH, tasks, 3), -EBUSY);
    assert_int_equal(waited_at_once(&sim, ANY, tasks, 3), 0);       /* but they have ended */
    assert_int_equal(waited_at_once(&sim, ALL, tasks, 3), 3);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(CO_TASK_FRAME(tasks[3], reaper)->given, 3);
    finish(&sim, tasks, 4);
}

static void ten_thousand_tasks_are_each_given_once_in_order(void **state)
{
    (void)state;
    struct sim sim;
    struct waiter frame;
    struct co_task task;
    size_t n = (size_t)sized(10000, 500);
    struct co_task **tasks = test_malloc(n * sizeof *tasks);
    uint32_t random = 42;

    sim_begin(&sim);
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        tasks[i] = co_spawn(nap, .seconds = (random >> 16) % 1000 / 100.);
    }
    co_task_init(&task, &frame, waiter, .kind = EACH, .tasks = tasks, .n = n);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame.result, 0);
    assert_int_equal(frame.given, n);
    finish(&sim, tasks, n);
    test_free(tasks);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

/* All but this leave the tasks alone. */
static bool passes_on(enum kind kind)
{
    return kind == WAIT_FOR;
}

/* Three naps of 1, 2 and 3 s, and who waits for them. */
static void four(struct sim *sim, enum kind kind, struct co_task **tasks, double deadline)
{
    sim_begin(sim);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(nap, .seconds = i + 1, .value = i + 7);
    tasks[3] = co_spawn(waiter, .kind = kind, .tasks = tasks, .n = 3, .deadline = deadline);
}

/* The tasks are nobody's, and end when they shall: all but the first with their values. */
static void four_end(struct sim *sim, struct co_task **tasks, intptr_t first)
{
    struct co_task *all;

    for (int i = 0; i < 3; i++)
        assert_null(tasks[i]->set);
    all = co_spawn(waiter, .kind = ALL, .tasks = tasks, .n = 3);
    assert_int_equal(sim_run(sim), 0);
    assert_int_equal(co_task_result(all), 3);
    assert_int_equal(co_task_result(tasks[0]), first);
    assert_int_equal(co_task_result(tasks[1]), 8);
    assert_int_equal(co_task_result(tasks[2]), 9);
    assert_int_equal(sim->now, 3 * S);
    co_task_free(all);
    finish(sim, tasks, 4);
}

static void a_cancelled_wait_leaves_the_tasks_alone(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    for (enum kind kind = ANY; kind < KINDS; kind++)
        for (int turns = 0; turns < 3; turns++) {       /* before it began, too */
            sim_begin(&sim);
            four(&sim, kind, tasks, 0);
            sim_turns(&sim, turns);
            assert_int_equal(co_cancel(tasks[3]), 1);
            sim_turns(&sim, 4);
            assert_int_equal(co_task_result(tasks[3]), -ECANCELED);
            assert_int_equal(frame_of(tasks[3])->after, 0);
            assert_int_equal(sim.scheduler.timer_count, passes_on(kind) ? 2 : 3);
            four_end(&sim, tasks, passes_on(kind) ? -ECANCELED : 7);
        }
}

static void a_deadline_leaves_the_tasks_alone_as_well(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    for (enum kind kind = ANY; kind < KINDS; kind++) {
        four(&sim, kind, tasks, 0.5);
        run_to_end(&sim, tasks[3]);
        assert_int_equal(sim.now, S / 2);
        assert_int_equal(frame_of(tasks[3])->result, -ETIMEDOUT);
        assert_int_equal(frame_of(tasks[3])->after, 0);
        four_end(&sim, tasks, passes_on(kind) ? -ECANCELED : 7);
    }
}

/* What a wait for four() gives when the first of them has ended. */
static intptr_t first_result(enum kind kind)
{
    return kind == ANY ? 0 : kind == COMPLETED || kind == EACH ? 1 : 7;
}

static void a_cancel_after_the_end_in_the_same_turn_loses_nothing(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    for (enum kind kind = ANY; kind < KINDS; kind++) {
        four(&sim, kind, tasks, 0);
        if (kind == FAILED || kind == ALL)
            frame_of(tasks[3])->n = 1;
        run_to_end(&sim, tasks[0]);                     /* its last turn wakes the waiter */
        assert_int_equal(co_task_result(tasks[3]), -EINPROGRESS);
        assert_int_equal(co_cancel(tasks[3]), 1);
        sim_turns(&sim, 2);
        if (kind == EACH)                               /* it got one; the next met the cancel */
            assert_int_equal(frame_of(tasks[3])->given, 1);
        else
            assert_int_equal(frame_of(tasks[3])->after, -ECANCELED);
        sim_turns(&sim, 1);
        assert_int_equal(co_task_result(tasks[3]), kind == EACH ? -ECANCELED
                         : kind == FAILED || kind == ALL ? 1 : first_result(kind));
        four_end(&sim, tasks, 7);
    }
}

struct shooter { co_frame; double seconds; struct co_task *target; };
static co_define(shooter) {
    co_begin;
    co_await(co_sleep(self->seconds));
    co_cancel(self->target);
    co_end;
}

static void a_cancel_before_the_end_in_the_same_turn_loses_no_result(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2], *target;

    for (enum kind kind = ANY; kind < KINDS; kind++) {
        sim_begin(&sim);                    /* in the second turn: cancel, then the end */
        target = co_spawn(waiter, .kind = kind, .tasks = tasks, .n = 1);
        tasks[1] = co_spawn(shooter, .target = target);
        tasks[0] = co_spawn(give, .pauses = 1, .value = 7);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[0]), kind == WAIT_FOR ? -ECANCELED : 7);
        assert_int_equal(co_task_result(target), -ECANCELED);
        co_task_free(target);
        finish(&sim, tasks, 2);
    }
}

static void a_deadline_in_the_turn_of_the_end_loses_nothing(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    needs_doubles();
    for (enum kind kind = ANY; kind < KINDS; kind++)
        for (int late = -1; late <= 1; late++) {        /* ns */
            four(&sim, kind, tasks, 1 + late * 1e-9);
            if (kind == FAILED || kind == ALL)
                frame_of(tasks[3])->n = 1;
            run_to_end(&sim, tasks[3]);
            intptr_t result = frame_of(tasks[3])->result;
            bool over = kind == EACH ? frame_of(tasks[3])->given == 0 : result == -ETIMEDOUT;

            if (late || !passes_on(kind))               /* timers come before the tasks */
                assert_int_equal(over, late <= 0);
            if (!over && kind != EACH)
                assert_int_equal(result, kind == FAILED || kind == ALL ? 1 : first_result(kind));
            sim_run(&sim);
            four_end(&sim, tasks, over && passes_on(kind) ? -ECANCELED : 7);
        }
}

/* ---- One task and a deadline ----------------------------------------------------------------- */

/* Sleeps [seconds], then cleans up for [clean_up]; if [value] is set, a cancel is ignored. */
struct stubborn { co_frame; double seconds, clean_up; intptr_t value, r; };
static co_define(stubborn) {
    co_begin;
    co_await(self->r, co_sleep(self->seconds));
    co_return(self->value ? self->value : self->r);
    co_finally;
    if (self->r == -ECANCELED)
        co_await(co_sleep(self->clean_up));
    co_end;
}

static struct co_task *wait_for(struct co_task **task, double seconds)
{
    return co_spawn(waiter, .kind = WAIT_FOR, .tasks = task, .n = 1, .seconds = seconds);
}

static void wait_for_gives_the_result_and_its_timer_is_gone(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = 5);
    tasks[1] = wait_for(tasks, 9);
    tasks[2] = wait_for(tasks, 8);                      /* any number may */
    sim_turns(&sim, 1);
    assert_int_equal(sim.scheduler.timer_count, 3);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), 5);
    assert_int_equal(co_task_result(tasks[2]), 5);
    assert_int_equal(sim.now, S);
    co_task_free(tasks[2]);
    tasks[2] = wait_for(tasks, 9);                      /* it has ended */
    sim_turns(&sim, 1);
    assert_int_equal(sim.scheduler.timer_count, 0);
    sim_turns(&sim, 1);
    assert_int_equal(co_task_result(tasks[2]), 5);
    finish(&sim, tasks, 3);
}

static void wait_for_cancels_its_task_and_waits_for_its_end(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(stubborn, .seconds = 10, .clean_up = 3);
    tasks[1] = wait_for(tasks, 2);
    tasks[2] = wait_for(tasks, 4);                      /* that is in the clean-up */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -ETIMEDOUT);
    assert_int_equal(co_task_result(tasks[2]), -ETIMEDOUT);
    assert_int_equal(co_task_state(tasks[0]), CO_TASK_CANCELLED);
    assert_int_equal(sim.now, 4 * S);                   /* the second request met the clean-up */
    finish(&sim, tasks, 3);
}

static void wait_for_gives_a_result_after_all(void **state)
{
    (void)state;
    static const intptr_t values[] = { 6, -6 };
    struct sim sim;
    struct co_task *tasks[2];

    for (int i = 0; i < 2; i++) {
        sim_begin(&sim);
        tasks[0] = co_spawn(stubborn, .seconds = 10, .clean_up = 3, .value = values[i]);
        tasks[1] = wait_for(tasks, 2);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[1]), values[i]);
        assert_int_equal(sim.now, 5 * S);
        finish(&sim, tasks, 2);
    }
}

static void a_task_that_somebody_else_cancels_did_not_time_out(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 10);
    tasks[1] = wait_for(tasks, 2);
    sim_turns(&sim, 1);
    co_cancel(tasks[0]);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(frame_of(tasks[1])->after, 0);
    assert_int_equal(sim.now, 0);
    finish(&sim, tasks, 2);
}

static void a_cancelled_wait_for_is_ECANCELED_before_and_after_its_time(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    for (int ms = 500; ms <= 4500; ms += 1000) {        /* its time is 2 s, the end at 5 s */
        sim_begin(&sim);
        tasks[0] = co_spawn(stubborn, .seconds = 10, .clean_up = 3);
        tasks[1] = wait_for(tasks, 2);
        tasks[2] = co_spawn(shooter, .target = tasks[1], .seconds = ms / 1000.);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
        assert_int_equal(frame_of(tasks[1])->after, 0);
        assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
        /* The deadline still counts: it cuts the clean-up that the cancel began. */
        assert_int_equal(sim.now, ms < 2000 ? 2 * S : ms * MS);
        finish(&sim, tasks, 3);
    }
}

struct at_once {
    co_frame;
    struct co_task *task;
    double seconds;
    struct co_within slot;
    intptr_t result, after;
};
static co_define(at_once) {
    co_begin;
    co_await(self->result, co_wait_for(&self->slot, self->task, self->seconds));
    co_await(self->after, co_sleep(0));
    co_return(self->result);
    co_end;
}

static void no_time_at_all_cancels_at_once(void **state)
{
    (void)state;
    static const double seconds[] = { 0, -1, -1e300 };
    struct sim sim;
    struct co_task *tasks[4];

    for (int i = 0; i < 3; i++) {
        sim_begin(&sim);
        tasks[0] = co_spawn(nap, .seconds = 1, .value = 1);   /* waits already */
        tasks[1] = co_spawn(at_once, .task = tasks[0], .seconds = seconds[i]);
        tasks[2] = co_spawn(give, .value = 3, .pauses = 1);   /* has no await to meet it */
        tasks[3] = co_spawn(at_once, .task = tasks[2], .seconds = seconds[i]);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[1]), -ETIMEDOUT);
        assert_int_equal(co_task_result(tasks[3]), -ETIMEDOUT);
        assert_int_equal(sim.now, 0);
        co_task_free(tasks[3]);
        co_task_free(tasks[2]);
        tasks[2] = co_spawn(give, .value = 8);
        tasks[3] = co_spawn(at_once, .task = tasks[2], .seconds = seconds[i]);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[3]), 8);             /* it had ended */
        finish(&sim, tasks, 4);
    }
}

static void a_cancel_that_came_before_it_stands_even_without_time(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    for (int seconds = 0; seconds < 2; seconds++) {
        sim_begin(&sim);
        tasks[0] = co_spawn(nap, .seconds = 10);
        tasks[1] = co_spawn(at_once, .task = tasks[0], .seconds = seconds);
        co_cancel(tasks[1]);
        assert_int_equal(sim_run(&sim), 0);
        assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
        assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
        assert_int_equal(CO_TASK_FRAME(tasks[1], at_once)->after, 0);
        assert_int_equal(sim.now, 0);
        finish(&sim, tasks, 2);
    }
}

static void wait_for_in_the_turn_of_the_end_loses_no_result(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    needs_doubles();
    for (int late = -1; late <= 1; late++)              /* ns */
        for (int order = 0; order < 2; order++) {
            sim_begin(&sim);
            if (order)
                tasks[1] = wait_for(tasks, 1 + late * 1e-9);
            tasks[0] = co_spawn(nap, .seconds = 1, .value = 4);
            if (!order)
                tasks[1] = wait_for(tasks, 1 + late * 1e-9);
            assert_int_equal(sim_run(&sim), 0);
            assert_int_equal(co_task_result(tasks[1]),
                             co_task_result(tasks[0]) == 4 ? 4 : -ETIMEDOUT);
            if (late)
                assert_int_equal(co_task_result(tasks[0]), late < 0 ? -ECANCELED : 4);
            finish(&sim, tasks, 2);
        }
}

static void no_room_for_its_timer_cancels_the_task_and_is_ENOMEM(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];

    sim_begin(&sim);
    tasks[0] = co_spawn(give, .pauses = 3, .value = 2);
    tasks[1] = wait_for(tasks, 1);
    sim.fail_at = sim.calls + 1;
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(frame_of(tasks[1])->result, -ENOMEM);
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    finish(&sim, tasks, 2);
}

static void wait_fors_nest_and_the_innermost_that_expires_is_named(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 10);
    tasks[1] = wait_for(&tasks[0], 3);
    tasks[2] = wait_for(&tasks[1], 2);                  /* it cancels the other, that cancels */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[2]), -ETIMEDOUT);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    assert_int_equal(sim.now, 2 * S);
    finish(&sim, tasks, 3);
}

/* ---- Shield ---------------------------------------------------------------------------------- */

static void a_shield_gives_the_result(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = -9);
    for (int i = 1; i < 4; i++)                         /* any number may, beside a set */
        tasks[i] = co_spawn(waiter, .kind = i == 3 ? ANY : SHIELD, .tasks = tasks, .n = 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -9);
    assert_int_equal(co_task_result(tasks[2]), -9);
    assert_int_equal(co_task_result(tasks[3]), 0);
    assert_int_equal(waited_at_once(&sim, SHIELD, tasks, 1), -9);
    finish(&sim, tasks, 4);
}

static void a_shield_ends_what_a_cancel_of_a_chain_reaches(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[4];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1, .value = 3);
    tasks[1] = co_spawn(waiter, .kind = SHIELD, .tasks = tasks, .n = 1);
    tasks[2] = co_spawn(joiner, .task = tasks[1]);
    tasks[3] = co_spawn(gatherer, .tasks = &tasks[2], .n = 1);
    sim_turns(&sim, 1);
    co_cancel(tasks[3]);
    sim_turns(&sim, 5);
    for (int i = 1; i < 4; i++)
        assert_int_equal(co_task_result(tasks[i]), -ECANCELED);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[0]), 3);
    finish(&sim, tasks, 4);
}

/* ---- Done callbacks -------------------------------------------------------------------------- */

static void note_done(struct co_task *task, void *arg)
{
    note(arg);
    assert_int_not_equal(co_task_result(task), -EINPROGRESS);
    assert_null(co_current());
}

static void a_done_callback_can_be_taken_back(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;
    struct co_done_callback callback, other;

    sim_begin(&sim);
    task = co_spawn(nap, .seconds = 1, .name = "nap");
    assert_int_equal(co_add_done_callback(task, &callback, note_done, "taken back"), 0);
    co_remove_done_callback(task, &callback);
    assert_int_equal(co_add_done_callback(task, &other, note_done, "other"), 0);
    co_remove_done_callback(task, &callback);          /* not its callback: nothing */
    co_remove_done_callback(NULL, &callback);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("nap other");
    finish(&sim, &task, 1);
}

static void a_done_callback_is_called_when_the_task_ends(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[2];
    struct co_done_callback callbacks[3];

    sim_begin(&sim);
    for (int i = 0; i < 2; i++) {
        tasks[i] = co_spawn(nap, .seconds = 2 - i, .name = i ? "b" : "a");
        assert_int_equal(co_add_done_callback(tasks[i], &callbacks[i], note_done, i ? "B" : "A"),
                         0);
    }
    sim_turns(&sim, 1);
    co_cancel(tasks[0]);
    assert_notes("");
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("a A b B");
    assert_int_equal(co_add_done_callback(tasks[0], &callbacks[2], note_done, "late"), 0);
    assert_int_equal(co_add_done_callback(NULL, &callbacks[2], note_done, "null"), 0);
    assert_notes("late null");
    finish(&sim, tasks, 2);
}

static void a_done_callback_is_a_set_of_its_own(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];
    struct co_done_callback callback;

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1);
    tasks[1] = co_spawn(nap, .seconds = 1);
    tasks[2] = co_spawn(waiter, .kind = ALL, .tasks = &tasks[1], .n = 1);
    sim_turns(&sim, 1);
    assert_int_equal(co_add_done_callback(tasks[1], &callback, note_done, "no"), -EBUSY);
    assert_int_equal(co_add_done_callback(tasks[0], &callback, note_done, "yes"), 0);
    assert_int_equal(co_add_done_callback(tasks[0], &callback, note_done, "no"), -EBUSY);
    assert_int_equal(waited_at_once(&sim, ANY, tasks, 1), -EBUSY);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("yes");
    finish(&sim, tasks, 3);
}

/* ---- All tasks ------------------------------------------------------------------------------- */

static void task_next_gives_each_task_that_has_not_ended_once(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3], *task = NULL;
    struct co_group groups[2];

    assert_null(co_task_next(NULL));                       /* without a scheduler, too */
    sim_begin(&sim);
    assert_null(co_task_next(NULL));
    for (int i = 0; i < 2; i++) {
        co_group_init(&groups[i], NULL);
        for (int k = 0; k < 2; k++)
            assert_int_equal(co_group_go(&groups[i], nap, .seconds = 1 + k), 0);
    }
    for (int i = 0; i < 4; i++)                         /* of groups alone */
        assert_non_null(task = co_task_next(task));
    assert_null(co_task_next(task));
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(nap, .seconds = 2 - i);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(task = co_task_next(task == NULL || i == 0 ? NULL : task), tasks[i]);
    for (int i = 0; i < 4; i++)
        assert_non_null(task = co_task_next(task));
    assert_null(co_task_next(task));
    while (sim.now < 1 * S)
        assert_true(sim_turn(&sim));
    assert_true(sim_turn(&sim));
    assert_ptr_equal(task = co_task_next(NULL), tasks[0]);
    for (int i = 0; i < 2; i++)
        assert_non_null(task = co_task_next(task));
    assert_null(co_task_next(task));
    finish(&sim, tasks, 3);
    assert_null(co_task_next(NULL));
}

struct by_policy { co_frame; struct co_task **tasks; size_t n; int policy; intptr_t r; };
static co_define(by_policy) {
    co_begin;
    co_await(self->r, co_wait_tasks(self->tasks, self->n, (enum co_wait_policy)self->policy));
    co_return(self->r);
    co_end;
}

static void a_policy_that_is_none_is_EINVAL(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3];

    sim_begin(&sim);
    tasks[0] = co_spawn(nap, .seconds = 1);
    tasks[1] = co_spawn(by_policy, .tasks = tasks, .n = 1, .policy = CO_ALL_COMPLETED + 1);
    tasks[2] = co_spawn(by_policy, .tasks = tasks, .n = 1, .policy = -1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[1]), -EINVAL);
    assert_int_equal(co_task_result(tasks[2]), -EINVAL);
    finish(&sim, tasks, 3);
}

/* The number is that of the entries of the array whose tasks have ended. */
static void a_task_named_twice_counts_twice(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *tasks[3], *named[3];

    sim_begin(&sim);
    named[0] = named[2] = tasks[0] = co_spawn(nap, .seconds = 1);
    named[1] = tasks[1] = co_spawn(nap, .seconds = 2);
    tasks[2] = co_spawn(by_policy, .tasks = named, .n = 3, .policy = CO_FIRST_COMPLETED);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[2]), 2);
    finish(&sim, tasks, 3);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_to_end_is_given_by_its_index),
    cmocka_unit_test(of_those_that_had_ended_the_lowest_index_is_given),
    cmocka_unit_test(of_those_that_end_in_one_turn_the_first_to_end_is_given),
    cmocka_unit_test(those_that_lost_can_be_waited_for_again),
    cmocka_unit_test(each_policy_waits_for_what_it_names),
    cmocka_unit_test(a_wait_for_the_first_failure_ends_with_the_last_if_none_fails),
    cmocka_unit_test(what_had_ended_or_failed_before_counts),
    cmocka_unit_test(null_counts_as_ended_and_failed),
    cmocka_unit_test(a_wait_for_no_task_ends_at_once),
    cmocka_unit_test(a_task_named_twice_is_one_member),
    cmocka_unit_test(a_member_of_one_set_is_EBUSY_for_another),
    cmocka_unit_test(a_wait_for_oneself_is_EDEADLK),
    cmocka_unit_test(tasks_are_given_in_the_order_in_which_they_end),
    cmocka_unit_test(those_that_had_ended_come_first_and_null_before_them),
    cmocka_unit_test(tasks_that_end_in_one_turn_are_all_given),
    cmocka_unit_test(each_may_be_freed_when_it_is_given),
    cmocka_unit_test(a_loop_that_is_left_early_lets_the_rest_go),
    cmocka_unit_test(tasks_that_wait_to_be_given_are_EBUSY_for_another_loop),
    cmocka_unit_test(ten_thousand_tasks_are_each_given_once_in_order),
    cmocka_unit_test(a_cancelled_wait_leaves_the_tasks_alone),
    cmocka_unit_test(a_deadline_leaves_the_tasks_alone_as_well),
    cmocka_unit_test(a_cancel_after_the_end_in_the_same_turn_loses_nothing),
    cmocka_unit_test(a_cancel_before_the_end_in_the_same_turn_loses_no_result),
    cmocka_unit_test(a_deadline_in_the_turn_of_the_end_loses_nothing),
    cmocka_unit_test(wait_for_gives_the_result_and_its_timer_is_gone),
    cmocka_unit_test(wait_for_cancels_its_task_and_waits_for_its_end),
    cmocka_unit_test(wait_for_gives_a_result_after_all),
    cmocka_unit_test(a_task_that_somebody_else_cancels_did_not_time_out),
    cmocka_unit_test(a_cancelled_wait_for_is_ECANCELED_before_and_after_its_time),
    cmocka_unit_test(no_time_at_all_cancels_at_once),
    cmocka_unit_test(a_cancel_that_came_before_it_stands_even_without_time),
    cmocka_unit_test(wait_for_in_the_turn_of_the_end_loses_no_result),
    cmocka_unit_test(no_room_for_its_timer_cancels_the_task_and_is_ENOMEM),
    cmocka_unit_test(wait_fors_nest_and_the_innermost_that_expires_is_named),
    cmocka_unit_test(a_shield_gives_the_result),
    cmocka_unit_test(a_shield_ends_what_a_cancel_of_a_chain_reaches),
    cmocka_unit_test(a_done_callback_can_be_taken_back),
    cmocka_unit_test(a_done_callback_is_called_when_the_task_ends),
    cmocka_unit_test(a_done_callback_is_a_set_of_its_own),
    cmocka_unit_test(task_next_gives_each_task_that_has_not_ended_once),
    cmocka_unit_test(a_policy_that_is_none_is_EINVAL),
    cmocka_unit_test(a_task_named_twice_counts_twice),
};

TEST_MAIN(tests)
