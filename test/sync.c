/* SPDX-License-Identifier: BSD-2-Clause
 * sync.c: tests of event, lock, semaphore, condition and barrier: what they mean, their order, and
 * a cancel or a deadline at each point, in the turn of the hand-off too. Queues are in queue.c. */
#include "task_test.h"
#include "../sync.h"

#include <limits.h>

/* ---- The world: one of each, and tasks that wait for them ------------------------------------ */

enum what { EVENT, LOCK, SEMAPHORE, CONDITION, BARRIER, WHATS };

static struct {
    struct sim sim;
    struct co_event event;
    struct co_lock lock;
    struct co_semaphore semaphore;
    struct co_condition condition;         /* of the lock */
    struct co_barrier barrier;
} w;

static void begin(unsigned parties)
{
    memset(&w, 0, sizeof w);
    sim_begin(&w.sim);
    co_condition_init(&w.condition, &w.lock);
    co_barrier_init(&w.barrier, parties);
}

/* Runs all, frees [n] tasks; nobody waits for anything any more. */
static void finish(struct co_task **tasks, int n)
{
    assert_int_equal(sim_run(&w.sim), 0);
    for (int i = 0; i < n; i++)
        co_task_free(tasks[i]);
    assert_null(w.event.waiters);
    assert_null(w.lock.owner);
    assert_null(w.lock.waiters);
    assert_null(w.semaphore.waiters);
    assert_null(w.condition.waiters);
    assert_null(w.barrier.waiters);
    assert_int_equal(w.barrier.arrived, 0);
    sim_end(&w.sim);
}

static CO_OP op_of(enum what what)
{
    return what == EVENT ? co_event_wait(&w.event)
        : what == LOCK ? co_lock_acquire(&w.lock)
        : what == SEMAPHORE ? co_semaphore_acquire(&w.semaphore)
        : what == CONDITION ? co_condition_wait(&w.condition)
        : co_barrier_wait(&w.barrier);
}

/* Waits for [what], within a deadline if one is set; notes its name when it has it. [next] is what
 * the await after that gave. It does not care whether it has the lock when it ends. */
struct waiter {
    co_frame;
    enum what what;
    const char *name;
    double deadline, rest;              /* 0: none; how long the next await takes */
    struct co_within within;
    intptr_t first, next;
    bool owns;                          /* the lock, once the wait was over */
};
static co_define(waiter) {
    co_begin;
    self->first = self->next = -EINPROGRESS;
    if (self->what == CONDITION)
        co_try(co_lock_acquire(&w.lock));
    if (self->deadline > 0)
        co_await(self->first, co_within(&self->within, self->deadline, op_of(self->what)));
    else
        co_await(self->first, op_of(self->what));
    if (self->first >= 0)
        note(self->name);
    self->owns = w.lock.owner == co_current();
    co_await(self->next, co_sleep(self->rest));
    co_return(self->first);
    co_finally;
    co_lock_release(&w.lock);
    co_end;
}

static struct waiter *waiter_of(struct co_task *task)
{
    return CO_TASK_FRAME(task, waiter);
}

/* A second after its start it hands over what the waiters wait for, [times] if it is one each. In
 * the same step it cancels [before] before that and [after] after it, and the step [takes] time.
 * Of LOCK it is the owner until then. */
struct opener {
    co_frame;
    enum what what;
    int times;
    struct co_task *before, *after;
    double takes;
};
static co_define(opener) {
    co_begin;
    if (self->what == LOCK)
        co_try(co_lock_acquire(&w.lock));
    co_try(co_sleep(1));
    co_cancel(self->before);
    if (self->what == CONDITION)
        co_try(co_lock_acquire(&w.lock));
    if (self->what == BARRIER)
        co_try(co_barrier_wait(&w.barrier));
    for (; self->times > 0; self->times--) {
        if (self->what == EVENT)
            co_event_set(&w.event), co_event_clear(&w.event);
        else if (self->what == SEMAPHORE)
            assert_int_equal(co_semaphore_release(&w.semaphore), 0);
        else if (self->what == CONDITION)
            assert_int_equal(co_condition_notify(&w.condition, 1), 0);
    }
    co_lock_release(&w.lock);
    co_cancel(self->after);
    w.sim.now += (int64_t)(self->takes * 1e9);
    co_return(0);
    co_end;
}

/* An opener, and [n] waiters in order; they wait when this returns. */
enum { OPENER = 3, ALL };
static const char *const names[OPENER] = { "0", "1", "2" };
static void wait_for_opener(struct co_task **tasks, enum what what, int n, double deadline)
{
    tasks[OPENER] = co_spawn(opener, .what = what);
    for (int i = 0; i < OPENER; i++)
        tasks[i] = i < n
            ? co_spawn(waiter, .what = what, .name = names[i], .deadline = deadline) : NULL;
    sim_turns(&w.sim, 1);
}

/* One of the [n] waiters will not get it. */
static void leave_one_out(struct co_task **tasks, int n)
{
    CO_TASK_FRAME(tasks[OPENER], opener)->times = n - 1;
    w.barrier.parties--;
}

/* All waiters but [left_out] (-1: none) got it, in their order, and nothing else happened. */
static void assert_all_but(struct co_task **tasks, enum what what, int n, int left_out)
{
    char expected[16] = "";
    int order = 0;

    for (int i = 0; i < n; i++) {
        if (i == left_out)
            continue;
        strcat(strcat(expected, order ? " " : ""), names[i]);
        assert_int_equal(waiter_of(tasks[i])->first, what == BARRIER ? order : 0);
        assert_int_equal(waiter_of(tasks[i])->owns, what == LOCK || what == CONDITION);
        order++;
    }
    assert_notes(expected);
    assert_int_equal(co_task_result(tasks[OPENER]), 0);
}

/* For each kind, for one waiter and for three, for each [i] of these. */
#define for_each_waiter(what, n, i)                                                               \
    for (enum what what = EVENT; what < WHATS; what++)                                            \
        for (int n = 1; n <= OPENER; n += 2)                                                      \
            for (int i = 0; i < n; i++)

/* ---- For all of them ------------------------------------------------------------------------- */

static void those_who_wait_are_served_first_in_first_out(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (enum what what = EVENT; what < WHATS; what++) {
        begin(OPENER + 1);
        wait_for_opener(tasks, what, OPENER, 0);
        CO_TASK_FRAME(tasks[OPENER], opener)->times = OPENER;
        sim_run(&w.sim);
        assert_all_but(tasks, what, OPENER, -1);
        for (int i = 0; i < OPENER; i++)
            assert_int_equal(waiter_of(tasks[i])->next, 0);
        finish(tasks, ALL);
    }
}

static void a_cancelled_waiter_leaves_its_place_to_the_next(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for_each_waiter(what, n, i) {
        begin((unsigned)n + 1);
        wait_for_opener(tasks, what, n, 0);
        leave_one_out(tasks, n);
        co_cancel(tasks[i]);
        sim_turns(&w.sim, 3);
        assert_int_equal(waiter_of(tasks[i])->first, -ECANCELED);
        assert_int_equal(waiter_of(tasks[i])->owns, what == CONDITION);
        assert_int_equal(waiter_of(tasks[i])->next, 0);
        assert_int_equal(w.sim.now, 0);
        sim_run(&w.sim);
        assert_all_but(tasks, what, n, i);
        finish(tasks, ALL);
    }
}

static void a_cancel_in_the_turn_of_the_hand_off_but_before_it_leaves_it_to_the_next(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for_each_waiter(what, n, i) {
        begin((unsigned)n + 1);
        wait_for_opener(tasks, what, n, 0);
        leave_one_out(tasks, n);
        CO_TASK_FRAME(tasks[OPENER], opener)->before = tasks[i];
        sim_run(&w.sim);
        assert_int_equal(waiter_of(tasks[i])->first, -ECANCELED);
        assert_int_equal(waiter_of(tasks[i])->next, 0);
        assert_all_but(tasks, what, n, i);
        finish(tasks, ALL);
    }
}

static void a_cancel_after_the_hand_off_meets_the_next_await(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for_each_waiter(what, n, i) {
        if (i > 0 && (what == LOCK || what == CONDITION))
            continue;                               /* only the first one has the lock by then */
        begin((unsigned)n + 1);
        wait_for_opener(tasks, what, n, 0);
        CO_TASK_FRAME(tasks[OPENER], opener)->times = n;
        CO_TASK_FRAME(tasks[OPENER], opener)->after = tasks[i];
        sim_run(&w.sim);
        assert_all_but(tasks, what, n, -1);
        for (int k = 0; k < n; k++)
            assert_int_equal(waiter_of(tasks[k])->next, k == i ? -ECANCELED : 0);
        finish(tasks, ALL);
    }
}

static void a_deadline_in_the_turn_of_the_hand_off_but_before_it_leaves_it_to_the_next(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for_each_waiter(what, n, i) {
        begin((unsigned)n + 1);
        wait_for_opener(tasks, what, 0, 0);
        for (int k = 0; k < n; k++)
            tasks[k] = co_spawn(waiter, .what = what, .name = names[k],
                                  .deadline = k == i ? 1 : 0);
        sim_turns(&w.sim, 1);
        leave_one_out(tasks, n);
        sim_run(&w.sim);
        assert_int_equal(waiter_of(tasks[i])->first, -ETIMEDOUT);
        assert_int_equal(waiter_of(tasks[i])->owns, what == CONDITION);
        assert_int_equal(waiter_of(tasks[i])->next, 0);
        assert_all_but(tasks, what, n, i);
        finish(tasks, ALL);
    }
}

static void a_deadline_after_the_hand_off_is_none(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (enum what what = EVENT; what < WHATS; what++) {
        begin(2);
        wait_for_opener(tasks, what, 1, 1.5);
        CO_TASK_FRAME(tasks[OPENER], opener)->times = 1;
        CO_TASK_FRAME(tasks[OPENER], opener)->takes = 1;       /* so it is over before [0] runs */
        sim_run(&w.sim);
        assert_all_but(tasks, what, 1, -1);
        assert_int_equal(waiter_of(tasks[0])->next, 0);
        assert_int_equal(w.sim.now, 2 * S);
        finish(tasks, ALL);
    }
}

static void two_requests_before_a_waiter_sees_the_first_are_one(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for_each_waiter(what, n, i) {
        begin((unsigned)n + 1);
        wait_for_opener(tasks, what, n, 0);
        leave_one_out(tasks, n);
        for (int k = 0; k < 3; k++)
            co_cancel(tasks[i]);
        sim_run(&w.sim);
        assert_int_equal(waiter_of(tasks[i])->first, -ECANCELED);
        assert_int_equal(waiter_of(tasks[i])->next, 0);
        assert_all_but(tasks, what, n, i);
        finish(tasks, ALL);
    }
}

static void a_second_request_meets_the_second_await(void **state)
{
    (void)state;
    struct co_task *task;

    for (enum what what = EVENT; what < WHATS; what++) {
        begin(2);
        w.lock.owner = NULL;
        if (what == LOCK)                           /* nobody's, so that it waits */
            w.lock.owner = (struct co_task *)(void *)&w;
        task = co_spawn(waiter, .what = what, .rest = 5);
        sim_turns(&w.sim, 1);
        co_cancel(task);
        sim_turns(&w.sim, 1);
        co_cancel(task);
        sim_run(&w.sim);
        if (what == LOCK)
            w.lock.owner = NULL;
        assert_int_equal(waiter_of(task)->first, -ECANCELED);
        assert_int_equal(waiter_of(task)->next, -ECANCELED);
        assert_int_equal(w.sim.now, 0);
        finish(&task, 1);
    }
}

static void a_task_that_was_cancelled_takes_nothing_even_if_it_is_there(void **state)
{
    (void)state;
    struct co_task *task;

    for (enum what what = EVENT; what < WHATS; what++) {
        begin(1);
        co_event_set(&w.event);
        co_semaphore_init(&w.semaphore, 1, 0);
        task = co_spawn(waiter, .what = what);
        co_cancel(task);
        sim_run(&w.sim);
        assert_int_equal(co_task_result(task), -ECANCELED);
        assert_int_equal(waiter_of(task)->next, what == CONDITION ? -EINPROGRESS : 0);
        assert_false(waiter_of(task)->owns);
        assert_int_equal(w.semaphore.value, 1);
        finish(&task, 1);
    }
}

static void lock_out_of_task(void) { co_op op = op_of(LOCK); (void)op; }
static void event_out_of_task(void) { co_op op = op_of(EVENT); (void)op; }
static void barrier_out_of_task(void) { co_op op = op_of(BARRIER); (void)op; }

static void an_op_outside_a_task_stops_the_program(void **state)
{
    (void)state;
    begin(1);
    stops(lock_out_of_task, "co_lock_acquire\\(\\) was made outside a task");
    stops(event_out_of_task, "co_event_wait\\(\\) was made outside a task");
    stops(barrier_out_of_task, "co_barrier_wait\\(\\) was made outside a task");
    finish(NULL, 0);
}

/* ---- Event ----------------------------------------------------------------------------------- */

static void an_event_that_is_set_lets_all_through_until_it_is_cleared(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    begin(1);
    co_event_set(&w.event);
    co_event_set(&w.event);
    tasks[0] = co_spawn(waiter, .what = EVENT, .name = "early");
    sim_run(&w.sim);
    assert_notes("early");
    assert_int_equal(w.event.is_set, 1);
    co_event_clear(&w.event);
    tasks[1] = co_spawn(waiter, .what = EVENT, .name = "late");
    assert_int_equal(sim_run(&w.sim), 1);
    assert_notes("");
    co_event_set(&w.event);
    sim_run(&w.sim);
    assert_notes("late");
    finish(tasks, 2);
}

static void who_waits_when_an_event_is_set_is_woken_though_it_is_cleared_at_once(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(1);
    tasks[0] = co_spawn(waiter, .what = EVENT, .name = "a");
    tasks[1] = co_spawn(waiter, .what = EVENT, .name = "b");
    sim_turns(&w.sim, 1);
    tasks[2] = co_spawn(waiter, .what = EVENT, .name = "c");
    co_event_set(&w.event);
    co_event_clear(&w.event);
    assert_int_equal(sim_run(&w.sim), 1);
    assert_notes("a b");
    co_cancel(tasks[2]);
    finish(tasks, 3);
}

/* ---- Lock ------------------------------------------------------------------------------------ */

/* Comes after [at] seconds, has the lock for [hold], notifies [notify] first; notes its name when
 * it has it, and cancels [victim] when it has released it. */
struct keeper {
    co_frame;
    const char *name;
    double at, hold;
    unsigned notify;
    struct co_task *victim;
    intptr_t slept;
    int released;
};
static co_define(keeper) {
    co_begin;
    self->released = -EINPROGRESS;
    if (self->at > 0)
        co_try(co_sleep(self->at));
    co_try(co_lock_acquire(&w.lock));
    note(self->name);
    co_condition_notify(&w.condition, self->notify);
    co_try(self->slept, co_sleep(self->hold));
    co_finally;
    self->released = co_lock_release(&w.lock);
    co_cancel(self->victim);
    co_end;
}

struct canceller { co_frame; double at; struct co_task *task; };
static co_define(canceller) {
    co_begin;
    co_try(co_sleep(self->at));
    co_cancel(self->task);
    co_end;
}

static void a_lock_has_one_owner_at_a_time_and_none_in_the_end(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(1);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(keeper, .name = "x", .hold = 1);
    for (int i = 0; i < 3; i++) {
        sim_turns(&w.sim, 1);
        assert_ptr_equal(w.lock.owner, tasks[i]);
        w.sim.now += 1 * S;
        sim_turns(&w.sim, 1);
    }
    assert_notes("x x x");
    finish(tasks, 3);
}

static void a_task_that_is_cancelled_with_the_lock_releases_it_in_its_finally(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(1);
    tasks[0] = co_spawn(keeper, .name = "a", .hold = 9);
    tasks[1] = co_spawn(keeper, .name = "b", .hold = 1);
    tasks[2] = co_spawn(canceller, .at = 2, .task = tasks[0]);
    sim_run(&w.sim);
    assert_notes("a b");
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    assert_int_equal(CO_TASK_FRAME(tasks[0], keeper)->released, 0);
    assert_int_equal(co_task_result(tasks[1]), 0);
    assert_int_equal(w.sim.now, 3 * S);
    finish(tasks, 3);
}

static void a_task_that_is_cancelled_in_the_turn_in_which_it_gets_the_lock_releases_it(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(1);
    tasks[0] = co_spawn(keeper, .name = "a", .hold = 1);
    tasks[1] = co_spawn(keeper, .name = "b", .hold = 9);
    tasks[2] = co_spawn(keeper, .name = "c", .hold = 1);
    CO_TASK_FRAME(tasks[0], keeper)->victim = tasks[1];        /* it has been handed the lock */
    sim_run(&w.sim);
    assert_notes("a b c");
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(w.sim.now, 2 * S);
    finish(tasks, 3);
}

static void a_release_by_who_has_not_got_it_does_nothing(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    begin(1);
    assert_int_equal(co_lock_release(&w.lock), -EPERM);
    tasks[0] = co_spawn(keeper, .name = "a", .hold = 2);
    tasks[1] = co_spawn(keeper, .name = "b", .hold = 1);
    sim_turns(&w.sim, 1);
    assert_int_equal(co_lock_release(&w.lock), -EPERM);        /* outside any task */
    co_cancel(tasks[1]);                                  /* its finally releases, too early */
    sim_turns(&w.sim, 1);
    assert_int_equal(CO_TASK_FRAME(tasks[1], keeper)->released, -EPERM);
    assert_ptr_equal(w.lock.owner, tasks[0]);
    finish(tasks, 2);
}

struct again { co_frame; intptr_t second, third; };
static co_define(again) {
    co_begin;
    co_try(co_lock_acquire(&w.lock));
    co_await(self->second, co_lock_acquire(&w.lock));
    co_lock_release(&w.lock);
    co_await(self->third, co_lock_acquire(&w.lock));        /* behind those who waited */
    note("again");
    co_finally;
    co_lock_release(&w.lock);
    co_end;
}

static void a_second_acquire_by_the_owner_is_refused_and_nobody_is_overtaken(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(1);
    tasks[0] = co_spawn(keeper, .name = "before", .hold = 1);
    tasks[1] = co_spawn(again);
    tasks[2] = co_spawn(keeper, .name = "waiter", .hold = 1);
    sim_run(&w.sim);
    assert_notes("before waiter again");
    assert_int_equal(CO_TASK_FRAME(tasks[1], again)->second, -EDEADLK);
    assert_int_equal(CO_TASK_FRAME(tasks[1], again)->third, 0);
    finish(tasks, 3);
}

/* ---- Semaphore ------------------------------------------------------------------------------- */

static void a_semaphore_lets_in_as_many_as_its_value(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(1);
    co_semaphore_init(&w.semaphore, 2, 0);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(waiter, .what = SEMAPHORE, .name = "in");
    assert_int_equal(sim_run(&w.sim), 1);
    assert_notes("in in");
    assert_int_equal(w.semaphore.value, 0);
    assert_int_equal(co_semaphore_release(&w.semaphore), 0);
    assert_int_equal(w.semaphore.value, 0);                 /* it went to the one who waits */
    sim_run(&w.sim);
    assert_notes("in");
    finish(tasks, 3);
}

static void a_bounded_semaphore_refuses_a_release_too_many(void **state)
{
    (void)state;
    struct co_task *task;

    begin(1);
    co_semaphore_init(&w.semaphore, 1, 1);
    assert_int_equal(co_semaphore_release(&w.semaphore), -ERANGE);
    assert_int_equal(w.semaphore.value, 1);
    task = co_spawn(waiter, .what = SEMAPHORE, .name = "in");
    sim_run(&w.sim);
    assert_int_equal(w.semaphore.value, 0);
    assert_int_equal(co_semaphore_release(&w.semaphore), 0);
    assert_int_equal(co_semaphore_release(&w.semaphore), -ERANGE);
    assert_int_equal(w.semaphore.value, 1);
    co_semaphore_init(&w.semaphore, 1, 0);
    assert_int_equal(co_semaphore_release(&w.semaphore), 0);   /* a plain one does not */
    assert_int_equal(w.semaphore.value, 2);
    finish(&task, 1);
}

/* ---- Condition ------------------------------------------------------------------------------- */

/* [n] waiters of the condition, who wait when this returns. */
static void wait_on_condition(struct co_task **tasks, int n)
{
    begin(1);
    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(waiter, .what = CONDITION, .name = names[i]);
    sim_turns(&w.sim, 1);
    assert_null(w.lock.owner);
}

struct without_lock { co_frame; intptr_t waited; int notified, notified_all; };
static co_define(without_lock) {
    co_begin;
    co_await(self->waited, co_condition_wait(&w.condition));
    self->notified = co_condition_notify(&w.condition, 1);
    self->notified_all = co_condition_notify_all(&w.condition);
    co_end;
}

static void without_the_lock_a_condition_does_nothing(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    wait_on_condition(tasks, 1);
    tasks[1] = co_spawn(without_lock);
    assert_int_equal(sim_run(&w.sim), 1);
    assert_int_equal(CO_TASK_FRAME(tasks[1], without_lock)->waited, -EPERM);
    assert_int_equal(CO_TASK_FRAME(tasks[1], without_lock)->notified, -EPERM);
    assert_int_equal(CO_TASK_FRAME(tasks[1], without_lock)->notified_all, -EPERM);
    assert_int_equal(co_condition_notify(&w.condition, 1), -EPERM);
    co_cancel(tasks[0]);
    finish(tasks, 2);
}

static void a_notify_wakes_as_many_as_it_says(void **state)
{
    (void)state;
    struct co_task *tasks[6];

    for (unsigned n = 0; n < 5; n++) {
        wait_on_condition(tasks, 3);
        tasks[3] = co_spawn(keeper, .name = "k", .notify = n);
        assert_int_equal(sim_run(&w.sim), n < 3 ? 3 - n : 0);
        assert_notes(n == 0 ? "k" : n == 1 ? "k 0" : n == 2 ? "k 0 1" : "k 0 1 2");
        tasks[4] = co_spawn(keeper, .name = "all", .notify = UINT_MAX);
        assert_int_equal(sim_run(&w.sim), 0);
        assert_notes(n == 0 ? "all 0 1 2" : n == 1 ? "all 1 2" : n == 2 ? "all 2" : "all");
        finish(tasks, 5);
    }
}

static void a_cancelled_waiter_goes_on_when_it_has_the_lock_again(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    wait_on_condition(tasks, 1);
    tasks[1] = co_spawn(keeper, .name = "keeper", .at = 1, .hold = 4);
    tasks[2] = co_spawn(canceller, .at = 2, .task = tasks[0]);
    while (w.sim.now < 3 * S && sim_turn(&w.sim)) { }
    assert_int_equal(waiter_of(tasks[0])->first, -EINPROGRESS);
    sim_run(&w.sim);
    assert_int_equal(w.sim.now, 5 * S);
    assert_int_equal(waiter_of(tasks[0])->first, -ECANCELED);
    assert_true(waiter_of(tasks[0])->owns);
    assert_int_equal(waiter_of(tasks[0])->next, 0);
    finish(tasks, 3);
}

struct suicide { co_frame; intptr_t waited; bool owns; };
static co_define(suicide) {
    co_begin;
    co_try(co_lock_acquire(&w.lock));
    co_cancel(co_current());
    co_await(self->waited, co_condition_wait(&w.condition));
    self->owns = w.lock.owner == co_current();
    co_finally;
    co_lock_release(&w.lock);
    co_end;
}

static void a_task_that_was_cancelled_does_not_let_go_of_the_lock_to_wait(void **state)
{
    (void)state;
    struct co_task *task;

    begin(1);
    task = co_spawn(suicide);
    sim_run(&w.sim);
    assert_int_equal(CO_TASK_FRAME(task, suicide)->waited, -ECANCELED);
    assert_true(CO_TASK_FRAME(task, suicide)->owns);
    finish(&task, 1);
}

static void a_notify_that_a_cancelled_waiter_had_got_goes_to_the_next(void **state)
{
    (void)state;
    struct co_task *tasks[6];

    for (int cancels = 1; cancels <= 2; cancels++) {
        wait_on_condition(tasks, 3);
        tasks[3] = co_spawn(keeper, .name = "keeper", .hold = 4, .notify = 1);
        tasks[4] = co_spawn(canceller, .at = 1, .task = tasks[0]);
        tasks[5] = co_spawn(canceller, .at = 2, .task = tasks[cancels == 1 ? 0 : 1]);
        assert_int_equal(sim_run(&w.sim), cancels == 1 ? 1 : 0);
        assert_notes(cancels == 1 ? "keeper 1" : "keeper 2");   /* one notify, one who got it */
        assert_int_equal(waiter_of(tasks[0])->first, -ECANCELED);
        assert_true(waiter_of(tasks[0])->owns);
        assert_int_equal(waiter_of(tasks[0])->next, 0);
        co_cancel(tasks[2]);
        finish(tasks, 6);
    }
}

static void who_was_cancelled_before_the_notify_has_none_to_pass_on(void **state)
{
    (void)state;
    struct co_task *tasks[5];

    wait_on_condition(tasks, 3);
    tasks[3] = co_spawn(keeper, .name = "keeper", .hold = 3, .notify = 0);
    tasks[4] = co_spawn(canceller, .at = 1, .task = tasks[0]);
    assert_int_equal(sim_run(&w.sim), 2);
    assert_notes("keeper");
    co_task_free(tasks[3]);
    tasks[3] = co_spawn(keeper, .name = "keeper", .notify = 2);
    assert_int_equal(sim_run(&w.sim), 0);
    assert_notes("keeper 1 2");
    finish(tasks, 5);
}

static void of_all_who_were_notified_a_cancelled_one_takes_none_from_the_others(void **state)
{
    (void)state;
    struct co_task *tasks[5];

    for (int i = 0; i < 3; i++) {
        wait_on_condition(tasks, 3);
        tasks[3] = co_spawn(keeper, .name = "all", .hold = 3, .notify = UINT_MAX);
        tasks[4] = co_spawn(canceller, .at = 1, .task = tasks[i]);
        assert_int_equal(sim_run(&w.sim), 0);
        assert_notes(i == 0 ? "all 1 2" : i == 1 ? "all 0 2" : "all 0 1");
        assert_int_equal(waiter_of(tasks[i])->first, -ECANCELED);
        assert_true(waiter_of(tasks[i])->owns);
        finish(tasks, 5);
    }
}

static void two_requests_while_a_waiter_queues_for_the_lock_are_one(void **state)
{
    (void)state;
    struct co_task *tasks[4];

    for (unsigned notify = 0; notify < 2; notify++) {
        wait_on_condition(tasks, 1);
        tasks[1] = co_spawn(keeper, .name = "keeper", .hold = 4, .notify = notify);
        tasks[2] = co_spawn(canceller, .at = 1, .task = tasks[0]);
        tasks[3] = co_spawn(canceller, .at = 2, .task = tasks[0]);
        CO_TASK_FRAME(tasks[1], keeper)->victim = tasks[0];    /* and when it has the lock */
        sim_run(&w.sim);
        assert_int_equal(waiter_of(tasks[0])->first, -ECANCELED);
        assert_true(waiter_of(tasks[0])->owns);
        assert_int_equal(waiter_of(tasks[0])->next, 0);
        finish(tasks, 4);
    }
}

/* Tries again whenever its own deadline of [inner] seconds has passed. */
struct tries { co_frame; double inner; struct co_within within; int tries; intptr_t r; };
static co_define(tries) {
    co_begin;
    do {
        self->tries++;
        co_await(self->r, co_within(&self->within, self->inner, co_condition_wait(&w.condition)));
    } while (self->r == -ETIMEDOUT && self->tries < 10);
    co_return(self->r);
    co_end;
}
struct retrier { co_frame; double outer; struct co_within within; struct tries tries; intptr_t r; };
static co_define(retrier) {
    co_begin;
    co_try(co_lock_acquire(&w.lock));
    co_await(self->r, co_within(&self->within, self->outer,
                                co_call(&self->tries, tries, .inner = self->tries.inner)));
    co_return(self->r);
    co_finally;
    assert_int_equal(co_lock_release(&w.lock), 0);
    co_end;
}

static void deadlines_that_pass_while_a_waiter_queues_for_the_lock_keep_their_names(void **state)
{
    (void)state;
    static const struct { double inner, outer; int tries; } cases[] = {
        { 2, 3, 2 },                /* the outer one meets the second try */
        { 3, 2, 1 },                /* the inner one has nothing to say */
        { 2, 9, 6 },                /* the outer one comes later: after 5, 7, 9 */
    };
    struct co_task *tasks[2];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(1);
        tasks[0] = co_spawn(retrier, .outer = cases[i].outer, .tries.inner = cases[i].inner);
        tasks[1] = co_spawn(keeper, .name = "keeper", .at = 1, .hold = 4);
        sim_run(&w.sim);
        assert_int_equal(co_task_result(tasks[0]), -ETIMEDOUT);
        if (i < 2)
            assert_int_equal(CO_TASK_FRAME(tasks[0], retrier)->tries.tries, cases[i].tries);
        else
            assert_int_equal(w.sim.now, 9 * S);
        finish(tasks, 2);
    }
}

/* ---- Barrier --------------------------------------------------------------------------------- */

static void a_barrier_opens_when_all_have_come_and_then_is_as_new(void **state)
{
    (void)state;
    struct co_task *tasks[6];

    begin(3);
    for (int i = 0; i < 6; i++) {
        tasks[i] = co_spawn(waiter, .what = BARRIER, .name = "x");
        sim_turns(&w.sim, 2);
        assert_int_equal(w.barrier.arrived, (i + 1) % 3);
    }
    sim_run(&w.sim);
    for (int i = 0; i < 6; i++)
        assert_int_equal(co_task_result(tasks[i]), i % 3);
    finish(tasks, 6);
}

static void an_aborted_barrier_lets_nobody_wait_until_it_is_reset(void **state)
{
    (void)state;
    struct co_task *tasks[6];

    begin(2);
    tasks[0] = co_spawn(waiter, .what = BARRIER);
    sim_turns(&w.sim, 1);
    co_barrier_abort(&w.barrier);
    tasks[1] = co_spawn(waiter, .what = BARRIER);
    assert_int_equal(sim_run(&w.sim), 0);
    tasks[2] = co_spawn(waiter, .what = BARRIER);
    assert_int_equal(sim_run(&w.sim), 0);
    co_barrier_reset(&w.barrier);
    tasks[3] = co_spawn(waiter, .what = BARRIER);
    assert_int_equal(sim_run(&w.sim), 1);
    co_barrier_reset(&w.barrier);
    for (int i = 4; i < 6; i++)
        tasks[i] = co_spawn(waiter, .what = BARRIER, .name = "x");
    assert_int_equal(sim_run(&w.sim), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(co_task_result(tasks[i]), i < 4 ? -EPIPE : i - 4);
    finish(tasks, 6);
}

static void who_was_cancelled_has_not_come_to_the_barrier(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(2);
    tasks[0] = co_spawn(waiter, .what = BARRIER);
    sim_turns(&w.sim, 1);
    co_cancel(tasks[0]);
    tasks[1] = co_spawn(waiter, .what = BARRIER, .name = "x");
    assert_int_equal(sim_run(&w.sim), 1);
    tasks[2] = co_spawn(waiter, .what = BARRIER, .name = "x");
    sim_run(&w.sim);
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    assert_int_equal(co_task_result(tasks[1]), 0);
    assert_int_equal(co_task_result(tasks[2]), 1);
    finish(tasks, 3);
}

/* ---- Known bugs of others -------------------------------------------------------------------- */

/* Waits for the event and does nothing more: no await is left to meet a request. */
struct inner { co_frame; intptr_t r; };
static co_define(inner) {
    co_begin;
    co_await(self->r, co_event_wait(&w.event));
    co_return(self->r < 0 ? self->r : 7);
    co_end;
}

/* Awaits that in one of four ways; [next] is what the await after it gave. */
enum how { CALLED, WITHIN, JOINED, WAITED_FOR, HOWS };
struct outer {
    co_frame;
    enum how how;
    struct co_task *task;
    struct inner inner;
    struct co_within within;
    intptr_t first, next;
};
static co_define(outer) {
    co_begin;
    if (self->how == CALLED)
        co_await(self->first, co_call(&self->inner, inner));
    else if (self->how == WITHIN)
        co_await(self->first, co_within(&self->within, 100, co_call(&self->inner, inner)));
    else if (self->how == JOINED)
        co_await(self->first, co_join(self->task));
    else
        co_await(self->first, co_wait_for(&self->within, self->task, 100));
    co_await(self->next, co_sleep(1));
    co_return(self->next);
    co_end;
}

/* The first await gives the result, the second one the cancel, which came after [turns]. */
static void assert_not_swallowed(struct co_task **tasks, int turns)
{
    sim_turns(&w.sim, turns);
    co_cancel(tasks[1]);
    sim_run(&w.sim);
    assert_int_equal(CO_TASK_FRAME(tasks[1], outer)->first, 7);
    assert_int_equal(CO_TASK_FRAME(tasks[1], outer)->next, -ECANCELED);
    assert_int_equal(w.sim.now, 0);
    finish(tasks, 2);
}

/* cpython#86296, cpython#107547: wait_for() swallows a cancel that comes when what it waits for
 * has just finished. */
static void a_cancel_is_not_swallowed_when_what_was_awaited_has_just_ended(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    for (enum how how = CALLED; how < HOWS; how++) {
        for (int turns = how < JOINED ? 0 : 1; turns < 4; turns++) {
            begin(1);
            tasks[0] = co_spawn(inner);
            tasks[1] = co_spawn(outer, .how = how, .task = tasks[0]);
            sim_turns(&w.sim, 1);
            co_event_set(&w.event);
            assert_not_swallowed(tasks, turns);
        }
    }
}

/* micropython#8717: the same, where it ended before it had awaited anything. */
static void a_cancel_is_not_swallowed_when_what_was_awaited_ended_at_once(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    for (enum how how = JOINED; how < HOWS; how++) {
        for (int turns = 1; turns < 4; turns++) {
            begin(1);
            tasks[1] = co_spawn(outer, .how = how);
            tasks[0] = co_spawn(give, .value = 7);
            CO_TASK_FRAME(tasks[1], outer)->task = tasks[0];
            assert_not_swallowed(tasks, turns);
        }
    }
}

/* Both again, a turn earlier: the joined task gets the request, and ends without another await. */
static void a_cancel_that_was_handed_down_and_never_met_comes_back(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    for (enum how how = JOINED; how < HOWS; how++) {
        begin(1);
        tasks[0] = co_spawn(inner);
        tasks[1] = co_spawn(outer, .how = how, .task = tasks[0]);
        sim_turns(&w.sim, 1);
        co_event_set(&w.event);
        assert_not_swallowed(tasks, 0);

        begin(1);
        tasks[1] = co_spawn(outer, .how = how);
        sim_turns(&w.sim, 0);
        tasks[0] = co_spawn(give, .value = 7);
        CO_TASK_FRAME(tasks[1], outer)->task = tasks[0];
        assert_not_swallowed(tasks, 0);
    }
}

struct limited {
    co_frame;
    enum how how;
    struct co_task *task;
    struct co_within within;
    struct outer outer;
};
static co_define(limited) {
    co_begin;
    co_try(co_within(&self->within, 1,
                     co_call(&self->outer, outer, .how = self->how, .task = self->task)));
    co_end;
}

static void a_deadline_that_was_handed_down_and_never_met_comes_back(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    for (enum how how = JOINED; how < HOWS; how++) {
        begin(1);
        tasks[0] = co_spawn(inner);
        tasks[1] = co_spawn(limited, .how = how, .task = tasks[0]);
        sim_turns(&w.sim, 1);
        co_event_set(&w.event);
        w.sim.now = 2 * S;                      /* so it passes before [0] runs */
        sim_run(&w.sim);
        assert_int_equal(CO_TASK_FRAME(tasks[1], limited)->outer.first, 7);
        assert_int_equal(co_task_result(tasks[1]), -ETIMEDOUT);
        assert_int_equal(w.sim.now, 2 * S);
        finish(tasks, 2);
    }
}

/* ---- Ten thousand tasks ---------------------------------------------------------------------- */

enum { PLACES = 5, TOKENS = 3, ROUNDS = 3 };
static struct {
    uint32_t random;
    int holders, inside, tokens;        /* of the lock; of the semaphore; left in the box */
    int locked, entered, taken;         /* how often */
    struct co_lock box;                    /* the lock of the tokens */
    struct co_condition filled;
} crowd;

/* xorshift: the same numbers everywhere. */
static int chance(int n)
{
    crowd.random ^= crowd.random << 13;
    crowd.random ^= crowd.random >> 17;
    crowd.random ^= crowd.random << 5;
    return (int)(crowd.random % (uint32_t)n);
}

static double moment(int ms)
{
    return 0.001 * chance(ms);
}

struct use_lock { co_frame; struct co_within within; bool has; };
static co_define(use_lock) {
    co_begin;
    co_try(co_within(&self->within, 1 + 100 * chance(2), co_lock_acquire(&w.lock)));
    self->has = true;
    assert_int_equal(++crowd.holders, 1);
    crowd.locked++;
    co_try(co_sleep(moment(3)));
    co_finally;
    if (self->has)
        crowd.holders--;
    assert_int_equal(co_lock_release(&w.lock), self->has ? 0 : -EPERM);
    co_end;
}

struct use_semaphore { co_frame; struct co_within within; bool has; };
static co_define(use_semaphore) {
    co_begin;
    co_try(co_within(&self->within, 1 + 100 * chance(2), co_semaphore_acquire(&w.semaphore)));
    self->has = true;
    crowd.inside++;
    assert_in_range(crowd.inside, 1, PLACES);
    crowd.entered++;
    co_try(co_sleep(moment(10)));
    co_finally;
    if (self->has) {
        crowd.inside--;
        assert_int_equal(co_semaphore_release(&w.semaphore), 0);
    }
    co_end;
}

/* Takes a token out of the box, when there is one, and puts it back after a while. */
struct use_token { co_frame; struct co_within within; bool has; intptr_t r; };
static co_define(use_token) {
    co_begin;
    co_try(co_lock_acquire(&crowd.box));
    while (crowd.tokens == 0) {
        co_await(self->r, co_within(&self->within, chance(2) ? moment(200) : 1e6,
                                    co_condition_wait(&crowd.filled)));
        assert_ptr_equal(crowd.box.owner, co_current());
        co_try(co_done(self->r));
    }
    crowd.tokens--;
    crowd.taken++;
    self->has = true;
    co_try(co_sleep(moment(2)));            /* the box is locked, so the others queue for it */
    co_lock_release(&crowd.box);
    co_try(co_sleep(moment(8)));
    co_finally;
    while (self->has && crowd.box.owner != co_current())
        co_await(co_lock_acquire(&crowd.box));
    if (self->has) {
        crowd.tokens++;
        co_condition_notify(&crowd.filled, 1);
    }
    co_lock_release(&crowd.box);
    co_end;
}

struct soul {
    co_frame;
    double at;
    int round, kind;
    union {
        struct use_lock lock;
        struct use_semaphore semaphore;
        struct use_token token;
    } use;
    intptr_t r;
};
static co_define(soul) {
    co_begin;
    co_try(co_sleep(self->at));
    for (self->round = 0; self->round < ROUNDS; self->round++) {
        self->kind = chance(3);
        if (self->kind == 0)
            co_await(self->r, co_call(&self->use.lock, use_lock));
        else if (self->kind == 1)
            co_await(self->r, co_call(&self->use.semaphore, use_semaphore));
        else
            co_await(self->r, co_call(&self->use.token, use_token));
        if (self->r != -ETIMEDOUT)
            co_try(co_done(self->r));
    }
    co_end;
}

struct reaper { co_frame; struct co_task **tasks; int n, left; };
static co_define(reaper) {
    co_begin;
    for (; self->left > 0; self->left--) {
        co_try(co_sleep(moment(3)));
        co_cancel(self->tasks[chance(self->n)]);
    }
    co_end;
}

static void ten_thousand_tasks_leave_everything_as_it_was(void **state)
{
    (void)state;
    int n = sized(10000, 1000), ended[3] = { 0 };
    struct co_task **tasks = calloc((size_t)n + 1, sizeof *tasks);

    assert_non_null(tasks);
    begin(1);
    memset(&crowd, 0, sizeof crowd);
    crowd.random = 20231105;
    crowd.tokens = TOKENS;
    co_condition_init(&crowd.filled, &crowd.box);
    co_semaphore_init(&w.semaphore, PLACES, PLACES);
    print_message("seed %lu, %d tasks", (unsigned long)crowd.random, n);
    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(soul, .at = moment(n));
    tasks[n] = co_spawn(reaper, .tasks = tasks, .n = n, .left = n);
    assert_int_equal(sim_run(&w.sim), 0);
    for (int i = 0; i < n; i++) {
        intptr_t result = co_task_result(tasks[i]);
        assert_true(result == 0 || result == -ECANCELED);
        ended[result == 0]++;
    }
    print_message(": %d ended, %d cancelled; %d locked, %d entered, %d took a token\n", ended[1],
                  ended[0], crowd.locked, crowd.entered, crowd.taken);
    assert_in_range(ended[0], n / 10, n - n / 10);
    assert_int_equal(crowd.holders, 0);
    assert_int_equal(crowd.inside, 0);
    assert_int_equal(crowd.tokens, TOKENS);
    assert_int_equal(w.semaphore.value, PLACES);
    assert_null(crowd.box.owner);
    assert_null(crowd.box.waiters);
    assert_null(crowd.filled.waiters);
    finish(tasks, n + 1);
    free(tasks);
}

/* ---- What differs from other libraries, on purpose ------------------------------------------- */

struct arrives { co_frame; struct co_barrier *barrier; int rounds; intptr_t r; };
static co_define(arrives) {
    co_begin;
    for (; self->rounds > 0; self->rounds--)
        co_await(self->r, co_barrier_wait(self->barrier));
    co_return(self->r);
    co_end;
}

static void a_barrier_of_nobody_is_EINVAL(void **state)
{
    (void)state;
    struct sim sim;
    struct co_barrier barrier = { 0 };
    struct co_task *task;

    sim_begin(&sim);
    task = co_spawn(arrives, .barrier = &barrier, .rounds = 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(task), -EINVAL);
    co_task_free(task);
    sim_end(&sim);
}

/* Those that the last one has released keep their numbers, though they have not run yet. */
static void a_reset_touches_none_that_was_released(void **state)
{
    (void)state;
    struct sim sim;
    struct co_barrier barrier;
    struct co_task *tasks[4];

    sim_begin(&sim);
    co_barrier_init(&barrier, 3);
    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(arrives, .barrier = &barrier, .rounds = 1);
    sim_turns(&sim, 1);
    co_barrier_reset(&barrier);
    tasks[3] = co_spawn(arrives, .barrier = &barrier, .rounds = 1);
    sim_turns(&sim, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(co_task_result(tasks[i]), i);
    co_barrier_reset(&barrier);                     /* the next cycle has one who waits */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(tasks[3]), -EPIPE);
    for (int i = 0; i < 4; i++)
        co_task_free(tasks[i]);
    sim_end(&sim);
}

/* Enters, notes its name, leaves and enters again. */
struct greedy { co_frame; struct co_semaphore *semaphore; const char *name; int rounds; };
static co_define(greedy) {
    co_begin;
    for (; self->rounds > 0; self->rounds--) {
        co_try(co_semaphore_acquire(self->semaphore));
        note(self->name);
        co_pause;
        co_semaphore_release(self->semaphore);
    }
    co_end;
}

/* A permit is handed to who waits first: whoever releases it does not overtake that one. */
static void who_releases_and_acquires_again_comes_last(void **state)
{
    (void)state;
    struct sim sim;
    struct co_semaphore semaphore;

    sim_begin(&sim);
    co_semaphore_init(&semaphore, 1, 1);
    assert_int_equal(co_go(greedy, .semaphore = &semaphore, .name = "a", .rounds = 3), 0);
    assert_int_equal(co_go(greedy, .semaphore = &semaphore, .name = "b", .rounds = 3), 0);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("a b a b a b");
    sim_end(&sim);
}

static struct co_lock bell_lock;
static struct co_condition bell;
struct listens { co_frame; };
static co_define(listens) {
    co_begin;
    co_try(co_lock_acquire(&bell_lock));
    co_try(co_condition_wait(&bell));
    note("heard");
    co_finally;
    co_lock_release(&bell_lock);
    co_end;
}
struct rings { co_frame; };
static co_define(rings) {
    co_begin;
    co_try(co_lock_acquire(&bell_lock));
    co_condition_notify_all(&bell);
    note("rang");
    co_finally;
    co_lock_release(&bell_lock);
    co_end;
}

/* Each of them needs the lock to go on, and gets it when the one before has released it. */
static void notify_all_lets_them_go_on_one_by_one(void **state)
{
    (void)state;
    struct sim sim;

    sim_begin(&sim);
    co_condition_init(&bell, &bell_lock);
    for (int i = 0; i < 3; i++)
        assert_int_equal(co_go(listens), 0);
    sim_turns(&sim, 3);
    assert_int_equal(co_go(rings), 0);
    sim_turns(&sim, 1);
    assert_notes("rang");
    for (int i = 0; i < 3; i++) {
        sim_turns(&sim, 1);
        assert_notes("heard");
    }
    assert_int_equal(sim_run(&sim), 0);
    sim_end(&sim);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(those_who_wait_are_served_first_in_first_out),
    cmocka_unit_test(a_cancelled_waiter_leaves_its_place_to_the_next),
    cmocka_unit_test(a_cancel_in_the_turn_of_the_hand_off_but_before_it_leaves_it_to_the_next),
    cmocka_unit_test(a_cancel_after_the_hand_off_meets_the_next_await),
    cmocka_unit_test(a_deadline_in_the_turn_of_the_hand_off_but_before_it_leaves_it_to_the_next),
    cmocka_unit_test(a_deadline_after_the_hand_off_is_none),
    cmocka_unit_test(two_requests_before_a_waiter_sees_the_first_are_one),
    cmocka_unit_test(a_second_request_meets_the_second_await),
    cmocka_unit_test(a_task_that_was_cancelled_takes_nothing_even_if_it_is_there),
    cmocka_unit_test(an_op_outside_a_task_stops_the_program),
    cmocka_unit_test(an_event_that_is_set_lets_all_through_until_it_is_cleared),
    cmocka_unit_test(who_waits_when_an_event_is_set_is_woken_though_it_is_cleared_at_once),
    cmocka_unit_test(a_lock_has_one_owner_at_a_time_and_none_in_the_end),
    cmocka_unit_test(a_task_that_is_cancelled_with_the_lock_releases_it_in_its_finally),
    cmocka_unit_test(a_task_that_is_cancelled_in_the_turn_in_which_it_gets_the_lock_releases_it),
    cmocka_unit_test(a_release_by_who_has_not_got_it_does_nothing),
    cmocka_unit_test(a_second_acquire_by_the_owner_is_refused_and_nobody_is_overtaken),
    cmocka_unit_test(a_semaphore_lets_in_as_many_as_its_value),
    cmocka_unit_test(a_bounded_semaphore_refuses_a_release_too_many),
    cmocka_unit_test(without_the_lock_a_condition_does_nothing),
    cmocka_unit_test(a_notify_wakes_as_many_as_it_says),
    cmocka_unit_test(a_cancelled_waiter_goes_on_when_it_has_the_lock_again),
    cmocka_unit_test(a_task_that_was_cancelled_does_not_let_go_of_the_lock_to_wait),
    cmocka_unit_test(a_notify_that_a_cancelled_waiter_had_got_goes_to_the_next),
    cmocka_unit_test(who_was_cancelled_before_the_notify_has_none_to_pass_on),
    cmocka_unit_test(of_all_who_were_notified_a_cancelled_one_takes_none_from_the_others),
    cmocka_unit_test(two_requests_while_a_waiter_queues_for_the_lock_are_one),
    cmocka_unit_test(deadlines_that_pass_while_a_waiter_queues_for_the_lock_keep_their_names),
    cmocka_unit_test(a_barrier_opens_when_all_have_come_and_then_is_as_new),
    cmocka_unit_test(an_aborted_barrier_lets_nobody_wait_until_it_is_reset),
    cmocka_unit_test(who_was_cancelled_has_not_come_to_the_barrier),
    cmocka_unit_test(a_cancel_is_not_swallowed_when_what_was_awaited_has_just_ended),
    cmocka_unit_test(a_cancel_is_not_swallowed_when_what_was_awaited_ended_at_once),
    cmocka_unit_test(a_cancel_that_was_handed_down_and_never_met_comes_back),
    cmocka_unit_test(a_deadline_that_was_handed_down_and_never_met_comes_back),
    cmocka_unit_test(ten_thousand_tasks_leave_everything_as_it_was),
    cmocka_unit_test(a_barrier_of_nobody_is_EINVAL),
    cmocka_unit_test(a_reset_touches_none_that_was_released),
    cmocka_unit_test(who_releases_and_acquires_again_comes_last),
    cmocka_unit_test(notify_all_lets_them_go_on_one_by_one),
};

TEST_MAIN(tests)
