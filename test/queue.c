/* SPDX-License-Identifier: BSD-2-Clause
 * queue.c: tests of queue: order, room, close, join, and that whatever is cancelled, and when, no
 * item is lost or seen twice. The other things that tasks share are in sync.c. */
#include "task_test.h"
#include "../sync.h"

/* ---- The world: a queue of ints, getters and putters ----------------------------------------- */

enum { ROOM = 4 };
static struct {
    struct sim sim;
    int items[ROOM];
    struct co_queue queue;
} w;

/* Of [room] ints, or unbounded for UNBOUNDED. */
enum { UNBOUNDED = -1 };
static void begin(int room)
{
    memset(&w, 0, sizeof w);
    sim_begin(&w.sim);
    if (room == UNBOUNDED)
        co_queue_init_unbounded(&w.queue, sizeof(int), CO_QUEUE_FIFO, NULL);
    else
        co_queue_init(&w.queue, w.items, (size_t)room, sizeof(int));
}

/* Runs all, frees [n] tasks; nobody waits for anything any more. */
static void finish(struct co_task **tasks, int n)
{
    assert_int_equal(sim_run(&w.sim), 0);
    for (int i = 0; i < n; i++)
        co_task_free(tasks[i]);
    assert_null(w.queue.getters);
    assert_null(w.queue.putters);
    assert_null(w.queue.joiners);
    co_queue_free(&w.queue);
    sim_end(&w.sim);
}

static void note_number(int number)
{
    char word[16];

    snprintf(word, sizeof word, "%d", number);
    note(word);
}

/* At once, as plain calls. */
static int put(int item) { return co_queue_put_now(&w.queue, &item); }
static int get(void)
{
    int item = -1, result = co_queue_get_now(&w.queue, &item);

    return result < 0 ? result : item;
}

/* Get or put one item, within a deadline if one is set. [next] is what the await after it gave.
 * The getter notes what it got, and gives it. */
struct getter {
    co_frame;
    double deadline;                    /* 0: none */
    struct co_within within;
    int item;
    intptr_t first, next;
};
static co_define(getter) {
    co_begin;
    self->item = -1;
    self->next = -EINPROGRESS;
    if (self->deadline > 0)
        co_await(self->first, co_within(&self->within, self->deadline,
                                        co_queue_get(&w.queue, &self->item)));
    else
        co_await(self->first, co_queue_get(&w.queue, &self->item));
    if (self->first == 0)
        note_number(self->item);
    co_await(self->next, co_sleep(0));
    co_return(self->first < 0 ? self->first : self->item);
    co_end;
}

struct putter {
    co_frame;
    double deadline;                    /* 0: none */
    struct co_within within;
    int item;
    intptr_t first, next;
};
static co_define(putter) {
    co_begin;
    self->next = -EINPROGRESS;
    if (self->deadline > 0)
        co_await(self->first, co_within(&self->within, self->deadline,
                                        co_queue_put(&w.queue, &self->item)));
    else
        co_await(self->first, co_queue_put(&w.queue, &self->item));
    co_await(self->next, co_sleep(0));
    co_return(self->first);
    co_end;
}

/* A second after its start it puts [puts] items, 0 and up, and gets and notes [gets], at once. In
 * the same step it cancels [before] before that and [after] after it, and the step [takes] time. */
struct mover { co_frame; int puts, gets; struct co_task *before, *after; double takes; };
static co_define(mover) {
    co_begin;
    co_try(co_sleep(1));
    co_cancel(self->before);
    for (int i = 0; i < self->puts; i++)
        assert_int_equal(put(i), 0);
    for (; self->gets > 0; self->gets--)
        note_number(get());
    co_cancel(self->after);
    w.sim.now += (int64_t)(self->takes * 1e9);
    co_end;
}

static const int rooms[] = { 0, 1, ROOM, UNBOUNDED };
enum { ROOMS = sizeof rooms / sizeof rooms[0], FULL = 3, N = 3, MOVER = N, ALL };

/* For each [room], for one task that waits and for three, for each [i] of these. */
#define for_each_waiter(kinds, room, n, i)                                                        \
    for (int r_ = 0, room = 0; r_ < (kinds) && (room = rooms[r_], true); r_++)                    \
        for (int n = 1; n <= N; n += 2)                                                           \
            for (int i = 0; i < n; i++)

/* [n] getters of an empty queue, of which [i] (-1: none) has a deadline, and a mover that puts. */
static void getters_wait(struct co_task **tasks, int room, int n, int i, double deadline)
{
    begin(room);
    tasks[MOVER] = co_spawn(mover);
    for (int k = 0; k < N; k++)
        tasks[k] = k < n ? co_spawn(getter, .deadline = k == i ? deadline : 0) : NULL;
    sim_turns(&w.sim, 1);
}

/* The same with putters of a full queue, of 100 and up, and a mover that gets. The queue holds
 * [room] items, 10 and up. */
static void putters_wait(struct co_task **tasks, int room, int n, int i, double deadline)
{
    begin(room);
    for (int k = 0; k < room; k++)
        assert_int_equal(put(10 + k), 0);
    tasks[MOVER] = co_spawn(mover);
    for (int k = 0; k < N; k++)
        tasks[k] = k < n ? co_spawn(putter, .item = 100 + k, .deadline = k == i ? deadline : 0)
                         : NULL;
    sim_turns(&w.sim, 1);
}

static struct mover *mover_of(struct co_task **tasks)
{
    return CO_TASK_FRAME(tasks[MOVER], mover);
}

/* The getters but [left_out] (-1: none) got 0, 1, 2 in their order. */
static void assert_got(struct co_task **tasks, int n, int left_out)
{
    for (int k = 0, item = 0; k < n; k++) {
        if (k == left_out)
            continue;
        assert_int_equal(CO_TASK_FRAME(tasks[k], getter)->first, 0);
        assert_int_equal(CO_TASK_FRAME(tasks[k], getter)->item, item++);
    }
    assert_int_equal(w.queue.count, 0);
    assert_int_equal(get(), -EAGAIN);
}

/* What was put came out in order, but for what [left_out] (-1: none) wanted to put. */
static void assert_put(struct co_task **tasks, int room, int n, int left_out)
{
    char expected[64] = "";

    for (int k = 0; k < room + n; k++)
        if (k - room != left_out || left_out < 0)
            snprintf(expected + strlen(expected), 8, "%s%d", *expected ? " " : "",
                     (k < room ? 10 + k : 100 + k - room) % 1000);
    assert_notes(expected);
    for (int k = 0; k < n; k++)
        if (k != left_out)
            assert_int_equal(CO_TASK_FRAME(tasks[k], putter)->first, 0);
    assert_int_equal(get(), -EAGAIN);
    assert_int_equal(w.queue.unfinished, room + n - (left_out >= 0));
}

/* ---- Order and room -------------------------------------------------------------------------- */

static void items_come_out_in_the_order_in_which_they_went_in(void **state)
{
    (void)state;
    begin(ROOM);
    for (int round = 0; round < 7; round++) {           /* around the end of the storage */
        for (int i = 0; i < 3; i++)
            assert_int_equal(put(10 * round + i), 0);
        assert_int_equal(w.queue.count, 3);
        for (int i = 0; i < 3; i++)
            assert_int_equal(get(), 10 * round + i);
    }
    finish(NULL, 0);
}

static void at_once_or_not_at_all(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    begin(1);
    assert_int_equal(get(), -EAGAIN);
    assert_int_equal(put(1), 0);
    assert_int_equal(put(2), -EAGAIN);
    assert_int_equal(get(), 1);
    assert_int_equal(w.queue.unfinished, 1);
    finish(NULL, 0);

    begin(0);                                           /* no room: from hand to hand */
    assert_int_equal(put(1), -EAGAIN);
    assert_int_equal(get(), -EAGAIN);
    tasks[0] = co_spawn(getter);
    sim_turns(&w.sim, 1);
    assert_int_equal(get(), -EAGAIN);
    assert_int_equal(put(2), 0);
    assert_int_equal(put(3), -EAGAIN);
    tasks[1] = co_spawn(putter, .item = 4);
    sim_turns(&w.sim, 1);
    assert_int_equal(put(5), -EAGAIN);
    assert_int_equal(get(), 4);
    assert_int_equal(get(), -EAGAIN);
    sim_run(&w.sim);
    assert_int_equal(co_task_result(tasks[0]), 2);
    assert_int_equal(co_task_result(tasks[1]), 0);
    finish(tasks, 2);
}

static void getters_are_served_first_in_first_out(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int r = 0; r < ROOMS; r++) {
        getters_wait(tasks, rooms[r], N, -1, 0);
        mover_of(tasks)->puts = N;
        sim_run(&w.sim);
        assert_got(tasks, N, -1);
        assert_notes("0 1 2");
        finish(tasks, ALL);
    }
}

static void putters_are_served_first_in_first_out(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int r = 0; r < FULL; r++) {
        putters_wait(tasks, rooms[r], N, -1, 0);
        assert_int_equal(put(7), -EAGAIN);
        assert_int_equal(w.queue.unfinished, rooms[r]); /* what waits has not been put */
        mover_of(tasks)->gets = rooms[r] + N;
        sim_run(&w.sim);
        assert_put(tasks, rooms[r], N, -1);
        finish(tasks, ALL);
    }
}

static void nobody_overtakes_a_putter_that_waits(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    putters_wait(tasks, 1, 2, -1, 0);
    assert_int_equal(get(), 10);                        /* its place went to the first putter */
    assert_int_equal(put(7), -EAGAIN);
    assert_int_equal(get(), 100);
    assert_int_equal(get(), 101);
    assert_int_equal(put(7), 0);
    assert_int_equal(get(), 7);
    finish(tasks, ALL);
}

/* ---- Other orders ---------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void the_last_in_is_the_first_out_of_a_lifo(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(0);
    co_queue_init_order(&w.queue, w.items, ROOM, sizeof(int), CO_QUEUE_LIFO, NULL);
    for (int i = 0; i < ROOM; i++)
        assert_int_equal(put(i), 0);
    assert_int_equal(put(9), -EAGAIN);
    for (int i = 0; i < 2; i++)
        tasks[i] = co_spawn(putter, .item = 10 + i);
    sim_turns(&w.sim, 1);
    assert_int_equal(get(), 3);
    assert_int_equal(get(), 10);
    assert_int_equal(get(), 11);
    for (int i = 2; i >= 0; i--)
        assert_int_equal(get(), i);
    tasks[2] = co_spawn(getter);
    sim_run(&w.sim);
    assert_int_equal(put(5), 0);
    sim_run(&w.sim);
    assert_int_equal(co_task_result(tasks[2]), 5);
    finish(tasks, 3);
}

static void the_least_is_the_first_out_of_a_priority_queue(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    static int storage[COUNT];

    for (int grows = 0; grows < 2; grows++) {
        begin(0);
        if (grows)
            co_queue_init_unbounded(&w.queue, sizeof(int), CO_QUEUE_PRIORITY, by_value);
        else
            co_queue_init_order(&w.queue, storage, COUNT, sizeof(int), CO_QUEUE_PRIORITY, by_value);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(put(i * 77 % 101), 0);     /* nearly all twice */
        for (int last = 0, i = 0; i < COUNT; i++) {
            int item = get();
            assert_true(item >= last);
            last = item;
            if (i % 3 == 0)
                assert_int_equal(put(100), 0);
        }
        while (w.queue.count > 0)
            assert_int_equal(get(), 100);
        finish(NULL, 0);
    }
}

static void a_putter_that_waits_is_sorted_in_when_there_is_room(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    begin(0);
    co_queue_init_order(&w.queue, w.items, 2, sizeof(int), CO_QUEUE_PRIORITY, by_value);
    assert_int_equal(put(5), 0);
    assert_int_equal(put(3), 0);
    tasks[0] = co_spawn(putter, .item = 4);
    tasks[1] = co_spawn(putter, .item = 1);
    sim_turns(&w.sim, 1);
    for (int i = 0; i < 4; i++)
        note_number(get());
    assert_notes("3 4 1 5");
    finish(tasks, 2);
}

/* ---- Without a bound ------------------------------------------------------------------------- */

static void a_queue_without_a_bound_grows_in_the_heap(void **state)
{
    (void)state;
    int next = 0, item = 0;

    begin(UNBOUNDED);
    for (int round = 0; round < 100; round++) {         /* it wraps where it is full */
        for (int i = 0; i < 20; i++)
            assert_int_equal(put(item++), 0);
        for (int i = 0; i < 13; i++)
            assert_int_equal(get(), next++);
    }
    while (next < item)
        assert_int_equal(get(), next++);
    assert_int_equal(get(), -EAGAIN);
    assert_int_equal(w.sim.blocks, 1);
    co_queue_free(&w.queue);
    assert_int_equal(w.sim.blocks, 0);
    for (int i = 0; i < 20; i++)                        /* and from nothing again */
        assert_int_equal(put(i), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(get(), i);
    finish(NULL, 0);
}

static void without_memory_an_item_is_not_put_and_none_is_lost(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    begin(UNBOUNDED);
    tasks[0] = co_spawn(putter, .item = 1);
    w.sim.fail_at = w.sim.calls + 1;
    sim_turns(&w.sim, 1);
    assert_int_equal(CO_TASK_FRAME(tasks[0], putter)->first, -ENOMEM);
    w.sim.fail_at = 0;
    for (int i = 0; i < 8; i++)
        assert_int_equal(put(i), 0);
    w.sim.fail_at = w.sim.calls + 1;
    assert_int_equal(put(8), -ENOMEM);
    assert_int_equal(w.queue.unfinished, 8);
    w.sim.driver.resize = NULL;                         /* no heap at all */
    assert_int_equal(put(8), -ENOMEM);
    w.sim.driver.resize = sim_resize;
    assert_int_equal(put(8), 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(get(), i);
    tasks[1] = co_spawn(getter);                      /* from hand to hand it needs none */
    sim_run(&w.sim);
    w.sim.fail_at = w.sim.calls + 1;
    assert_int_equal(put(9), 0);
    sim_run(&w.sim);
    assert_int_equal(co_task_result(tasks[1]), 9);
    finish(tasks, 2);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

static void a_cancelled_getter_loses_no_item(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int times = 1; times <= 2; times++) {          /* two requests at once are one */
        for_each_waiter(ROOMS, room, n, i) {
            getters_wait(tasks, room, n, -1, 0);
            mover_of(tasks)->puts = n - 1;
            for (int k = 0; k < times; k++)
                co_cancel(tasks[i]);
            sim_run(&w.sim);
            assert_got(tasks, n, i);
            assert_int_equal(CO_TASK_FRAME(tasks[i], getter)->first, -ECANCELED);
            assert_int_equal(CO_TASK_FRAME(tasks[i], getter)->item, -1);
            assert_int_equal(CO_TASK_FRAME(tasks[i], getter)->next, 0);
            finish(tasks, ALL);
        }
    }
}

static void a_cancelled_putter_puts_nothing(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int times = 1; times <= 2; times++) {
        for_each_waiter(FULL, room, n, i) {
            putters_wait(tasks, room, n, -1, 0);
            mover_of(tasks)->gets = room + n - 1;
            for (int k = 0; k < times; k++)
                co_cancel(tasks[i]);
            sim_run(&w.sim);
            assert_put(tasks, room, n, i);
            assert_int_equal(CO_TASK_FRAME(tasks[i], putter)->first, -ECANCELED);
            assert_int_equal(CO_TASK_FRAME(tasks[i], putter)->next, 0);
            finish(tasks, ALL);
        }
    }
}

static void a_getter_cancelled_just_before_the_item_came_leaves_it_to_the_next(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int deadline = 0; deadline < 2; deadline++) {
        for_each_waiter(ROOMS, room, n, i) {
            getters_wait(tasks, room, n, i, deadline);
            mover_of(tasks)->puts = n - 1;
            mover_of(tasks)->before = deadline ? NULL : tasks[i];
            sim_run(&w.sim);
            assert_int_equal(w.sim.now, 1 * S);
            assert_got(tasks, n, i);
            assert_int_equal(CO_TASK_FRAME(tasks[i], getter)->first,
                             deadline ? -ETIMEDOUT : -ECANCELED);
            assert_int_equal(CO_TASK_FRAME(tasks[i], getter)->next, 0);
            finish(tasks, ALL);
        }
    }
}

static void a_getter_cancelled_just_after_the_item_came_has_it(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int deadline = 0; deadline < 2; deadline++) {
        for_each_waiter(ROOMS, room, n, i) {
            getters_wait(tasks, room, n, i, deadline * 1.5);
            mover_of(tasks)->puts = n;
            mover_of(tasks)->after = deadline ? NULL : tasks[i];
            mover_of(tasks)->takes = deadline;          /* so it is over before [i] runs */
            sim_run(&w.sim);
            assert_got(tasks, n, -1);
            for (int k = 0; k < n; k++)
                assert_int_equal(CO_TASK_FRAME(tasks[k], getter)->next,
                                 k == i && !deadline ? -ECANCELED : 0);
            finish(tasks, ALL);
        }
    }
}

static void a_putter_cancelled_just_before_there_was_room_puts_nothing(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int deadline = 0; deadline < 2; deadline++) {
        for_each_waiter(FULL, room, n, i) {
            putters_wait(tasks, room, n, i, deadline);
            mover_of(tasks)->gets = room + n - 1;
            mover_of(tasks)->before = deadline ? NULL : tasks[i];
            sim_run(&w.sim);
            assert_put(tasks, room, n, i);
            assert_int_equal(CO_TASK_FRAME(tasks[i], putter)->first,
                             deadline ? -ETIMEDOUT : -ECANCELED);
            assert_int_equal(CO_TASK_FRAME(tasks[i], putter)->next, 0);
            finish(tasks, ALL);
        }
    }
}

static void a_putter_cancelled_just_after_there_was_room_has_put(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int deadline = 0; deadline < 2; deadline++) {
        for_each_waiter(FULL, room, n, i) {
            putters_wait(tasks, room, n, i, deadline * 1.5);
            mover_of(tasks)->gets = room + n;
            mover_of(tasks)->after = deadline ? NULL : tasks[i];
            mover_of(tasks)->takes = deadline;
            sim_run(&w.sim);
            assert_put(tasks, room, n, -1);
            for (int k = 0; k < n; k++)
                assert_int_equal(CO_TASK_FRAME(tasks[k], putter)->next,
                                 k == i && !deadline ? -ECANCELED : 0);
            finish(tasks, ALL);
        }
    }
}

static void a_task_that_was_cancelled_neither_gets_nor_puts_even_if_it_could(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    begin(2);
    assert_int_equal(put(1), 0);
    tasks[0] = co_spawn(getter);
    tasks[1] = co_spawn(putter, .item = 2);
    co_cancel(tasks[0]);
    co_cancel(tasks[1]);
    sim_run(&w.sim);
    assert_int_equal(co_task_result(tasks[0]), -ECANCELED);
    assert_int_equal(co_task_result(tasks[1]), -ECANCELED);
    assert_int_equal(get(), 1);
    assert_int_equal(get(), -EAGAIN);
    finish(tasks, 2);
}

/* ---- Close ----------------------------------------------------------------------------------- */

static void a_closed_queue_is_emptied_and_then_it_ends(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    for (int r = 1; r < ROOMS; r++) {
        begin(rooms[r]);
        assert_int_equal(put(1), 0);
        co_queue_shutdown(&w.queue);
        co_queue_shutdown(&w.queue);
        assert_int_equal(put(2), -EPIPE);
        tasks[0] = co_spawn(putter, .item = 3);
        tasks[1] = co_spawn(getter);
        tasks[2] = co_spawn(getter);
        sim_run(&w.sim);
        assert_int_equal(co_task_result(tasks[0]), -EPIPE);
        assert_int_equal(co_task_result(tasks[1]), 1);
        assert_int_equal(co_task_result(tasks[2]), -EPIPE);
        assert_int_equal(get(), -EPIPE);
        finish(tasks, 3);
    }
}

static void a_close_ends_all_who_wait(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int r = 0; r < ROOMS; r++) {
        getters_wait(tasks, rooms[r], N, -1, 0);
        co_queue_shutdown(&w.queue);
        sim_run(&w.sim);
        for (int i = 0; i < N; i++)
            assert_int_equal(co_task_result(tasks[i]), -EPIPE);
        finish(tasks, ALL);
    }
    for (int r = 0; r < FULL; r++) {
        putters_wait(tasks, rooms[r], N, -1, 0);
        co_queue_shutdown(&w.queue);
        sim_run(&w.sim);
        for (int i = 0; i < N; i++)
            assert_int_equal(co_task_result(tasks[i]), -EPIPE);
        for (int i = 0; i < rooms[r]; i++)
            assert_int_equal(get(), 10 + i);            /* what had been put before */
        assert_int_equal(get(), -EPIPE);
        assert_int_equal(w.queue.unfinished, rooms[r]);
        finish(tasks, ALL);
    }
}

static void a_cancel_in_the_turn_of_the_close_comes_before_or_after_it(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int after = 0; after < 2; after++) {
        getters_wait(tasks, 1, 1, -1, 0);
        if (!after)
            co_cancel(tasks[0]);
        co_queue_shutdown(&w.queue);
        if (after)
            co_cancel(tasks[0]);
        sim_run(&w.sim);
        assert_int_equal(CO_TASK_FRAME(tasks[0], getter)->first, after ? -EPIPE : -ECANCELED);
        assert_int_equal(CO_TASK_FRAME(tasks[0], getter)->next, after ? -ECANCELED : 0);
        finish(tasks, ALL);
    }
}

static void an_item_that_was_handed_over_before_the_close_is_got(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    getters_wait(tasks, 0, 2, -1, 0);
    assert_int_equal(put(6), 0);
    co_queue_shutdown(&w.queue);
    sim_run(&w.sim);
    assert_int_equal(co_task_result(tasks[0]), 6);
    assert_int_equal(co_task_result(tasks[1]), -EPIPE);
    finish(tasks, ALL);
}

/* ---- Join ------------------------------------------------------------------------------------ */

struct waits { co_frame; double deadline; struct co_within within; const char *name; intptr_t r; };
static co_define(waits) {
    co_begin;
    co_await(self->r, co_within(&self->within, self->deadline > 0 ? self->deadline : 1e6,
                                co_queue_join(&w.queue)));
    note(self->r == 0 ? self->name : self->r == -ETIMEDOUT ? "late" : "cancelled");
    co_return(self->r);
    co_end;
}

static void a_join_waits_until_all_that_was_put_is_done_with(void **state)
{
    (void)state;
    struct co_task *tasks[3];

    begin(ROOM);
    tasks[0] = co_spawn(waits, .name = "nothing");
    sim_run(&w.sim);
    assert_notes("nothing");
    put(1);
    put(2);
    tasks[1] = co_spawn(waits, .name = "a");
    tasks[2] = co_spawn(waits, .name = "b");
    sim_turns(&w.sim, 1);
    get();
    get();
    co_queue_task_done(&w.queue);
    sim_turns(&w.sim, 2);
    assert_notes("");
    co_queue_task_done(&w.queue);
    put(3);                                             /* too late to hold them up */
    sim_turns(&w.sim, 1);
    assert_notes("a b");
    finish(tasks, 3);
}

static void a_join_may_be_cancelled_or_late_and_the_others_go_on(void **state)
{
    (void)state;
    struct co_task *tasks[4];

    begin(ROOM);
    put(1);
    for (int i = 0; i < 4; i++)
        tasks[i] = co_spawn(waits, .name = "done", .deadline = i == 1 ? 1 : 0);
    sim_turns(&w.sim, 1);
    co_cancel(tasks[0]);
    w.sim.now = 1 * S;
    sim_turns(&w.sim, 2);
    assert_notes("cancelled late");
    co_queue_task_done(&w.queue);
    co_cancel(tasks[3]);                              /* it has ended already */
    sim_run(&w.sim);
    assert_notes("done done");
    finish(tasks, 4);
}

static void what_was_never_put_needs_not_be_done(void **state)
{
    (void)state;
    struct co_task *tasks[ALL];

    for (int r = 0; r < 2; r++) {
        putters_wait(tasks, rooms[r], N, -1, 0);
        co_cancel(tasks[1]);
        for (int i = 0; i < rooms[r] + 2; i++) {
            assert_true(get() >= 10);
            co_queue_task_done(&w.queue);
        }
        assert_int_equal(w.queue.unfinished, 0);
        finish(tasks, ALL);
    }
}

static void an_item_that_is_done_with_once_too_often_is_ERANGE(void **state)
{
    (void)state;
    begin(1);
    put(1);
    get();
    assert_int_equal(co_queue_task_done(&w.queue), 0);
    assert_int_equal(co_queue_task_done(&w.queue), -ERANGE);
    assert_int_equal(w.queue.unfinished, 0);
    finish(NULL, 0);
}

static void get_out_of_task(void)
{
    int item;
    co_op op = co_queue_get(&w.queue, &item);

    (void)op;
}

static void misuse_stops_the_program(void **state)
{
    (void)state;
    begin(1);
    stops(get_out_of_task, "co_queue_get\\(\\) was made outside a task");
    finish(NULL, 0);
}

/* ---- A known bug of others ------------------------------------------------------------------- */

enum { LAST = 99 };
struct prod { co_frame; int item, last; };
static co_define(prod) {
    co_begin;
    for (; self->item < 6; self->item++) {
        co_try(co_queue_put(&w.queue, &self->item));
        co_try(co_sleep(self->item));
    }
    self->last = LAST;
    co_try(co_queue_put(&w.queue, &self->last));
    co_end;
}

/* Gets one item, and gives it: nothing else that might be cancelled. */
struct one { co_frame; int item; };
static co_define(one) {
    co_begin;
    co_try(co_queue_get(&w.queue, &self->item));
    co_return(self->item);
    co_end;
}

struct cons {
    co_frame;
    bool task;                          /* with a task of its own for each */
    struct co_task *one;
    struct one get;
    struct co_within within;
    int timeouts;
    intptr_t r;
};
static co_define(cons) {
    co_begin;
    do {
        if (self->task) {
            self->one = co_spawn(one);
            co_await(self->r, co_wait_for(&self->within, self->one, 3));
            co_task_free(self->one);
        } else {
            co_await(self->r, co_within(&self->within, 3, co_call(&self->get, one)));
        }
        if (self->r >= 0)
            note_number((int)self->r);
        self->timeouts += self->r == -ETIMEDOUT;
    } while (self->r != LAST);
    co_end;
}

/* python/asyncio#343: an item that comes in the turn in which the deadline passes is lost. */
static void a_deadline_in_the_turn_in_which_an_item_comes_does_not_lose_it(void **state)
{
    (void)state;
    struct co_task *tasks[2];

    for (int variant = 0; variant < 8; variant++) {
        begin(variant & 4 ? 0 : UNBOUNDED);
        if (variant & 2)
            tasks[0] = co_spawn(prod);
        tasks[1] = co_spawn(cons, .task = variant & 1);
        if (!(variant & 2))
            tasks[0] = co_spawn(prod);
        sim_run(&w.sim);
        assert_notes("0 1 2 3 4 5 99");
        assert_in_range(CO_TASK_FRAME(tasks[1], cons)->timeouts, 1, 5);
        finish(tasks, 2);
    }
}

/* ---- Ten thousand tasks ---------------------------------------------------------------------- */

enum { EACH = 3 };                      /* items of a producer */
struct parcel { int id; char pad[3]; }; /* of an odd size */
static struct {
    uint32_t random;
    int *put, *got;                     /* how often, by id */
    int late;
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

static int by_id(const void *a, const void *b)
{
    return ((const struct parcel *)a)->id - ((const struct parcel *)b)->id;
}

struct producer {
    co_frame;
    double at;
    int first, i;                       /* ids from [first] */
    struct parcel parcel;
    struct co_within within;
    intptr_t r;
};
static co_define(producer) {
    co_begin;
    co_try(co_sleep(self->at));
    for (; self->i < EACH; self->i++) {
        self->parcel.id = self->first + self->i;
        co_await(self->r, co_within(&self->within, chance(2) ? moment(20) : 1e6,
                                    co_queue_put(&w.queue, &self->parcel)));
        crowd.put[self->parcel.id] += self->r == 0;
        crowd.late += self->r == -ETIMEDOUT;
        self->parcel.id = -1;                           /* from now on it is the queue's */
        if (self->r < 0 && self->r != -ETIMEDOUT)
            co_return(self->r);
        co_try(co_sleep(moment(5)));
    }
    co_end;
}

struct consumer {
    co_frame;
    double at;
    int i;
    struct parcel parcel;
    struct co_within within;
    intptr_t r;
};
static co_define(consumer) {
    co_begin;
    co_try(co_sleep(self->at));
    for (; self->i < EACH; self->i++) {
        co_await(self->r, co_within(&self->within, chance(2) ? moment(20) : 1e6,
                                    co_queue_get(&w.queue, &self->parcel)));
        crowd.late += self->r == -ETIMEDOUT;
        if (self->r == 0) {
            crowd.got[self->parcel.id]++;
            co_queue_task_done(&w.queue);
        } else if (self->r != -ETIMEDOUT) {
            co_return(self->r);
        }
        co_try(co_sleep(moment(5)));
    }
    co_end;
}

/* Cancels any, now and then; in the end it closes the queue. */
struct reaper { co_frame; struct co_task **tasks; int n, left; };
static co_define(reaper) {
    co_begin;
    for (; self->left > 0; self->left--) {
        co_try(co_sleep(moment(3)));
        co_cancel(self->tasks[chance(self->n)]);
    }
    co_queue_shutdown(&w.queue);
    co_end;
}

/* [n] tasks, half of them producers, at a queue of [room] in [order]. All that was put, and that
 * alone, is got, and once. */
static void crowd_at(int n, int room, enum co_queue_order order)
{
    struct parcel items[7], parcel;
    struct co_task **tasks = calloc((size_t)n + 2, sizeof *tasks);
    int count = n / 2 * EACH, put = 0, left = 0;

    begin(0);
    memset(&crowd, 0, sizeof crowd);
    crowd.random = 20240229;
    crowd.put = calloc((size_t)count, sizeof(int));
    crowd.got = calloc((size_t)count, sizeof(int));
    assert_true(tasks && crowd.put && crowd.got);
    if (room == UNBOUNDED)
        co_queue_init_unbounded(&w.queue, sizeof *items, order, by_id);
    else
        co_queue_init_order(&w.queue, items, (size_t)room, sizeof *items, order, by_id);
    print_message("seed %lu, %d tasks, room %d", (unsigned long)crowd.random, n, room);
    for (int i = 0; i < n / 2; i++) {
        tasks[i] = co_spawn(producer, .at = moment(n), .first = EACH * i);
        tasks[n / 2 + i] = co_spawn(consumer, .at = moment(n));
    }
    tasks[n] = co_spawn(reaper, .tasks = tasks, .n = n, .left = n);
    tasks[n + 1] = co_spawn(waits, .name = "joined");
    assert_in_range(sim_run(&w.sim), 0, 1);             /* who joins */
    for (; co_queue_get_now(&w.queue, &parcel) == 0; left++) {
        crowd.got[parcel.id]++;
        co_queue_task_done(&w.queue);
    }
    for (int i = 0; i < count; i++) {
        assert_int_equal(crowd.put[i], crowd.got[i]);
        assert_in_range(crowd.put[i], 0, 1);
        put += crowd.put[i];
    }
    print_message(": %d put, %d of them left; %d late\n", put, left, crowd.late);
    assert_in_range(put, count / 4, count - 1);
    assert_int_equal(w.queue.unfinished, 0);
    assert_int_equal(w.queue.count, 0);
    finish(tasks, n + 2);
    free(tasks);
    free(crowd.put);
    free(crowd.got);
}

static void ten_thousand_tasks_lose_no_item_and_see_none_twice(void **state)
{
    (void)state;
    int n = sized(10000, 1000);

    crowd_at(n, 0, CO_QUEUE_FIFO);
    crowd_at(n, 1, CO_QUEUE_FIFO);
    crowd_at(n, 7, CO_QUEUE_FIFO);
    crowd_at(n, UNBOUNDED, CO_QUEUE_FIFO);
    crowd_at(n, 7, CO_QUEUE_LIFO);
    crowd_at(n, 7, CO_QUEUE_PRIORITY);
    crowd_at(n, UNBOUNDED, CO_QUEUE_PRIORITY);
}

/* ---- Full and empty, and items of no bytes --------------------------------------------------- */

static void full_and_empty_are_right_for_each_kind_of_queue(void **state)
{
    (void)state;
    begin(2);
    assert_true(co_queue_is_empty(&w.queue) && !co_queue_is_full(&w.queue));
    put(1);
    assert_true(!co_queue_is_empty(&w.queue) && !co_queue_is_full(&w.queue));
    put(2);
    assert_true(!co_queue_is_empty(&w.queue) && co_queue_is_full(&w.queue));
    get();
    get();
    finish(NULL, 0);
    begin(0);                           /* from hand to hand */
    assert_true(co_queue_is_empty(&w.queue) && co_queue_is_full(&w.queue));
    finish(NULL, 0);
    begin(UNBOUNDED);
    assert_true(co_queue_is_empty(&w.queue) && !co_queue_is_full(&w.queue));
    for (int i = 0; i < 20; i++) {
        put(i);
        assert_true(!co_queue_is_empty(&w.queue) && !co_queue_is_full(&w.queue));
    }
    while (get() >= 0) { }
    finish(NULL, 0);
}

struct tick { co_frame; struct co_queue *queue; int n; };
static co_define(tick) {
    co_begin;
    for (; self->n > 0; self->n--)
        co_try(co_queue_put(self->queue, NULL));
    co_end;
}
struct tock { co_frame; struct co_queue *queue; int n, got; };
static co_define(tock) {
    co_begin;
    for (; self->n > 0; self->n--) {
        co_try(co_queue_get(self->queue, NULL));
        self->got++;
    }
    co_return(self->got);
    co_end;
}

static void items_of_no_bytes_are_counted(void **state)
{
    (void)state;
    struct co_queue queues[4];
    struct co_task *tasks[2];

    for (int kind = 0; kind < 4; kind++) {
        struct co_queue *queue = &queues[kind];

        sim_begin(&w.sim);
        if (kind < 2)
            co_queue_init_unbounded(queue, 0, kind ? CO_QUEUE_LIFO : CO_QUEUE_FIFO, NULL);
        else
            co_queue_init(queue, NULL, kind == 2 ? 3 : 0, 0);
        tasks[0] = co_spawn(tick, .queue = queue, .n = 100);
        tasks[1] = co_spawn(tock, .queue = queue, .n = 100);
        assert_int_equal(sim_run(&w.sim), 0);
        assert_int_equal(co_task_result(tasks[1]), 100);
        assert_true(co_queue_is_empty(queue));
        co_task_free(tasks[0]);
        co_task_free(tasks[1]);
        co_queue_free(queue);
        sim_end(&w.sim);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(items_come_out_in_the_order_in_which_they_went_in),
    cmocka_unit_test(at_once_or_not_at_all),
    cmocka_unit_test(getters_are_served_first_in_first_out),
    cmocka_unit_test(putters_are_served_first_in_first_out),
    cmocka_unit_test(nobody_overtakes_a_putter_that_waits),
    cmocka_unit_test(the_last_in_is_the_first_out_of_a_lifo),
    cmocka_unit_test(the_least_is_the_first_out_of_a_priority_queue),
    cmocka_unit_test(a_putter_that_waits_is_sorted_in_when_there_is_room),
    cmocka_unit_test(a_queue_without_a_bound_grows_in_the_heap),
    cmocka_unit_test(without_memory_an_item_is_not_put_and_none_is_lost),
    cmocka_unit_test(a_cancelled_getter_loses_no_item),
    cmocka_unit_test(a_cancelled_putter_puts_nothing),
    cmocka_unit_test(a_getter_cancelled_just_before_the_item_came_leaves_it_to_the_next),
    cmocka_unit_test(a_getter_cancelled_just_after_the_item_came_has_it),
    cmocka_unit_test(a_putter_cancelled_just_before_there_was_room_puts_nothing),
    cmocka_unit_test(a_putter_cancelled_just_after_there_was_room_has_put),
    cmocka_unit_test(a_task_that_was_cancelled_neither_gets_nor_puts_even_if_it_could),
    cmocka_unit_test(a_closed_queue_is_emptied_and_then_it_ends),
    cmocka_unit_test(a_close_ends_all_who_wait),
    cmocka_unit_test(a_cancel_in_the_turn_of_the_close_comes_before_or_after_it),
    cmocka_unit_test(an_item_that_was_handed_over_before_the_close_is_got),
    cmocka_unit_test(a_join_waits_until_all_that_was_put_is_done_with),
    cmocka_unit_test(a_join_may_be_cancelled_or_late_and_the_others_go_on),
    cmocka_unit_test(what_was_never_put_needs_not_be_done),
    cmocka_unit_test(an_item_that_is_done_with_once_too_often_is_ERANGE),
    cmocka_unit_test(misuse_stops_the_program),
    cmocka_unit_test(a_deadline_in_the_turn_in_which_an_item_comes_does_not_lose_it),
    cmocka_unit_test(ten_thousand_tasks_lose_no_item_and_see_none_twice),
    cmocka_unit_test(full_and_empty_are_right_for_each_kind_of_queue),
    cmocka_unit_test(items_of_no_bytes_are_counted),
};

TEST_MAIN(tests)
