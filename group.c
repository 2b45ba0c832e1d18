/* SPDX-License-Identifier: BSD-2-Clause
 * group.c: tasks as a set: wait, as completed, groups. Freestanding. */
#include "group.h"

#define CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* ---- Arrays: the waiting task keeps the count of members in its own union, and its result, while
 * it waits, in chain.result -------------------------------------------------------------------- */

static int is_pending(const struct task *task)
{
    return task_result(task) == -EINPROGRESS && task_state(task) == TASK_PENDING;
}

/* 0, or why the running task [me] may not wait for these. */
static int set_check(const struct task *me, struct task *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tasks[i] == me)
            return -EDEADLK;
        if (tasks[i] && task_set_(tasks[i]) && is_pending(tasks[i]))
            return -EBUSY;
    }
    return 0;
}

/* Makes those that have not ended members of [set]: how many. A task named twice counts once. */
static uint32_t set_join(struct task_set *set, struct task *const *tasks, size_t n)
{
    uint32_t joined = 0;

    for (size_t i = 0; i < n; i++)
        if (tasks[i] && task_set_(tasks[i]) != set && is_pending(tasks[i])) {
            task_set_put_(tasks[i], set);
            joined++;
        }
    return joined;
}

static void set_leave(struct task_set *set, struct task *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tasks[i] && task_set_(tasks[i]) == set)
            task_set_put_(tasks[i], NULL);
}

static struct task *const *members_of(const struct task *task)
{
    return (struct task *const *)task->object;
}

/* The running task waits for [tasks]; [result] is kept meanwhile. */
static co_op set_wait(struct task *me, const struct task_wait *wait,
                      void (*ended)(struct task_set *, struct task *),
                      struct task *const *tasks, size_t n, intptr_t result)
{
    me->in.many.set.ended = ended;
    me->in.many.count = (uint32_t)n;
    me->in.many.left = set_join(&me->in.many.set, tasks, n);
    (void)task_waits(wait, (void *)(uintptr_t)tasks);
    me->chain.result = result;
    task_meet_(me);
    return co_wait();
}

/* How many have not ended; *failed: whether one failed. That it was cancelled is no failure. */
static size_t count_pending(struct task *const *tasks, size_t n, int *failed)
{
    size_t pending = 0;

    *failed = 0;
    for (size_t i = 0; i < n; i++) {
        intptr_t result = task_result(tasks[i]);

        if (tasks[i] && is_pending(tasks[i]))
            pending++;
        else if (result < 0 && result != -ECANCELED)
            *failed = 1;
    }
    return pending;
}

/* ---- Wait ------------------------------------------------------------------------------------ */

static int wait_take_back(struct task *task)
{
    set_leave(&task->in.many.set, members_of(task), (size_t)task->in.many.count);
    return 1;
}

static intptr_t count_ended(struct task *const *tasks, size_t n)
{
    int failed;

    return (intptr_t)(n - count_pending(tasks, n, &failed));
}

static intptr_t first_ended(struct task *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!tasks[i] || !is_pending(tasks[i]))
            return (intptr_t)i;
    return -EINVAL;
}

/* The wait is over. Its result is counted now: when the task runs, they may be gone. */
static void wait_over(struct task *task, intptr_t (*result)(struct task *const *, size_t))
{
    wait_take_back(task);
    task_wake(task, result(members_of(task), (size_t)task->in.many.count));
}

static void any_ended(struct task_set *set, struct task *member)
{
    (void)member;
    wait_over(CONTAINER(set, struct task, in.many.set), first_ended);
}

static void completed_ended(struct task_set *set, struct task *member)
{
    (void)member;
    wait_over(CONTAINER(set, struct task, in.many.set), count_ended);
}

static void all_ended(struct task_set *set, struct task *member)
{
    struct task *task = CONTAINER(set, struct task, in.many.set);

    (void)member;
    if (--task->in.many.left == 0)
        wait_over(task, count_ended);
}

static void failed_ended(struct task_set *set, struct task *member)
{
    if (member->chain.result < 0 && member->chain.result != -ECANCELED)
        completed_ended(set, member);
    else
        all_ended(set, member);
}

co_op co_wait_any(struct task *const *tasks, size_t n)
{
    static const struct task_wait wait = { TASK_NAME_("co_wait_any"), wait_take_back };
    struct task *me = task_running_(wait.name);
    int error = set_check(me, tasks, n);

    if (error < 0)
        return task_done(error);
    if (n == 0 || first_ended(tasks, n) >= 0)
        return task_done(first_ended(tasks, n));
    return set_wait(me, &wait, any_ended, tasks, n, 0);
}

co_op co_wait_all(struct task *const *tasks, size_t n, enum wait_policy policy)
{
    static const struct task_wait wait = { TASK_NAME_("co_wait_all"), wait_take_back };
    struct task *me = task_running_(wait.name);
    int failed, error = set_check(me, tasks, n);
    size_t pending;

    if (error < 0)
        return task_done(error);
    pending = count_pending(tasks, n, &failed);
    if (pending == 0 || (policy == WAIT_FIRST_COMPLETED && pending < n)
        || (policy == WAIT_FIRST_FAILED && failed))
        return task_done((intptr_t)(n - pending));
    return set_wait(me, &wait, policy == WAIT_ALL ? all_ended
                    : policy == WAIT_FIRST_FAILED ? failed_ended : completed_ended, tasks, n, 0);
}

/* ---- Done callbacks -------------------------------------------------------------------------- */

static void callback_ended(struct task_set *set, struct task *task)
{
    struct task_callback *callback = CONTAINER(set, struct task_callback, set);

    callback->fn(task, callback->arg);
}

int task_done_callback(struct task *task, struct task_callback *callback,
                       void (*fn)(struct task *, void *), void *arg)
{
    if (!task || !is_pending(task)) {
        fn(task, arg);
        return 0;
    }
    if (task_set_(task))
        return -EBUSY;
    *callback = (struct task_callback){ { callback_ended }, fn, arg };
    task_set_put_(task, &callback->set);
    return 0;
}

void task_done_forget(struct task *task, struct task_callback *callback)
{
    if (task && task_set_(task) == &callback->set)
        task_set_put_(task, NULL);
}

/* ---- As completed ---------------------------------------------------------------------------- */

/* An ended task waits for nothing: its link is free, to queue it until it is given. */
static void each_queue(struct completed *each, struct task *task)
{
    task_set_put_(task, &each->set);
    task_ring_add(&each->ended, task);
}

static void each_ended(struct task_set *set, struct task *task)
{
    struct completed *each = CONTAINER(set, struct completed, set);

    each->left--;
    each_queue(each, task);
    if (each->waiter) {
        struct task *waiter = each->waiter;
        each->waiter = NULL;
        task_wake(waiter, 0);
    }
}

static int each_take_back(struct task *task)
{
    ((struct completed *)task->object)->waiter = NULL;
    return 1;
}

/* Waits for the next that ends. */
static co_op each_wait(struct completed *each)
{
    static const struct task_wait wait = { TASK_NAME_("completed"), each_take_back };

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    each->waiter = task_waits(&wait, each);
    return co_wait();
}

/* Joins those that have not ended; queues those that have, once each. */
static intptr_t each_start(struct completed *each)
{
    int error = set_check(task_current(), each->tasks, each->n);

    for (size_t i = 0; error == 0 && i < each->n; i++)
        if (each->tasks[i] && task_set_(each->tasks[i]))
            error = -EBUSY;             /* it ended, and is queued by another one of these */
    if (error < 0)
        return error;
    each->left = (size_t)set_join(&each->set, each->tasks, each->n);
    for (size_t i = 0; i < each->n; i++) {
        struct task *task = each->tasks[i];

        if (!task)
            each->missing++;
        else if (task_set_(task) != &each->set)
            each_queue(each, task);
    }
    return 0;
}

static co_define(completed)
{
    co_begin;
    co_try(self->r, co_done(each_start(self)));
    for (; self->missing > 0; self->missing--)
        co_yield;
    for (;;) {
        self->task = self->ended;
        if (self->task) {
            task_set_put_(self->task, NULL);
            task_ring_remove(&self->ended, self->task);
            co_yield;
        } else if (self->left > 0) {
            co_try(each_wait(self));
        } else {
            co_return(0);
        }
    }
    co_finally;
    if (self->ended || self->left > 0)          /* else they were given, and may be gone */
        set_leave(&self->set, self->tasks, self->n);
    co_end;
}

void completed_init(struct completed *each, struct task *const *tasks, size_t n)
{
    co_init(each, completed, .set = { each_ended }, .tasks = tasks, .n = n);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static void group_ended(struct task_set *set, struct task *task)
{
    struct task_group *group = (struct task_group *)(void *)set;
    struct task_pool *pool = group->options.pool;
    intptr_t result = task->chain.result;

    group->count--;
    if (pool) {                         /* the scheduler is done with it */
        *(void **)(void *)task = pool->free;
        pool->free = task;
    }
    if (result < 0 && result != -ECANCELED && group->failure == 0) {
        group->failure = result;
        if (!group->options.collect)
            group_cancel(group);
    }
    if (group->count == 0 && group->waiter) {
        struct task *waiter = group->waiter;
        task_wake(waiter, group->failure ? group->failure : group->asked ? -ECANCELED : 0);
        group_init(group, &group->options);
        group->over_for = waiter;
        group->over_until = scheduler_get()->turns + 2;
    }
}

/* Whether its last task ended, and who awaited it has yet to run, in the next turn: nobody else may
 * start a task in it, for it may be gone then. */
static int group_over(const struct task_group *group)
{
    struct scheduler *s = scheduler_get();

    return group->over_for && s && (int32_t)(s->turns - group->over_until) <= 0
        && s->current != group->over_for;
}

void group_init(struct task_group *group, const struct group_options *options)
{
    struct group_options none = { 0, NULL };

    *group = (struct task_group){ .options = options ? *options : none };
    group->members.set.ended = group_ended;
}

static struct task *pool_take(struct task_pool *pool, size_t size)
{
    struct task *task = (struct task *)pool->free;

    if (size > pool->slot_size)
        CO_STOP(__FILE__, __LINE__, "group_go() of another coroutine than its pool was made for");
    if (task)
        pool->free = *(void **)(void *)task;
    else if (pool->used < pool->room)
        task = (struct task *)(void *)(pool->slots + pool->used++ * pool->slot_size);
    return task;
}

int group_alloc_(struct task_group *group, size_t frame_size, struct task **task)
{
    *task = NULL;
    if (group_over(group) || group->cancelled)
        return -ECANCELED;
    *task = group->options.pool ? pool_take(group->options.pool, TASK_HEAD_ + frame_size)
                                : task_alloc_(frame_size);
    return *task ? 0 : group->options.pool ? -ENOBUFS : -ENOMEM;
}

void group_start_(struct task_group *group, struct task *task)
{
    group->count++;
    task_join_(task, TASK_MEMBER_ | (group->options.pool ? 0 : TASK_OWN_ | TASK_GO_),
               &group->members);
}

void group_cancel(struct task_group *group)
{
    struct task *task = group->members.list.oldest;

    if (group->cancelled)
        return;
    group->cancelled = 1;
    for (uint32_t n = group->count; n > 0; n--) {
        struct task *next = task->younger;
        task_cancel(task);
        task = next;
    }
}

/* Cancelled once more, it asks its tasks once more. The request may come back here by a task that
 * waits for this one; one that joins it is cut off meanwhile (TASK_RING_). */
static int group_take_back(struct task *task)
{
    struct task_group *group = (struct task_group *)task->object;

    if (task->flags & TASK_RING_)
        return 0;
    group->asked = 1;
    group->cancelled = 0;
    task->flags |= TASK_RING_;
    group_cancel(group);
    task->flags &= (uint16_t)~TASK_RING_;
    return 0;
}

co_op co_group(struct task_group *group)
{
    static const struct task_wait wait = { TASK_NAME_("co_group"), group_take_back };
    struct task *me = task_running_(wait.name);
    intptr_t failure = group->failure;

    if (task_set_(me) == &group->members.set)
        return task_done(-EDEADLK);
    if (group->waiter)
        return task_done(-EBUSY);
    if (group->count == 0) {
        group_init(group, &group->options);
        return task_done(failure);
    }
    group->waiter = task_waits(&wait, group);
    task_meet_(me);
    return co_wait();
}
