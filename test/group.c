/* SPDX-License-Identifier: BSD-2-Clause
 * group.c: tests of groups: what a failure and a cancel do to them, nesting, storage, and that
 * nothing outlives one. */
#include "task_test.h"
#include "../group.h"
#ifndef TEST_TARGET
#include "../loop.h"
#endif

#ifndef TEST_BARE
#include <fcntl.h>
#endif

static int begun, cleaned;              /* coroutines of this file: each once */

/* Sleeps, cleans up for [clean_up] seconds, gives [value]; or the failure, if it is not stubborn.
 * [clean] is what the clean-up met. */
struct member {
    co_frame;
    double seconds, clean_up;
    intptr_t value, slept, clean;
    const char *name;
    int stubborn;
};
static co_define(member) {
    co_begin;
    begun++;
    co_await(self->slept, co_sleep(self->seconds));
    co_return(self->slept < 0 && !self->stubborn ? self->slept : self->value);
    co_finally;
    if (self->clean_up > 0)
        co_await(self->clean, co_sleep(self->clean_up));
    if (self->name)
        note(self->name);
    if (self->clean < 0)
        note("hurried");
    cleaned++;
    co_end;
}

/* Fills a group and awaits it, [deadline] seconds if that is set; one more await must be free of
 * requests. */
struct parent {
    co_frame;
    struct co_group group;
    struct co_group_options options;
    void (*fill)(struct co_group *);
    double deadline;
    intptr_t result, after, forgiven;   /* gives 0 for the forgiven */
    struct co_within within;
};
static co_define(parent) {
    co_begin;
    begun++;
    co_group_init(&self->group, &self->options);
    self->fill(&self->group);
    if (self->deadline > 0)
        co_await (self->result,
                  co_within(&self->within, self->deadline, co_group_wait(&self->group)));
    else
        co_await(self->result, co_group_wait(&self->group));
    assert_int_equal(self->group.count, 0);
    note("parent");
    co_await(self->after, co_sleep(0));
    co_return(self->result == self->forgiven ? 0 : self->result);
    co_finally;
    cleaned++;
    co_end;
}

/* A fresh scheduler with a parent in it. */
struct world { struct sim sim; struct co_task task; struct parent parent; };

static void world_begin(struct world *w, void (*fill)(struct co_group *), int collect)
{
    sim_begin(&w->sim);
    begun = cleaned = 0;
    co_task_init(&w->task, &w->parent, parent, .fill = fill, .options.collect = collect);
}

/* Runs to the end, where nothing may be left. The parent's result; [after] is that of its next
 * await. */
static intptr_t world_end_after(struct world *w, intptr_t after)
{
    assert_int_equal(sim_run(&w->sim), 0);
    assert_int_equal(w->parent.group.count, 0);
    assert_null(w->parent.group.members.list.oldest);
    assert_int_equal(w->parent.after, after);
    assert_int_equal(begun, cleaned);
    sim_end(&w->sim);
    return co_task_result(&w->task);
}

static intptr_t world_end(struct world *w)
{
    return world_end_after(w, 0);
}

static void start(struct co_group *group, struct member member)
{
    assert_int_equal(co_group_go(group, member, .seconds = member.seconds, .value = member.value,
                              .clean_up = member.clean_up, .name = member.name,
                              .stubborn = member.stubborn), 0);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void nothing(struct co_group *group)
{
    (void)group;
}

static void three(struct co_group *group)
{
    start(group, (struct member){ .name = "c", .seconds = 3, .value = 3 });
    start(group, (struct member){ .name = "a", .seconds = 1, .value = 1 });
    start(group, (struct member){ .name = "b", .seconds = 2, .value = 2 });
}

static void one_that_fails(struct co_group *group)
{
    start(group, (struct member){ .name = "late", .seconds = 3, .value = -7, .stubborn = 1 });
    start(group, (struct member){ .name = "fails", .seconds = 1, .value = -5 });
    start(group, (struct member){ .name = "cancelled", .seconds = 2, .clean_up = 1 });
    start(group, (struct member){ .name = "before", .seconds = 0.5, .value = 9 });
}

static void a_group_ends_with_its_last_member(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, three, 0);
    assert_int_equal(world_end(&w), 0);
    assert_notes("a b c parent");
    assert_int_equal(w.sim.now, 3 * S);
}

static void an_empty_group_ends_at_once(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, nothing, 0);
    sim_turns(&w.sim, 1);
    assert_notes("parent");
    assert_int_equal(world_end(&w), 0);
}

static void a_member_is_freed_when_it_ends(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, three, 0);
    sim_turns(&w.sim, 2);
    assert_int_equal(w.sim.blocks, 3 + 1);              /* and the timers */
    while (w.parent.group.count == 3)
        assert_true(sim_turn(&w.sim));
    assert_int_equal(w.sim.blocks, 2 + 1);
    assert_int_equal(world_end(&w), 0);
}

struct awaits { co_frame; struct co_group *group; intptr_t result; };
static co_define(awaits) {
    co_begin;
    co_await(self->result, co_group_wait(self->group));
    co_return(self->result);
    co_end;
}

/* What a fresh task gets from co_group_wait, to which everything runs. */
static intptr_t awaited(struct sim *sim, struct co_group *group)
{
    struct awaits frame;
    struct co_task task;

    co_task_init(&task, &frame, awaits, .group = group);
    assert_int_equal(sim_run(sim), 0);
    return frame.result;
}

static void members_that_end_before_the_await_count(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;

    sim_begin(&sim);
    co_group_init(&group, NULL);
    start(&group, (struct member){ .value = -4 });
    start(&group, (struct member){ .value = -5 });
    sim_run(&sim);
    assert_int_equal(group.count, 0);
    assert_int_equal(group.failure, -4);
    assert_int_equal(awaited(&sim, &group), -4);
    sim_end(&sim);
}

static void a_group_that_was_awaited_is_as_new(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;
    struct co_group_options collect = { .collect = 1 };

    for (int collects = 0; collects < 2; collects++) {
        sim_begin(&sim);
        co_group_init(&group, collects ? &collect : NULL);
        for (int i = 0; i < 3; i++) {
            int64_t before = sim.now;

            one_that_fails(&group);
            assert_int_equal(awaited(&sim, &group), -5);
            assert_int_equal(sim.now - before, (2 + collects) * S);
            three(&group);
            assert_int_equal(awaited(&sim, &group), 0);
            three(&group);
            co_group_cancel(&group);
            assert_int_equal(awaited(&sim, &group), 0);
            co_group_cancel(&group);                       /* of an empty one */
            assert_int_equal(co_group_go(&group, member), -ECANCELED);
            assert_int_equal(awaited(&sim, &group), 0);
        }
        sim_end(&sim);
    }
}

static void a_group_is_awaited_by_one_task(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;
    struct awaits first, second;
    struct co_task tasks[2];

    sim_begin(&sim);
    co_group_init(&group, NULL);
    start(&group, (struct member){ .seconds = 1, .value = -3 });
    co_task_init(&tasks[0], &first, awaits, .group = &group);
    co_task_init(&tasks[1], &second, awaits, .group = &group);
    sim_turns(&sim, 2);
    assert_int_equal(second.result, -EBUSY);
    assert_int_equal(co_task_result(&tasks[0]), -EINPROGRESS);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(first.result, -3);
    sim_end(&sim);
}

static void a_member_that_awaits_its_own_group_is_EDEADLK(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;

    sim_begin(&sim);
    co_group_init(&group, NULL);
    assert_int_equal(co_group_go(&group, awaits, .group = &group), 0);
    start(&group, (struct member){ .seconds = 1 });
    assert_int_equal(awaited(&sim, &group), -EDEADLK);
    sim_end(&sim);
}

struct adds { co_frame; struct co_group *group; int n; };
static co_define(adds) {
    co_begin;
    co_try(co_sleep(1));
    if (self->n > 0)
        co_return(co_group_go(self->group, adds, .group = self->group, .n = self->n - 1));
    co_end;
}

static void members_may_be_added_while_it_is_awaited(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;

    sim_begin(&sim);
    co_group_init(&group, NULL);
    assert_int_equal(co_group_go(&group, adds, .group = &group, .n = 9), 0);
    assert_int_equal(awaited(&sim, &group), 0);
    assert_int_equal(sim.now, 10 * S);
    sim_end(&sim);
}

/* ---- Failure --------------------------------------------------------------------------------- */

static void the_first_failure_cancels_the_rest_and_is_the_result(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, one_that_fails, 0);
    assert_int_equal(world_end(&w), -5);
    assert_notes("before fails late cancelled parent");
    assert_int_equal(w.sim.now, 2 * S);                 /* the clean-up is waited for */
}

static void a_group_that_collects_lets_the_others_end(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, one_that_fails, 1);
    assert_int_equal(world_end(&w), -5);
    assert_notes("before fails late cancelled parent");
    assert_int_equal(w.sim.now, 3 * S);
}

static void four_in_one_turn(struct co_group *group)
{
    for (int i = 0; i < 4; i++)
        start(group, (struct member){ .value = i % 2 ? -i : i });
    start(group, (struct member){ .seconds = 1, .value = -9 });
}

static void of_failures_in_one_turn_the_first_is_given(void **state)
{
    (void)state;
    struct world w;

    for (int collect = 0; collect < 2; collect++) {
        world_begin(&w, four_in_one_turn, collect);
        assert_int_equal(world_end(&w), -1);
        assert_int_equal(w.sim.now, collect * S);
    }
}

static struct co_task *member_of(struct co_group *group, int n)
{
    struct co_task *task = group->members.list.oldest;

    while (n-- > 0)
        task = task->younger;
    return task;
}

static void a_member_that_was_cancelled_is_no_failure(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, three, 0);
    sim_turns(&w.sim, 2);
    assert_int_equal(co_cancel(member_of(&w.parent.group, 0)), 1);
    assert_int_equal(world_end(&w), 0);
    assert_notes("c a b parent");
    assert_int_equal(w.sim.now, 2 * S);
}

static void a_group_with_a_failure_takes_no_more_until_it_was_awaited(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;

    for (int collect = 0; collect < 2; collect++) {
        struct co_group_options options = { .collect = collect };

        sim_begin(&sim);
        co_group_init(&group, &options);
        start(&group, (struct member){ .value = -4 });
        sim_run(&sim);                                  /* it was alone, yet */
        assert_int_equal(co_group_go(&group, member), collect ? 0 : -ECANCELED);
        assert_int_equal(awaited(&sim, &group), -4);
        assert_int_equal(co_group_go(&group, member), 0);
        assert_int_equal(awaited(&sim, &group), 0);
        sim_end(&sim);
    }
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

static void slow_to_clean(struct co_group *group)
{
    start(group, (struct member){ .name = "quick", .seconds = 9 });
    start(group, (struct member){ .name = "slow", .seconds = 9, .clean_up = 2 });
    start(group, (struct member){ .name = "stubborn", .seconds = 9, .clean_up = 3, .stubborn = 1 });
}

static void a_cancelled_parent_cancels_its_group_and_waits_for_it(void **state)
{
    (void)state;
    struct world w;

    for (int turns = 0; turns < 4; turns++) {           /* before it began, too */
        world_begin(&w, slow_to_clean, 0);
        sim_turns(&w.sim, turns);
        assert_int_equal(co_cancel(&w.task), 1);
        assert_int_equal(world_end(&w), -ECANCELED);
        assert_notes("quick slow stubborn parent");
        assert_int_equal(w.sim.now, 3 * S);
    }
}

static void one_more_cancel_meets_the_clean_ups(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, slow_to_clean, 0);
    sim_turns(&w.sim, 2);
    assert_int_equal(co_cancel(&w.task), 1);
    assert_int_equal(co_cancel(&w.task), 1);          /* nobody saw the first: one request */
    while (w.sim.now < 1)
        assert_true(sim_turn(&w.sim));
    assert_int_equal(w.parent.group.count, 2);
    w.sim.now = S;
    assert_int_equal(co_cancel(&w.task), 1);
    assert_int_equal(world_end(&w), -ECANCELED);
    assert_notes("quick slow hurried stubborn hurried parent");
}

static void fails_when_cancelled(struct co_group *group)
{
    start(group, (struct member){ .seconds = 9, .clean_up = 1, .value = -6, .stubborn = 1 });
    start(group, (struct member){ .seconds = 9 });
}

static void a_failure_is_the_result_even_of_a_cancelled_group_and_the_next_await_fails(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, fails_when_cancelled, 0);
    sim_turns(&w.sim, 2);
    assert_int_equal(co_cancel(&w.task), 1);
    assert_int_equal(world_end_after(&w, -ECANCELED), -6);      /* the request is not lost */
}

static void a_cancel_in_the_turn_of_the_last_end_loses_nothing(void **state)
{
    (void)state;
    struct world w;

    for (int fails = 0; fails < 2; fails++) {
        world_begin(&w, fails ? four_in_one_turn : three, 0);
        while (sim_turns(&w.sim, 1), w.parent.group.count > 0)
            if (co_scheduler_next(&w.sim.scheduler) > 0)
                sim_wait(&w.sim.driver, co_scheduler_next(&w.sim.scheduler));
        assert_int_equal(co_cancel(&w.task), 1);      /* it is woken, and did not run yet */
        assert_int_equal(sim_run(&w.sim), 0);
        assert_int_equal(w.parent.result, fails ? -1 : 0);
        assert_int_equal(w.parent.after, -ECANCELED);
        w.parent.after = 0;
        world_end(&w);
    }
}

static struct co_group *late_group;
static intptr_t late_result[2];
static void go_late(struct co_timer *timer)
{
    (void)timer;
    late_result[0] = co_group_go(late_group, member, .name = "never");
    late_result[1] = (intptr_t)late_group->count;
}

static void a_cancelled_group_takes_no_more(void **state)
{
    (void)state;
    struct world w;
    struct co_timer timer = { 0, go_late };

    world_begin(&w, slow_to_clean, 0);
    late_group = &w.parent.group;
    sim_turns(&w.sim, 2);
    assert_int_equal(co_timer_start(&timer, S), 0);
    co_group_cancel(&w.parent.group);
    co_group_cancel(&w.parent.group);                      /* no second request */
    assert_int_equal(world_end(&w), 0);                 /* its parent was not cancelled */
    assert_notes("quick slow stubborn parent");
    assert_int_equal(late_result[0], -ECANCELED);
    assert_int_equal(late_result[1], 2);
}

struct closes { co_frame; int fd; };
static co_define(closes) {
    co_begin;
    co_finally;
    close(self->fd);
    co_end;
}

static void what_the_arguments_own_is_still_the_callers(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    sim_begin(&sim);
    co_group_init(&group, NULL);
    sim.fail_at = 1;
    assert_int_equal(co_group_go(&group, closes, .fd = fds[0]), -ENOMEM);
    assert_int_equal(co_group_go(&group, closes, .fd = fds[0]), 0);
    co_group_cancel(&group);
    assert_int_equal(co_group_go(&group, closes, .fd = fds[1]), -ECANCELED);
    assert_int_equal(group.count, 1);
    assert_int_equal(sim_run(&sim), 0);
    assert_true(fcntl(fds[0], F_GETFD) < 0);            /* the one that was started closed it */
    assert_true(fcntl(fds[1], F_GETFD) >= 0);
    close(fds[1]);
    sim_end(&sim);
}

static void all_tasks_cancelled_at_once_end_a_group_too(void **state)
{
    (void)state;
    struct world w;

    for (int turns = 0; turns < 4; turns++) {
        world_begin(&w, slow_to_clean, 0);
        sim_turns(&w.sim, turns);
        co_scheduler_cancel_all(&w.sim.scheduler);
        assert_int_equal(world_end(&w), -ECANCELED);
        assert_notes("quick slow stubborn parent");
        assert_int_equal(w.sim.now, 3 * S);
    }
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

static intptr_t within(struct world *w, double seconds, void (*fill)(struct co_group *))
{
    world_begin(w, fill, 0);
    w->parent.deadline = seconds;
    return world_end(w);
}

static void a_deadline_on_a_group_cancels_it_and_waits_for_it(void **state)
{
    (void)state;
    struct world w;

    assert_int_equal(within(&w, 1, slow_to_clean), -ETIMEDOUT);
    assert_notes("quick slow stubborn parent");
    assert_int_equal(w.sim.now, 4 * S);
    assert_int_equal(within(&w, 4, three), 0);
    assert_int_equal(within(&w, 2, one_that_fails), -5);
    assert_int_equal(within(&w, 1, fails_when_cancelled), -6);
}

static void a_deadline_in_the_turn_of_the_end_is_one_or_the_other(void **state)
{
    (void)state;
    struct world w;

    needs_doubles();
    for (int late = -1; late <= 1; late++) {            /* ns */
        intptr_t result = within(&w, 3 + late * 1e-9, three);

        assert_true(result == (late <= 0 ? -ETIMEDOUT : 0));
        result = within(&w, 1 + late * 1e-9, one_that_fails);
        assert_true(result == -5 || (late <= 0 && (result == -7 || result == -ETIMEDOUT)));
    }
}

/* ---- Nesting --------------------------------------------------------------------------------- */

/* A member that is a parent, of [depth] more levels, and beside them of members of its own. */
struct branch {
    co_frame;
    struct co_group group;
    int depth, fails;
    intptr_t result;
};
static co_define(branch) {
    co_begin;
    begun++;
    co_group_init(&self->group, NULL);
    if (self->depth > 0)
        assert_int_equal(co_group_go(&self->group, branch, .depth = self->depth - 1,
                                  .fails = self->fails), 0);
    start(&self->group, (struct member){ .seconds = 2, .clean_up = 1 });
    if (self->depth == 0 && self->fails)
        start(&self->group, (struct member){ .seconds = 1, .value = -8 });
    co_await(self->result, co_group_wait(&self->group));
    co_return(self->result);
    co_finally;
    assert_int_equal(self->group.count, 0);
    cleaned++;
    co_end;
}

enum { DEPTH = 20 };
static void deep(struct co_group *group)
{
    assert_int_equal(co_group_go(group, branch, .depth = DEPTH), 0);
}

static void deep_that_fails(struct co_group *group)
{
    assert_int_equal(co_group_go(group, branch, .depth = DEPTH, .fails = 1), 0);
    start(group, (struct member){ .seconds = 9 });
}

static void groups_nest(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, deep, 0);
    assert_int_equal(world_end(&w), 0);
    assert_int_equal(w.sim.now, 3 * S);
    assert_int_equal(begun, 2 * (DEPTH + 1) + 1);
}

static void a_failure_goes_up_through_all_groups(void **state)
{
    (void)state;
    struct world w;

    world_begin(&w, deep_that_fails, 0);
    assert_int_equal(world_end(&w), -8);
    assert_int_equal(w.sim.now, 2 * S);
}

static void a_cancel_goes_down_through_all_groups(void **state)
{
    (void)state;
    struct world w;

    for (int turns = 0; turns < DEPTH + 4; turns++) {
        world_begin(&w, deep, 0);
        sim_turns(&w.sim, turns);
        assert_int_equal(co_cancel(&w.task), 1);
        assert_int_equal(world_end(&w), -ECANCELED);
        assert_in_range(w.sim.now, 0, S);
    }
    assert_int_equal(within(&w, 1.5, deep), -ETIMEDOUT);
    assert_int_equal(w.sim.now, 2 * S + S / 2);
}

struct waits { co_frame; struct co_task *task; intptr_t any, join; };
static co_define(waits) {
    co_begin;
    co_await(self->any, co_wait_any(&self->task, 1));
    co_await(self->join, co_join(self->task));
    co_end;
}

static void a_member_may_be_joined_but_is_in_no_other_set(void **state)
{
    (void)state;
    struct world w;
    struct waits frame;
    struct co_task task;

    world_begin(&w, three, 0);
    sim_turns(&w.sim, 2);
    co_task_init(&task, &frame, waits, .task = member_of(&w.parent.group, 1));
    assert_int_equal(world_end(&w), 0);
    assert_int_equal(frame.any, -EBUSY);
    assert_int_equal(frame.join, 1);
}

/* ---- Storage --------------------------------------------------------------------------------- */

/* The heap, with a count of the bytes that are held. */
static size_t bytes, most;
static void *counted_resize(struct co_driver *driver, void *old, size_t size)
{
    max_align_t *block = old ? (max_align_t *)old - 1 : NULL;

    (void)driver;
    if (block)
        bytes -= *(size_t *)block;
    if (size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, sizeof *block + size);
    assert_non_null(block);
    *(size_t *)block = size;
    bytes += size;
    most = bytes > most ? bytes : most;
    return block + 1;
}

/* Keeps [alive] sessions alive until it has started [spawns]. */
struct session { co_frame; int pauses; };
static co_define(session) {
    co_begin;
    for (; self->pauses > 0; self->pauses--)
        co_pause;
    co_try(co_sleep(0.001));
    co_end;
}

struct server { co_frame; struct co_group group; uint32_t alive, peak; int spawns, i; };
static co_define(server) {
    co_begin;
    co_group_init(&self->group, NULL);
    while (self->i < self->spawns) {
        for (; self->group.count < self->alive && self->i < self->spawns; self->i++)
            if (co_group_go(&self->group, session, .pauses = self->i % 5) < 0)
                co_return(-ENOMEM);
        if (self->group.count > self->peak)
            self->peak = self->group.count;
        co_try(co_sleep(0.0005));
    }
    co_try(co_group_wait(&self->group));
    co_end;
}

#ifdef TEST_TINY
enum { ALIVE = 10 };
#else
enum { ALIVE = 100 };
#endif

static void serve(struct sim *sim, int spawns)
{
    struct server frame;
    struct co_task task;

    co_task_init(&task, &frame, server, .alive = ALIVE, .spawns = spawns);
    assert_int_equal(sim_run(sim), 0);
    assert_int_equal(co_task_result(&task), 0);
    assert_int_equal(frame.i, spawns);
    assert_int_equal(frame.peak, ALIVE);
}

static void a_steady_server_does_not_grow(void **state)
{
    (void)state;
    struct sim sim;
    size_t before, peak;

    sim_begin(&sim);
    sim.driver.resize = counted_resize;
    bytes = most = 0;
    serve(&sim, 1000);                                  /* the timers find their room */
    before = bytes;
    peak = most;
    serve(&sim, sized(1000000, 20000));
    assert_int_equal(bytes, before);
    assert_int_equal(most, peak);
    sim_end(&sim);
    assert_int_equal(bytes, 0);
}

CO_TASK_POOL(pool, member, 4);

/* What starts fails from the fifth on. */
static void fill_pool(struct co_group *group, struct member member)
{
    for (int i = 0; i < 4; i++)
        start(group, member);
    for (int i = 0; i < 3; i++)
        assert_int_equal(co_group_go(group, member), -ENOBUFS);
    assert_int_equal(pool.used, 4);
}

static void a_pool_serves_as_many_as_it_has_slots_without_allocation(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group group;
    struct co_group_options options = { .pool = &pool };
    struct co_timer_slot timers[8];

    sim_begin(&sim);
    sim.driver.resize = NULL;                           /* no heap at all */
    co_scheduler_init(&sim.scheduler, &sim.driver, timers, 8);
    co_group_init(&group, &options);
    for (int i = 0; i < 5; i++) {
        fill_pool(&group, (struct member){ .seconds = 1, .value = i == 3 ? -2 : 0 });
        assert_int_equal(awaited(&sim, &group), i == 3 ? -2 : 0);
        fill_pool(&group, (struct member){ .clean_up = 1 });
        co_group_cancel(&group);
        assert_int_equal(awaited(&sim, &group), 0);
    }
    assert_int_equal(sim.calls, 0);
    sim_end(&sim);
}

static void a_slot_is_free_as_soon_as_its_task_has_ended(void **state)
{
    (void)state;
    struct sim sim;
    struct co_group groups[2];                        /* both of one pool */
    struct co_group_options options = { .pool = &pool };

    sim_begin(&sim);
    for (int i = 0; i < 4; i++) {
        if (i < 2)
            co_group_init(&groups[i], &options);
        start(&groups[i % 2], (struct member){ .seconds = i + 1 });
    }
    for (int i = 0; i < 6; i++) {
        uint32_t count = groups[0].count + groups[1].count;

        assert_int_equal(count, 4);
        while (groups[0].count + groups[1].count == count)
            assert_true(sim_turn(&sim));
        start(&groups[i % 2], (struct member){ .seconds = 9 });
        assert_int_equal(co_group_go(&groups[0], member), -ENOBUFS);
    }
    assert_int_equal(awaited(&sim, &groups[0]), 0);
    assert_int_equal(awaited(&sim, &groups[1]), 0);
    sim_end(&sim);
}

static void start_another_coroutine_than_the_pools(void)
{
    struct sim sim;
    struct co_group group;
    struct co_group_options options = { .pool = &pool };

    sim_begin(&sim);
    co_group_init(&group, &options);
    (void)co_group_go(&group, branch);
}

static void another_coroutine_than_the_pools_stops(void **state)
{
    (void)state;
    assert_true(sizeof(struct branch) > sizeof(struct member));
    stops(start_another_coroutine_than_the_pools, "co_group_go.* another coroutine than its pool");
}

/* ---- co_loop_dump -------------------------------------------------------------------------------
 */

static void loop_dump_shows_the_members(void **state)
{
    (void)state;
#ifdef TEST_TARGET
    tap_skip("there is no libev");
#else
    struct co_loop *loop = co_loop_new(NULL);
    struct co_group group;
    char *text, *at;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    int shown = 0;

    co_group_init(&group, NULL);
    three(&group);
    co_scheduler_turn(co_scheduler_get());
    co_loop_dump(loop, to);
    co_group_cancel(&group);
    assert_int_equal(co_loop_run(loop), 0);
    co_loop_dump(loop, to);                                /* nothing more */
    fclose(to);
    for (at = text; (at = strstr(at, " member: waiting in co_sleep\n")) != NULL; at++)
        shown++;
    assert_int_equal(shown, 3);
    free(text);
    co_loop_free(loop);
#endif
}

/* ---- A cancel at each turn ------------------------------------------------------------------- */

/* A group of all kinds: a member, one that fails in the end, groups in groups, one in a pool, a
 * group under a deadline, one awaited by others. */
struct pooled { co_frame; struct co_group group; struct co_group_options options; intptr_t r; };
static co_define(pooled) {
    co_begin;
    begun++;
    self->options.pool = &pool;
    co_group_init(&self->group, &self->options);
    start(&self->group, (struct member){ .seconds = 1, .clean_up = 0.5 });
    start(&self->group, (struct member){ .seconds = 2, .stubborn = 1 });
    co_try(co_sleep(1.5));
    co_try(co_group_go(&self->group, member, .seconds = 1) < 0 ? co_sleep(0)
                                                               : co_group_wait(&self->group));
    co_finally;
    co_group_cancel(&self->group);
    co_await(co_group_wait(&self->group));
    assert_int_equal(self->group.count, 0);
    cleaned++;
    co_end;
}

static void everything(struct co_group *group)
{
    start(group, (struct member){ .seconds = 1, .clean_up = 0.25 });
    assert_int_equal(co_group_go(group, branch, .depth = 2), 0);
    assert_int_equal(co_group_go(group, pooled), 0);
    assert_int_equal(co_group_go(group, parent, .fill = three, .deadline = 2.5,
                              .forgiven = -ETIMEDOUT), 0);
    start(group, (struct member){ .seconds = 3.25, .value = -5 });
    start(group, (struct member){ .seconds = 3.5, .clean_up = 0.25 });
}

/* The [n]th of the tasks that are alive, or NULL. */
static struct co_task *nth(int n)
{
    struct co_task *task = co_task_next(NULL);

    while (task && n-- > 0)
        task = co_task_next(task);
    return task;
}

/* A cancel in turn [turn], of the [task]th of those alive: before the turn; in it, but before the
 * tasks; or after them. */
enum how { BETWEEN, FROM_A_TIMER, FROM_A_TASK, HOWS };
struct shot { struct co_timer timer; long turn; int task; enum how how; };

static void shot_fires(struct co_timer *timer)
{
    co_cancel(nth(((struct shot *)(void *)timer)->task));
}

struct gun { co_frame; struct shot *shot; };
static co_define(gun) {
    co_begin;
    shot_fires(&self->shot->timer);
    co_end;
}

static bool fire(struct world *w, struct shot *shot)
{
    shot->timer = (struct co_timer){ 0, shot_fires };
    if (!nth(shot->task))
        return false;
    if (shot->how == BETWEEN)
        shot_fires(&shot->timer);
    else if (shot->how == FROM_A_TIMER)
        assert_int_equal(co_timer_start(&shot->timer, w->sim.now - 1), 0);
    else
        assert_int_equal(co_go(gun, .shot = shot), 0);
    return true;
}

/* Runs a group of everything under [n] cancels. Whether all of them met a task. */
static bool run(struct world *w, struct shot *shots, int n)
{
    size_t slots = 0;
    int fired = 0;

    world_begin(w, everything, 0);
    for (long turn = 1; turn < 1000; turn++) {
        for (int i = 0; i < n; i++)
            if (shots[i].turn == turn)
                fired += fire(w, &shots[i]);
        if (!sim_turn(&w->sim))
            break;
    }
    assert_int_equal(co_task_state(&w->task) == CO_TASK_PENDING, 0);
    for (void *slot = pool.free; slot; slot = *(void **)slot)
        slots++;
    assert_int_equal(slots, pool.used);
    w->parent.after = 0;                    /* a cancel may come as late as that */
    world_end(w);
    return fired == n;
}

static void a_cancel_of_each_task_at_each_turn_leaves_nothing(void **state)
{
    (void)state;
    struct world w;
    struct shot none;
    long turns;
    int runs = 0;

    run(&w, &none, 0);
    assert_int_equal(co_task_result(&w.task), -5);
    turns = w.sim.turns;
    for (int how = BETWEEN; how < HOWS; how++)
        for (long turn = 1; turn <= turns; turn++)
            for (int task = 0; ; task++, runs++) {
                struct shot shot = { .turn = turn, .task = task, .how = (enum how)how };
                if (!run(&w, &shot, 1))
                    break;
            }
    print_message("%d runs\n", runs);
    assert_true(runs > 200);
}

static void two_cancels_at_any_two_turns_leave_nothing(void **state)
{
    (void)state;
    struct world w;
    struct shot shots[2] = { { .turn = 0 }, { .turn = 0 } };
    long turns, step = sized(1, 5);
    int runs = 0;

    run(&w, shots, 0);
    turns = w.sim.turns;
    for (long first = 1; first <= turns; first += step)
        for (int a = 0; ; a++) {
            shots[0] = (struct shot){ .turn = first, .task = a, .how = (enum how)(a % HOWS) };
            if (!run(&w, shots, 1))
                break;
            for (long second = first; second <= turns; second += step)
                for (int b = 0; ; b++, runs++) {
                    shots[1] = (struct shot){ .turn = second, .task = b,
                                              .how = (enum how)((a + b) % HOWS) };
                    if (!run(&w, shots, 2))
                        break;
                }
        }
    print_message("%d runs\n", runs);
    assert_true(runs > 500);
}

static void a_deadline_at_each_moment_leaves_nothing(void **state)
{
    (void)state;
    struct world w;

    for (int ms = 125; ms <= 4500; ms += 125) {
        intptr_t result = within(&w, ms / 1000., everything);

        assert_true(result == -5 || (result == -ETIMEDOUT && ms <= 3250));
    }
}

/* ---- What once went wrong -------------------------------------------------------------------- */

static void free_it(struct co_task *task, void *arg)
{
    ++*(int *)arg;
    co_task_free(task);
}

static void a_done_callback_may_free_its_task(void **state)
{
    (void)state;
    struct sim sim;
    struct co_task *task;
    struct co_done_callback callbacks[2];
    int freed = 0;

    sim_begin(&sim);
    task = co_spawn(nap, .seconds = 1, .name = "ends");
    assert_int_equal(co_add_done_callback(task, &callbacks[0], free_it, &freed), 0);
    task = co_spawn(nap, .seconds = 1, .name = "is cancelled");
    assert_int_equal(co_add_done_callback(task, &callbacks[1], free_it, &freed), 0);
    sim_turns(&sim, 1);
    co_cancel(task);
    assert_int_equal(sim_run(&sim), 0);
    assert_notes("is cancelled ends");
    assert_int_equal(freed, 2);
    sim_end(&sim);
}

static struct co_task *awaits_the_group;

static void one_that_joins_who_awaits_it(struct co_group *group)
{
    assert_int_equal(co_group_go(group, joiner, .task = awaits_the_group, .name = "joiner"), 0);
    start(group, (struct member){ .seconds = 1, .name = "other" });
}

/* Cancelled is the one who awaits the group, or the member that joins it. */
static void a_member_that_joins_who_awaits_the_group_is_a_ring_that_can_be_broken(void **state)
{
    (void)state;
    struct world w;

    for (int cancel_member = 0; cancel_member < 2; cancel_member++)
        for (int early = 0; early < 2; early++) {
            awaits_the_group = &w.task;
            world_begin(&w, one_that_joins_who_awaits_it, 0);
            if (early)
                sim_turns(&w.sim, 2);
            else
                assert_int_equal(sim_run(&w.sim), 2);       /* they wait for each other */
            assert_int_equal(co_cancel(cancel_member ? w.parent.group.members.list.oldest
                                                       : &w.task), 1);
            assert_int_equal(sim_run(&w.sim), 2);
            assert_int_equal(co_scheduler_break_ring(&w.sim.scheduler), 1);
            assert_int_equal(world_end_after(&w, -ECANCELED), -EDEADLK);
            assert_true(strstr(notes_, "joiner") && strstr(notes_, "parent"));
        }
}

static void one_that_gathers_who_awaits_it(struct co_group *group)
{
    assert_int_equal(co_group_go(group, gatherer, .tasks = &awaits_the_group, .n = 1,
                              .name = "gatherer"), 0);
    start(group, (struct member){ .seconds = 1, .name = "other" });
}

static void a_member_that_gathers_who_awaits_the_group_is_a_ring_that_can_be_broken(void **state)
{
    (void)state;
    struct world w;

    for (int cancel_member = 0; cancel_member < 2; cancel_member++) {
        awaits_the_group = &w.task;
        world_begin(&w, one_that_gathers_who_awaits_it, 0);
        assert_int_equal(sim_run(&w.sim), 2);
        assert_int_equal(co_cancel(cancel_member ? w.parent.group.members.list.oldest
                                                   : &w.task), 1);
        assert_int_equal(sim_run(&w.sim), 2);
        assert_int_equal(co_scheduler_break_ring(&w.sim.scheduler), 1);
        assert_int_equal(world_end_after(&w, -ECANCELED), -EDEADLK);
        assert_true(strstr(notes_, "gatherer") && strstr(notes_, "parent"));
    }
}

static void one_that_naps(struct co_group *group)
{
    start(group, (struct member){ .seconds = 1 });
}

/* Joins the last member; then who awaits the group has not run yet, and may take it with it. */
struct late { co_frame; struct co_task *member; struct co_group *group; intptr_t started; };
static co_define(late) {
    co_begin;
    co_await(co_join(self->member));
    self->started = co_group_go(self->group, member, .seconds = 1);
    co_end;
}

static void nobody_starts_a_task_in_a_group_that_is_over_before_its_owner_runs(void **state)
{
    (void)state;
    struct world w;
    struct co_task late_task;
    struct late late;

    world_begin(&w, one_that_naps, 0);
    sim_turns(&w.sim, 1);
    co_task_init(&late_task, &late, late, .member = w.parent.group.members.list.oldest,
              .group = &w.parent.group);
    assert_int_equal(world_end(&w), 0);
    assert_int_equal(late.started, -ECANCELED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_group_ends_with_its_last_member),
    cmocka_unit_test(an_empty_group_ends_at_once),
    cmocka_unit_test(a_member_is_freed_when_it_ends),
    cmocka_unit_test(members_that_end_before_the_await_count),
    cmocka_unit_test(a_group_that_was_awaited_is_as_new),
    cmocka_unit_test(nobody_starts_a_task_in_a_group_that_is_over_before_its_owner_runs),
    cmocka_unit_test(a_group_is_awaited_by_one_task),
    cmocka_unit_test(a_member_that_awaits_its_own_group_is_EDEADLK),
    cmocka_unit_test(members_may_be_added_while_it_is_awaited),
    cmocka_unit_test(the_first_failure_cancels_the_rest_and_is_the_result),
    cmocka_unit_test(a_group_that_collects_lets_the_others_end),
    cmocka_unit_test(of_failures_in_one_turn_the_first_is_given),
    cmocka_unit_test(a_member_that_was_cancelled_is_no_failure),
    cmocka_unit_test(a_group_with_a_failure_takes_no_more_until_it_was_awaited),
    cmocka_unit_test(a_cancelled_parent_cancels_its_group_and_waits_for_it),
    cmocka_unit_test(one_more_cancel_meets_the_clean_ups),
    cmocka_unit_test(
        a_failure_is_the_result_even_of_a_cancelled_group_and_the_next_await_fails),
    cmocka_unit_test(a_cancel_in_the_turn_of_the_last_end_loses_nothing),
    cmocka_unit_test(a_cancelled_group_takes_no_more),
    cmocka_unit_test(what_the_arguments_own_is_still_the_callers),
    cmocka_unit_test(all_tasks_cancelled_at_once_end_a_group_too),
    cmocka_unit_test(a_deadline_on_a_group_cancels_it_and_waits_for_it),
    cmocka_unit_test(a_deadline_in_the_turn_of_the_end_is_one_or_the_other),
    cmocka_unit_test(groups_nest),
    cmocka_unit_test(a_failure_goes_up_through_all_groups),
    cmocka_unit_test(a_cancel_goes_down_through_all_groups),
    cmocka_unit_test(a_member_may_be_joined_but_is_in_no_other_set),
    cmocka_unit_test(a_steady_server_does_not_grow),
    cmocka_unit_test(a_pool_serves_as_many_as_it_has_slots_without_allocation),
    cmocka_unit_test(a_slot_is_free_as_soon_as_its_task_has_ended),
    cmocka_unit_test(another_coroutine_than_the_pools_stops),
    cmocka_unit_test(loop_dump_shows_the_members),
    cmocka_unit_test(a_cancel_of_each_task_at_each_turn_leaves_nothing),
    cmocka_unit_test(two_cancels_at_any_two_turns_leave_nothing),
    cmocka_unit_test(a_deadline_at_each_moment_leaves_nothing),
    cmocka_unit_test(a_done_callback_may_free_its_task),
    cmocka_unit_test(a_member_that_joins_who_awaits_the_group_is_a_ring_that_can_be_broken),
    cmocka_unit_test(a_member_that_gathers_who_awaits_the_group_is_a_ring_that_can_be_broken),
};

TEST_MAIN(tests)
