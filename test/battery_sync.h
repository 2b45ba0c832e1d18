/* SPDX-License-Identifier: BSD-2-Clause
 * battery_sync.h: programs of the battery on sync.h: each primitive, shared by several tasks. */
#ifndef BATTERY_SYNC_H
#define BATTERY_SYNC_H
#include "battery_run.h"

/* The tasks of a program: cancelled, if they have not ended, awaited and freed. */
struct crew { co_frame; struct co_task **tasks; int n, i; };
static co_define(crew)
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++) {
        co_cancel(self->tasks[self->i]);
        co_await(co_join(self->tasks[self->i]));
        co_task_free(self->tasks[self->i]);
    }
    co_end;
}

/* ---- gates: event ---------------------------------------------------------------------------- */

static struct co_event gate;

struct walker { co_frame; struct co_within slot; int i; };
static co_define(walker)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < 2; self->i++) {
        co_try(co_within(&self->slot, LONG, co_event_wait(&gate)));
        co_try(co_sleep(0.5));
    }
    co_finally;
    leaves;
    co_end;
}

struct gates { co_frame; struct co_task *walkers[3]; struct crew crew; int i; };
static co_define(gates)
{
    co_begin;
    enters;
    gate = (struct co_event){ NULL, 0 };
    for (self->i = 0; self->i < 3; self->i++)
        self->walkers[self->i] = co_spawn(walker);
    co_try(co_sleep(1));
    co_event_set(&gate);
    co_try(co_sleep(0.25));
    co_event_clear(&gate);
    co_try(co_sleep(1));
    co_event_set(&gate);
    co_try(co_gather(self->walkers, 3));
    co_finally;
    co_event_set(&gate);
    co_await(co_call(&self->crew, crew, .tasks = self->walkers, .n = 3));
    check(!gate.waiters);
    leaves;
    co_end;
}
MAIN(gates);

/* ---- bank: lock ------------------------------------------------------------------------------ */

enum { ACCOUNTS = 3, MONEY = 100 };
static struct bank_state { struct co_lock lock; int accounts[ACCOUNTS], busy; } bank_;

/* Moves money while it holds the lock, and puts it back if it is stopped half way. */
struct teller { co_frame; struct co_within slot; int from, taken, i; };
static co_define(teller)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < 3; self->i++) {
        co_try(co_within(&self->slot, LONG, co_lock_acquire(&bank_.lock)));
        check_equal(bank_.busy++, 0);
        self->taken = 10;
        bank_.accounts[self->from] -= self->taken;
        co_try(co_sleep(0.25 * (self->i % 2)));
        bank_.accounts[(self->from + 1) % ACCOUNTS] += self->taken;
        self->taken = 0;
        bank_.busy--;
        check_equal(co_lock_release(&bank_.lock), 0);
        co_pause;
    }
    co_finally;
    bank_.accounts[self->from] += self->taken;
    bank_.busy -= self->taken > 0;
    (void)co_lock_release(&bank_.lock);
    leaves;
    co_end;
}

struct bank { co_frame; struct co_task *tellers[4]; struct crew crew; int i; };
static co_define(bank)
{
    co_begin;
    enters;
    bank_ = (struct bank_state){ .accounts = { MONEY, MONEY, MONEY } };
    for (self->i = 0; self->i < 4; self->i++)
        self->tellers[self->i] = co_spawn(teller, .from = self->i % ACCOUNTS);
    co_try(co_gather(self->tellers, 4));
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->tellers, .n = 4));
    check(!bank_.lock.owner && !bank_.lock.waiters);
    check_equal(bank_.busy, 0);
    check_equal(bank_.accounts[0] + bank_.accounts[1] + bank_.accounts[2], ACCOUNTS * MONEY);
    leaves;
    co_end;
}
MAIN(bank);

/* ---- parking: semaphore ---------------------------------------------------------------------- */

enum { PLACES = 2 };
static struct co_semaphore places;
static unsigned parked;

struct car { co_frame; struct co_within slot; int i, is_in; };
static co_define(car)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < 2; self->i++) {
        co_try(co_within(&self->slot, LONG, co_semaphore_acquire(&places)));
        self->is_in = 1;
        check(++parked <= PLACES);
        co_try(co_sleep(0.5));
        self->is_in = 0;
        parked--;
        check_equal(co_semaphore_release(&places), 0);
    }
    co_finally;
    if (self->is_in) {
        parked--;
        check_equal(co_semaphore_release(&places), 0);
    }
    leaves;
    co_end;
}

struct parking { co_frame; struct co_task *cars[4]; struct crew crew; int i; };
static co_define(parking)
{
    co_begin;
    enters;
    co_semaphore_init(&places, PLACES, PLACES);
    parked = 0;
    for (self->i = 0; self->i < 4; self->i++)
        self->cars[self->i] = co_spawn(car);
    co_try(co_gather(self->cars, 4));
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->cars, .n = 4));
    check_equal(places.value, PLACES);
    check(!places.waiters && parked == 0);
    check_equal(co_semaphore_release(&places), -ERANGE);
    leaves;
    co_end;
}
MAIN(parking);

/* ---- buffer: condition: makers and takers of a buffer that is bounded ------------------------ */

enum { BUFFER = 2, MADE = 4 };
static struct buffer_state {
    struct co_lock lock;
    struct co_condition changed;
    int count, makers, takers;
    struct account items;
} buffer_;

/* One less of *count: all must know. Clean-up needs the lock, whatever is asked meanwhile. */
struct parting { co_frame; int *count; intptr_t n; };
static co_define(parting)
{
    co_begin;
    do
        co_await(self->n, co_lock_acquire(&buffer_.lock));
    while (self->n == -ECANCELED);
    --*self->count;
    check_equal(co_condition_notify_all(&buffer_.changed), 0);
    check_equal(co_lock_release(&buffer_.lock), 0);
    co_end;
}

struct maker { co_frame; struct parting parting; struct co_within slot; int i; };
static co_define(maker)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < MADE; self->i++) {
        co_try(co_lock_acquire(&buffer_.lock));
        while (buffer_.count == BUFFER && buffer_.takers > 0)
            co_try(co_within(&self->slot, LONG, co_condition_wait(&buffer_.changed)));
        if (buffer_.takers == 0)
            co_return(0);
        buffer_.count++;
        buffer_.items.made++;
        check_equal(co_condition_notify(&buffer_.changed, 1), 0);
        check_equal(co_lock_release(&buffer_.lock), 0);
    }
    co_finally;
    co_await(co_call(&self->parting, parting, .count = &buffer_.makers));
    leaves;
    co_end;
}

struct taker { co_frame; struct parting parting; struct co_within slot; };
static co_define(taker)
{
    co_begin;
    enters;
    for (;;) {
        co_try(co_lock_acquire(&buffer_.lock));
        while (buffer_.count == 0 && buffer_.makers > 0)
            co_try(co_within(&self->slot, LONG, co_condition_wait(&buffer_.changed)));
        if (buffer_.count == 0)
            co_return(0);
        buffer_.count--;
        buffer_.items.used++;
        check_equal(co_condition_notify(&buffer_.changed, 1), 0);
        check_equal(co_lock_release(&buffer_.lock), 0);
        co_try(co_sleep(0.25));
    }
    co_finally;
    co_await(co_call(&self->parting, parting, .count = &buffer_.takers));
    leaves;
    co_end;
}

struct buffer { co_frame; struct co_task *tasks[4]; struct crew crew; int i; };
static co_define(buffer)
{
    co_begin;
    enters;
    buffer_ = (struct buffer_state){ .makers = 0 };
    co_condition_init(&buffer_.changed, &buffer_.lock);
    for (self->i = 0; self->i < 2; self->i++) {
        self->tasks[self->i] = co_spawn(maker);
        buffer_.makers += self->tasks[self->i] != NULL;
        self->tasks[2 + self->i] = co_spawn(taker);
        buffer_.takers += self->tasks[2 + self->i] != NULL;
    }
    co_try(co_gather(self->tasks, 4));
    check_equal(buffer_.items.used, 2 * MADE);
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 4));
    check(!buffer_.lock.owner && !buffer_.lock.waiters && !buffer_.changed.waiters);
    check(buffer_.makers == 0 && buffer_.takers == 0);
    buffer_.items.wasted += buffer_.count;
    check_account(buffer_.items);
    leaves;
    co_end;
}
MAIN(buffer);

/* ---- tokens: condition: a notify of one reaches one ------------------------------------------ */

enum { TOKENS = 2, WAITERS = 4 };
static struct tokens_state {
    struct co_lock lock;
    struct co_condition more;
    int count, over;
} tokens_;

/* Who is stopped tells nobody: a notify that it had got must go to another one all the same. */
struct waiter { co_frame; struct co_within slot; };
static co_define(waiter)
{
    co_begin;
    enters;
    co_try(co_lock_acquire(&tokens_.lock));
    while (tokens_.count == 0 && !tokens_.over)
        co_try(co_within(&self->slot, LONG, co_condition_wait(&tokens_.more)));
    tokens_.count -= tokens_.count > 0;
    co_finally;
    (void)co_lock_release(&tokens_.lock);
    leaves;
    co_end;
}

/* Holds the lock for a while after each notify: there a cancel may come between the two. */
struct tokens { co_frame; struct co_task *waiters[WAITERS]; struct crew crew; int i; };
static co_define(tokens)
{
    co_begin;
    enters;
    tokens_ = (struct tokens_state){ .count = 0 };
    co_condition_init(&tokens_.more, &tokens_.lock);
    for (self->i = 0; self->i < WAITERS; self->i++)
        self->waiters[self->i] = co_spawn(waiter);
    for (self->i = 0; self->i < TOKENS; self->i++) {
        co_try(co_sleep(1));
        co_try(co_lock_acquire(&tokens_.lock));
        tokens_.count++;
        check_equal(co_condition_notify(&tokens_.more, 1), 0);
        co_try(co_sleep(0.5));
        check_equal(co_lock_release(&tokens_.lock), 0);
    }
    co_try(co_sleep(1));
    check(tokens_.count == 0 || !tokens_.more.waiters);
    co_try(co_lock_acquire(&tokens_.lock));
    tokens_.over = 1;
    check_equal(co_condition_notify_all(&tokens_.more), 0);
    check_equal(co_lock_release(&tokens_.lock), 0);
    co_try(co_gather(self->waiters, WAITERS));
    co_finally;
    (void)co_lock_release(&tokens_.lock);
    co_await(co_call(&self->crew, crew, .tasks = self->waiters, .n = WAITERS));
    check(!tokens_.lock.owner && !tokens_.lock.waiters && !tokens_.more.waiters);
    leaves;
    co_end;
}
MAIN(tokens);

/* ---- rounds: barrier ------------------------------------------------------------------------- */

enum { PARTIES = 3, ROUNDS = 3 };
static struct co_barrier barrier;
static int passed[ROUNDS];

/* Who leaves early breaks it, or the others would wait for ever. */
struct party { co_frame; struct co_within slot; intptr_t n; int i; };
static co_define(party)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < ROUNDS; self->i++) {
        co_try(self->n, co_within(&self->slot, LONG, co_barrier_wait(&barrier)));
        check(self->n < PARTIES);
        passed[self->i]++;
        co_try(co_sleep(0.25 * (double)self->n));
    }
    co_finally;
    if (self->i < ROUNDS)
        co_barrier_abort(&barrier);
    leaves;
    co_end;
}

/* First it comes alone, and leaves when its time is over: then it was never there. */
struct rounds {
    co_frame;
    struct co_task *parties[PARTIES];
    struct crew crew;
    struct co_within slot;
    intptr_t n;
    int i;
};
static co_define(rounds)
{
    co_begin;
    enters;
    co_barrier_init(&barrier, PARTIES);
    memset(passed, 0, sizeof passed);
    co_await(self->n, co_within(&self->slot, 0.5, co_barrier_wait(&barrier)));
    if (self->n != -ETIMEDOUT)
        co_return(self->n < 0 ? self->n : -EPROTO);
    for (self->i = 0; self->i < PARTIES; self->i++) {
        self->parties[self->i] = co_spawn(party);
        if (!self->parties[self->i])
            co_return(-ENOMEM);
    }
    co_try(co_gather(self->parties, PARTIES));
    check(passed[0] == PARTIES && passed[ROUNDS - 1] == PARTIES);
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->parties, .n = PARTIES));
    check(!barrier.waiters && barrier.arrived == 0);
    leaves;
    co_end;
}
MAIN(rounds);

/* ---- pipeline: queue, bounded: put, get, task_done, join, close ------------------------------ */

enum { ROOM = 2, ITEMS = 5 };
static struct pipeline_state {
    struct co_queue queue;
    long room[ROOM];
    int getters;
    struct account items;
} pipeline_;

struct putter { co_frame; struct co_within slot; long i; };
static co_define(putter)
{
    co_begin;
    enters;
    for (self->i = 1; self->i <= ITEMS; self->i++) {
        co_try(co_within(&self->slot, LONG, co_queue_put(&pipeline_.queue, &self->i)));
        pipeline_.items.made++;
    }
    co_finally;
    leaves;
    co_end;
}

/* The last one that leaves while items are left throws them away. */
struct getter { co_frame; struct co_within slot; long item; intptr_t n; int is_busy; };
static co_define(getter)
{
    co_begin;
    enters;
    for (;;) {
        co_await(self->n, co_within(&self->slot, LONG,
                                    co_queue_get(&pipeline_.queue, &self->item)));
        if (self->n == -EPIPE)
            co_return(0);
        if (self->n < 0)
            co_return(self->n);
        self->is_busy = 1;
        pipeline_.items.used++;
        check(self->item >= 1 && self->item <= ITEMS);
        co_try(co_sleep(0.125 * (double)self->item));
        self->is_busy = 0;
        co_queue_task_done(&pipeline_.queue);
    }
    co_finally;
    if (self->is_busy)
        co_queue_task_done(&pipeline_.queue);
    if (--pipeline_.getters == 0) {
        co_queue_shutdown(&pipeline_.queue);
        for (; co_queue_get_now(&pipeline_.queue, &self->item) == 0; pipeline_.items.wasted++)
            co_queue_task_done(&pipeline_.queue);
    }
    leaves;
    co_end;
}

struct pipeline { co_frame; struct co_task *tasks[4]; struct crew crew; int i; };
static co_define(pipeline)
{
    co_begin;
    enters;
    pipeline_ = (struct pipeline_state){ .getters = 0 };
    co_queue_init(&pipeline_.queue, pipeline_.room, ROOM, sizeof *pipeline_.room);
    for (self->i = 0; self->i < 2; self->i++) {
        self->tasks[self->i] = co_spawn(putter);
        self->tasks[2 + self->i] = co_spawn(getter);
        pipeline_.getters += self->tasks[2 + self->i] != NULL;
        if (!self->tasks[2 + self->i])
            co_return(-ENOMEM);
    }
    co_try(co_gather(self->tasks, 2));
    co_try(co_queue_join(&pipeline_.queue));
    check_account(pipeline_.items);
    co_queue_shutdown(&pipeline_.queue);
    co_try(co_gather(self->tasks + 2, 2));
    co_finally;
    co_queue_shutdown(&pipeline_.queue);
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 4));
    check(!pipeline_.queue.getters && !pipeline_.queue.putters && !pipeline_.queue.joiners);
    check_equal(pipeline_.queue.count, 0);
    check_equal(pipeline_.queue.unfinished, 0);
    check_account(pipeline_.items);
    leaves;
    co_end;
}
MAIN(pipeline);

/* ---- heap: queues that grow, by priority and last in first out; one without room ------------- */

static int long_order(const void *a, const void *b)
{
    const long *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

enum { HEAP = 20 };
static struct co_queue heap_, stack_, hand;
static struct account handed;

struct hander { co_frame; long i; };
static co_define(hander)
{
    co_begin;
    enters;
    for (self->i = 1; self->i <= 3; self->i++) {
        co_try(co_queue_put(&hand, &self->i));
        handed.made++;
    }
    co_finally;
    co_queue_shutdown(&hand);
    leaves;
    co_end;
}

struct heap { co_frame; struct co_task *hander; struct crew crew; long item, last; intptr_t n; };
static co_define(heap)
{
    co_begin;
    enters;
    handed = (struct account){ .made = 0 };
    co_queue_init_unbounded(&heap_, sizeof self->item, CO_QUEUE_PRIORITY, long_order);
    co_queue_init_unbounded(&stack_, sizeof self->item, CO_QUEUE_LIFO, NULL);
    co_queue_init(&hand, NULL, 0, sizeof self->item);
    for (self->item = 1; self->item <= HEAP; self->item++) {
        /* A queue without bound copies at once: co-lint: off(co-local-address) */
        co_try(co_queue_put(&heap_, &(long){ self->item * 7 % HEAP }));
        handed.made++;
        co_try(co_queue_put(&stack_, &self->item));
    }
    for (self->last = HEAP; self->last > 0; self->last--) {
        co_try(co_queue_get(&stack_, &self->item));
        check_equal(self->item, self->last);
    }
    for (self->last = -1; co_queue_get_now(&heap_, &self->item) == 0; self->last = self->item) {
        handed.used++;
        check(self->item > self->last);
        co_pause;
    }
    self->hander = co_spawn(hander);
    while (self->hander) {
        co_await(self->n, co_queue_get(&hand, &self->item));
        if (self->n == -EPIPE)
            break;
        if (self->n < 0)
            co_return(self->n);
        handed.used++;
    }
    co_try(co_join(self->hander));
    co_finally;
    co_queue_shutdown(&hand);
    co_await(co_call(&self->crew, crew, .tasks = &self->hander, .n = 1));
    handed.wasted += (long)heap_.count;
    check_account(handed);
    co_queue_free(&heap_);
    co_queue_free(&stack_);
    leaves;
    co_end;
}
MAIN(heap);

#endif
