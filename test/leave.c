/* SPDX-License-Identifier: BSD-2-Clause
 * leave.c: tests of what a coroutine must not leave behind when it ends: tasks in a group that lies
 * in its frame, a lock that it owns. */
#include "task_test.h"
#include "../group.h"
#include "../sync.h"

static struct sim world;

struct sleeper { co_frame; double seconds; };
static co_define(sleeper) {
    co_begin;
    co_try(co_sleep(self->seconds));
    co_end;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

enum { LINE_OF_FORGETFUL = __LINE__ + 3 };
struct forgetful { co_frame; struct co_group group; int tasks, waits; };
static co_define(forgetful) {
    co_begin;
    for (; self->tasks > 0; self->tasks--)
        if (co_group_go(&self->group, sleeper, .seconds = 5) < 0)
            co_return(-ENOMEM);
    co_try(co_sleep(1));
    if (self->waits)
        co_try(co_group_wait(&self->group));
    co_return(3);
    co_end;
}

struct calls { co_frame; struct forgetful child; int waits; intptr_t r; };
static co_define(calls) {
    co_begin;
    co_await(self->r, co_call(&self->child, forgetful, .tasks = 2, .waits = self->waits));
    co_try(co_sleep(100));
    co_return(self->r);
    co_end;
}

/* Starts tasks in the group of whoever calls it. */
struct starts { co_frame; struct co_group *group; };
static co_define(starts) {
    co_begin;
    if (co_group_go(self->group, sleeper, .seconds = 5) < 0)
        co_return(-ENOMEM);
    co_try(co_sleep(1));
    co_end;
}
struct lends_it { co_frame; struct co_group group; struct starts child; int waits; };
static co_define(lends_it) {
    co_begin;
    co_try(co_call(&self->child, starts, .group = &self->group));
    if (self->waits)
        co_try(co_group_wait(&self->group));
    co_end;
}

/* A generator that has a group, and gives values while it has tasks. */
struct gives { co_frame; struct co_group group; int i; };
static co_define(gives) {
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        if (co_group_go(&self->group, sleeper, .seconds = 5) < 0)
            co_return(-ENOMEM);
        co_yield;
    }
    co_try(co_group_wait(&self->group));
    co_end;
}
struct takes { co_frame; struct gives generator; int n; };
static co_define(takes) {
    co_begin;
    co_init(&self->generator, gives);
    co_for_each(self->n, &self->generator)
        co_pause;
    co_return(self->generator.i);
    co_end;
}

/* Its first task was started by another task, which the group does not lie in. */
struct filled { co_frame; struct co_group group; struct starts child; struct co_task filler; };
static co_define(filled) {
    co_begin;
    co_task_init(&self->filler, &self->child, starts, .group = &self->group);
    co_try(co_join(&self->filler));
    if (co_group_go(&self->group, sleeper, .seconds = 5) < 0)
        co_return(-ENOMEM);
    co_end;
}

/* Starts one before it yields, and one after. */
struct gives_once { co_frame; struct co_group group; };
static co_define(gives_once) {
    co_begin;
    if (co_group_go(&self->group, sleeper, .seconds = 5) < 0)
        co_return(-ENOMEM);
    co_yield;
    if (co_group_go(&self->group, sleeper, .seconds = 5) < 0)
        co_return(-ENOMEM);
    co_end;
}
struct takes_once { co_frame; struct gives_once generator; int n; };
static co_define(takes_once) {
    co_begin;
    co_init(&self->generator, gives_once);
    co_for_each(self->n, &self->generator)
        co_pause;
    co_end;
}

static void filled_ends(void)
{
    sim_begin(&world);
    co_task_detach(co_spawn(filled));
    sim_run(&world);
}

static void generator_ends(void)
{
    sim_begin(&world);
    co_task_detach(co_spawn(takes_once));
    sim_run(&world);
}

static void root_ends(void)
{
    sim_begin(&world);
    co_task_detach(co_spawn(forgetful, .tasks = 2));
    sim_run(&world);
}

static void child_ends(void)
{
    sim_begin(&world);
    co_task_detach(co_spawn(calls));
    sim_run(&world);
}

static void lender_ends(void)
{
    sim_begin(&world);
    co_task_detach(co_spawn(lends_it));
    sim_run(&world);
}

static void a_coroutine_that_leaves_tasks_in_its_group_stops_with_both_places(void **state)
{
    (void)state;
    needs_places();
    stops_at(root_ends, LINE_OF_FORGETFUL, "forgetful has ended and leaves tasks in its group: .*"
             "sleeper, stands at .*leave.c:[0-9]+$");
    stops_at(child_ends, LINE_OF_FORGETFUL, "forgetful has ended and leaves tasks in its group");
    stops(lender_ends, "lends_it has ended and leaves tasks in its group");
    stops(filled_ends, "filled has ended and leaves tasks in its group");
    stops(generator_ends, "gives_once has ended and leaves tasks in its group");
}

/* Runs coroutine NAME to its end. Its result. */
#define run(...) (sim_begin(&world), run_(co_spawn(__VA_ARGS__)))
static intptr_t run_(struct co_task *task)
{
    intptr_t result;

    assert_int_equal(sim_run(&world), 0);
    result = co_task_result(task);
    co_task_free(task);
    sim_end(&world);
    return result;
}

static void one_that_waits_for_its_group_may_end(void **state)
{
    (void)state;
    assert_int_equal(run(forgetful, .tasks = 2, .waits = 1), 3);
    assert_int_equal(run(forgetful), 3);
    assert_int_equal(run(calls, .waits = 1), 3);
    assert_int_equal(run(lends_it, .waits = 1), 0);
    assert_int_equal(run(takes), 3);
}

/* A group that is nobody's member outlives those who start tasks in it. */
static struct co_group background;
struct starter { co_frame; int n; };
static co_define(starter) {
    co_begin;
    for (; self->n > 0; self->n--)
        if (co_group_go(&background, sleeper, .seconds = self->n) < 0)
            co_return(-ENOMEM);
    co_end;
}

static void a_group_that_lies_elsewhere_may_be_left(void **state)
{
    (void)state;
    sim_begin(&world);
    for (int i = 0; i < 3; i++)
        assert_int_equal(co_go(starter, .n = 3), 0);
    sim_turns(&world, 2);
    assert_int_equal(background.count, 9);
    assert_int_equal(sim_run(&world), 0);
    assert_int_equal(background.count, 0);
    sim_end(&world);
}

/* Two groups in one frame, which end in any order, and are used again. */
struct two { co_frame; struct co_group a, b; struct co_within slot; int i; intptr_t r; };
static co_define(two) {
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        if (co_group_go(&self->a, sleeper, .seconds = 1 + self->i) < 0
            || co_group_go(&self->b, sleeper, .seconds = 3 - self->i) < 0)
            co_return(-ENOMEM);
        co_try(co_within(&self->slot, 9, co_group_wait(&self->b)));
        if (self->i == 1)
            co_try(co_sleep(5));
        co_try(co_group_wait(&self->a));
    }
    co_return(self->i);
    co_end;
}
struct calls_two { co_frame; struct two two; intptr_t r; };
static co_define(calls_two) {
    co_begin;
    co_try(self->r, co_call(&self->two, two));
    co_return(self->r + 1);
    co_end;
}

static void two_groups_in_one_frame_end_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(run(two), 3);
    assert_int_equal(run(calls_two), 4);
}

static void a_task_with_a_group_is_still_found_by_its_coroutine(void **state)
{
    (void)state;
    struct co_task *task;

    sim_begin(&world);
    task = co_spawn(calls, .waits = 1);
    sim_turns(&world, 2);
    assert_ptr_equal(CO_TASK_FRAME(task, calls), co_task_room_(task));
#ifndef CO_TINY
    assert_string_equal(co_task_name(task), "calls");
#endif
    assert_int_equal(sim_run(&world), 0);
    co_task_free(task);
    sim_end(&world);
}

struct awaits { co_frame; struct co_group *group; };
static co_define(awaits) {
    co_begin;
    co_try(co_group_wait(self->group));
    co_end;
}

/* ---- A group that is over -------------------------------------------------------------------- */

/* Awaits the group once more before its waiter has run, then starts a task in it. */
struct intruder { co_frame; struct co_group *group; intptr_t waited, started; };
static co_define(intruder) {
    co_begin;
    while (self->group->count)
        co_pause;
    co_await(self->waited, co_group_wait(self->group));
    self->started = co_group_go(self->group, sleeper, .seconds = 1);
    co_end;
}
struct waits_once { co_frame; struct co_group group; };
static co_define(waits_once) {
    co_begin;
    if (co_group_go(&self->group, sleeper, .seconds = 1) < 0)
        co_return(-ENOMEM);
    co_try(co_group_wait(&self->group));
    co_end;
}

static void nobody_gets_between_the_end_of_a_group_and_its_waiter(void **state)
{
    (void)state;
    struct co_task *owner, *other;

    sim_begin(&world);
    owner = co_spawn(waits_once);
    sim_turns(&world, 2);
    other = co_spawn(intruder, .group = &CO_TASK_FRAME(owner, waits_once)->group);
    sim_turns(&world, 1);
    world.now += 2 * S;                             /* while it pauses, no time passes by itself */
    sim_turns(&world, 4);
    assert_int_equal(sim_run(&world), 0);
    assert_int_equal(CO_TASK_FRAME(other, intruder)->waited, -EBUSY);
    assert_int_equal(CO_TASK_FRAME(other, intruder)->started, -ECANCELED);
    co_task_free(owner);
    co_task_free(other);
    sim_end(&world);
}

/* The count of turns wraps around; a group that was awaited long ago is as new. */
static void a_group_can_be_used_after_any_number_of_turns(void **state)
{
    (void)state;
    static const uint32_t later[] = { 8, 1U << 30, 1U << 31, 3U << 30, 0U - 8 };

    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        sim_begin(&world);
        background = (struct co_group){ .count = 0 };
        assert_int_equal(co_go(starter, .n = 1), 0);
        sim_turns(&world, 2);
        assert_int_equal(co_go(awaits, .group = &background), 0);
        assert_int_equal(sim_run(&world), 0);
        world.scheduler.turns += later[i];
        assert_int_equal(co_go(starter, .n = 1), 0);
        sim_turns(&world, 1);
        assert_int_equal(background.count, 1);
        assert_int_equal(sim_run(&world), 0);
        sim_end(&world);
    }
}

/* ---- Locks ----------------------------------------------------------------------------------- */

static struct co_lock lock, other_lock;

enum { LINE_OF_KEEPER = __LINE__ + 3 };
struct keeper { co_frame; int releases; };
static co_define(keeper) {
    co_begin;
    co_try(co_lock_acquire(&other_lock));
    co_try(co_lock_acquire(&lock));
    co_try(co_sleep(1));
    co_lock_release(&other_lock);
    co_finally;
    if (self->releases)
        co_lock_release(&lock);
    co_end;
}

static void keep(void)
{
    sim_begin(&world);
    co_task_detach(co_spawn(keeper));
    sim_run(&world);
}

static void a_task_that_ends_and_owns_a_lock_stops(void **state)
{
    (void)state;
    needs_places();
    stops_at(keep, LINE_OF_KEEPER, "keeper ended and still owns a lock");
    assert_int_equal(run(keeper, .releases = 1), 0);
    assert_null(lock.owner);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_coroutine_that_leaves_tasks_in_its_group_stops_with_both_places),
    cmocka_unit_test(one_that_waits_for_its_group_may_end),
    cmocka_unit_test(a_group_that_lies_elsewhere_may_be_left),
    cmocka_unit_test(two_groups_in_one_frame_end_in_any_order),
    cmocka_unit_test(a_task_with_a_group_is_still_found_by_its_coroutine),
    cmocka_unit_test(nobody_gets_between_the_end_of_a_group_and_its_waiter),
    cmocka_unit_test(a_group_can_be_used_after_any_number_of_turns),
    cmocka_unit_test(a_task_that_ends_and_owns_a_lock_stops),
};

TEST_MAIN(tests)
