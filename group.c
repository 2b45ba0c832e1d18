/* SPDX-License-Identifier: BSD-2-Clause
 * group.c: tasks as a set: wait, as completed, groups. Freestanding. */
#include "group.h"
#include "task_impl.h"

/* ---- Arrays: the waiting task keeps the count of members in its own union, and its result, while
 * it waits, in chain.result -------------------------------------------------------------------- */

static int is_pending(const struct co_task *task)
{
    return co_task_result(task) == -EINPROGRESS && co_task_state(task) == CO_TASK_PENDING;
}

/* 0, or why the running task [me] may not wait for these. */
static int set_check(const struct co_task *me, struct co_task *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tasks[i] == me)
            return -EDEADLK;
        if (tasks[i] && tasks[i]->set && is_pending(tasks[i]))
            return -EBUSY;
    }
    return 0;
}

/* Makes those that have not ended members of [set]: how many. A task named twice counts once. */
static uint32_t set_join(struct co_task_set *set, struct co_task *const *tasks, size_t n)
{
    uint32_t joined = 0;

    for (size_t i = 0; i < n; i++)
        if (tasks[i] && tasks[i]->set != set && is_pending(tasks[i])) {
            tasks[i]->set = set;
            joined++;
        }
    return joined;
}

static void set_leave(struct co_task_set *set, struct co_task *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tasks[i] && tasks[i]->set == set)
            tasks[i]->set = NULL;
}

static struct co_task *const *members_of(const struct co_task *task)
{
    return (struct co_task *const *)task->object;
}

/* The running task waits for [tasks]; [result] is kept meanwhile. */
static co_op set_wait(struct co_task *me, const struct co_wait_kind *wait,
                      void (*ended)(struct co_task_set *, struct co_task *),
                      struct co_task *const *tasks, size_t n, intptr_t result)
{
    me->in.many.set.ended = ended;
    me->of.count = (uint32_t)n;
    me->in.many.left = set_join(&me->in.many.set, tasks, n);
    (void)co_op_wait(wait, (void *)(uintptr_t)tasks);
    me->chain.result = result;
    co_task_deliver_(me);
    return co_wait();
}

/* How many have not ended; *failed: whether one failed. That it was cancelled is no failure. */
static size_t count_pending(struct co_task *const *tasks, size_t n, int *failed)
{
    size_t pending = 0;

    *failed = 0;
    for (size_t i = 0; i < n; i++) {
        intptr_t result = co_task_result(tasks[i]);

        if (tasks[i] && is_pending(tasks[i]))
            pending++;
        else if (result < 0 && result != -ECANCELED)
            *failed = 1;
    }
    return pending;
}

/* ---- Wait ------------------------------------------------------------------------------------ */

static enum co_take_back wait_take_back(struct co_task *task)
{
    set_leave(&task->in.many.set, members_of(task), (size_t)task->of.count);
    return CO_TAKEN;
}

static intptr_t count_ended(struct co_task *const *tasks, size_t n)
{
    int failed;

    return (intptr_t)(n - count_pending(tasks, n, &failed));
}

static intptr_t first_ended(struct co_task *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!tasks[i] || !is_pending(tasks[i]))
            return (intptr_t)i;
    return -EINVAL;
}

/* The wait is over. Its result is counted now: when the task runs, they may be gone. */
static void wait_over(struct co_task *task, intptr_t (*result)(struct co_task *const *, size_t))
{
    (void)wait_take_back(task);
    co_wake(task, result(members_of(task), (size_t)task->of.count));
}

static void any_ended(struct co_task_set *set, struct co_task *member)
{
    (void)member;
    wait_over(CO_CONTAINER_(set, struct co_task, in.many.set), first_ended);
}

static void completed_ended(struct co_task_set *set, struct co_task *member)
{
    (void)member;
    wait_over(CO_CONTAINER_(set, struct co_task, in.many.set), count_ended);
}

static void all_ended(struct co_task_set *set, struct co_task *member)
{
    struct co_task *task = CO_CONTAINER_(set, struct co_task, in.many.set);

    (void)member;
    if (--task->in.many.left == 0)
        wait_over(task, count_ended);
}

static void failed_ended(struct co_task_set *set, struct co_task *member)
{
    if (member->chain.result < 0 && member->chain.result != -ECANCELED)
        completed_ended(set, member);
    else
        all_ended(set, member);
}

co_op co_wait_any(struct co_task *const *tasks, size_t n)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_wait_any"), wait_take_back };
    struct co_task *me = co_task_running_(wait.name);
    int error = set_check(me, tasks, n);

    if (error < 0)
        return co_op_done(error);
    if (n == 0 || first_ended(tasks, n) >= 0)
        return co_op_done(first_ended(tasks, n));
    return set_wait(me, &wait, any_ended, tasks, n, 0);
}

co_op co_wait_tasks(struct co_task *const *tasks, size_t n, enum co_wait_policy policy)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_wait_tasks"), wait_take_back };
    struct co_task *me = co_task_running_(wait.name);
    int failed, error = set_check(me, tasks, n);
    size_t pending;

    if (error < 0)
        return co_op_done(error);
    if ((unsigned)policy > CO_ALL_COMPLETED)
        return co_op_done(-EINVAL);
    pending = count_pending(tasks, n, &failed);
    if (pending == 0 || (policy == CO_FIRST_COMPLETED && pending < n)
        || (policy == CO_FIRST_FAILED && failed))
        return co_op_done((intptr_t)(n - pending));
    return set_wait(me, &wait, policy == CO_ALL_COMPLETED ? all_ended
                    : policy == CO_FIRST_FAILED ? failed_ended : completed_ended, tasks, n, 0);
}

/* ---- Done callbacks -------------------------------------------------------------------------- */

static void callback_ended(struct co_task_set *set, struct co_task *task)
{
    struct co_done_callback *callback = CO_CONTAINER_(set, struct co_done_callback, set);

    callback->fn(task, callback->arg);
}

int co_add_done_callback(struct co_task *task, struct co_done_callback *callback,
                       void (*fn)(struct co_task *, void *), void *arg)
{
    if (!task || !is_pending(task)) {
        fn(task, arg);
        return 0;
    }
    if (task->set)
        return -EBUSY;
    CO_DEBUGS_(co_debug_keeps_("co_add_done_callback", callback));
    *callback = (struct co_done_callback){ { callback_ended }, fn, arg };
    task->set = &callback->set;
    return 0;
}

void co_remove_done_callback(struct co_task *task, struct co_done_callback *callback)
{
    if (task && task->set == &callback->set)
        task->set = NULL;
}

/* ---- As completed ---------------------------------------------------------------------------- */

/* An ended task waits for nothing: its link is free, to queue it until it is given. */
static void each_queue(struct co_as_completed *each, struct co_task *task)
{
    task->set = &each->set;
    co_ring_add(&each->ended, task);
}

static void each_ended(struct co_task_set *set, struct co_task *task)
{
    struct co_as_completed *each = CO_CONTAINER_(set, struct co_as_completed, set);

    each->left--;
    each_queue(each, task);
    if (each->waiter) {
        struct co_task *waiter = each->waiter;
        each->waiter = NULL;
        co_wake(waiter, 0);
    }
}

static enum co_take_back each_take_back(struct co_task *task)
{
    ((struct co_as_completed *)task->object)->waiter = NULL;
    return CO_TAKEN;
}

/* Waits for the next that ends. */
static co_op each_wait(struct co_as_completed *each)
{
    static const struct co_wait_kind wait = { CO_NAME_("completed"), each_take_back };

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    each->waiter = co_op_wait(&wait, each);
    return co_wait();
}

/* Joins those that have not ended; queues those that have, once each. */
static intptr_t each_start(struct co_as_completed *each)
{
    int error = set_check(co_current(), each->tasks, each->n);

    for (size_t i = 0; error == 0 && i < each->n; i++)
        if (each->tasks[i] && each->tasks[i]->set)
            error = -EBUSY;             /* it ended, and is queued by another one of these */
    if (error < 0)
        return error;
    each->left = (size_t)set_join(&each->set, each->tasks, each->n);
    for (size_t i = 0; i < each->n; i++) {
        struct co_task *task = each->tasks[i];

        if (!task)
            each->missing++;
        else if (task->set != &each->set)
            each_queue(each, task);
    }
    return 0;
}

static co_define(co_as_completed)
{
    co_begin;
    co_try(self->r, co_done(each_start(self)));
    for (; self->missing > 0; self->missing--)
        co_yield;
    for (;;) {
        self->task = self->ended;
        if (self->task) {
            self->task->set = NULL;
            co_ring_remove(&self->ended, self->task);
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

void co_as_completed_init(struct co_as_completed *each, struct co_task *const *tasks, size_t n)
{
    CO_DEBUGS_(co_debug_keeps_("co_as_completed_init", tasks));
    co_init(each, co_as_completed, .set = { each_ended }, .tasks = tasks, .n = n);
}

/* ---- A coroutine that ends must not leave tasks in its group -----------------------------------
 * They would find a group whose storage is gone. While a group has tasks, a guard stands between
 * the coroutine in whose frame the group lies and the one that awaits it; so a coroutine without a
 * group pays nothing for this. A frame in the middle of a chain that has not started is such a
 * guard. A generator loses its guard when it yields, for its next caller may be another one, and
 * gets it back with the next task that it starts. */

#ifdef CO_TINY
#define guard_add(group) ((void)0)
#define guard_remove(group) ((void)0)
#else
/* The coroutine that holds the group ended, or gave a value as a generator. */
static co_step_ guard_body(struct co_head *co, struct co_chain *chain)
{
    struct co_group *group = CO_CONTAINER_(co, struct co_group, guard);
    struct co_head *holder = group->holder;
    int ended = holder->at.word == CO_ENDED_;

    if (co->at.word == CO_WHERE_)
        return co_tell_(chain, NULL);           /* nobody's place in the source */
    if (ended && group->count > 0)
        co_stop_left_(holder, group->members.list.oldest);
    group->holder = NULL;               /* the next task that it starts brings the guard back */
    if (co->caller)
        return co_up_(co, chain, chain->result, CO_RETURNED);
    chain->top = holder;
    return co_signal_(ended ? CO_RETURNED : CO_YIELDED);
}

/* The innermost frame of the running task that [group] lies in; NULL: it lies elsewhere. */
static struct co_head *holder_of(const struct co_group *group)
{
    struct co_task *task = co_scheduler_->current;

    for (struct co_head *co = task ? task->chain.top : NULL; co; co = co->caller)
        if ((uintptr_t)group - (uintptr_t)co < co_frame_size_(co))
            return co;
    return NULL;
}

static void guard_add(struct co_group *group)
{
    struct co_head *holder = group->holder ? NULL : holder_of(group);

    if (!holder)
        return;
    group->holder = holder;
    group->guard.at.word = 0;
    group->guard.body = guard_body;
    group->guard.caller = holder->caller;
    holder->caller = &group->guard;
}

static void guard_remove(struct co_group *group)
{
    struct co_head *co = group->holder;

    while (co && co->caller != &group->guard)
        co = co->caller;
    if (co)
        co->caller = group->guard.caller;
    group->holder = NULL;
}
#endif

/* ---- Groups ---------------------------------------------------------------------------------- */

static void group_ended(struct co_task_set *set, struct co_task *task)
{
    struct co_group *group = (struct co_group *)(void *)set;
    struct co_task_pool *pool = group->options.pool;
    intptr_t result = task->chain.result;

    if (--group->count == 0)
        guard_remove(group);
    if (pool) {                         /* the scheduler is done with it */
        *(void **)(void *)task = pool->free;
        pool->free = task;
    }
    if (result < 0 && result != -ECANCELED && group->failure == 0) {
        group->failure = result;
        if (!group->options.collect)
            co_group_cancel(group);
    }
    if (group->count == 0 && group->waiter) {
        struct co_task *waiter = group->waiter;
        int asked = waiter->flags & CO_TASK_LENT_;

        co_wake(waiter, group->failure ? group->failure : asked ? -ECANCELED : 0);
        co_group_init(group, &group->options);
        group->over_for = waiter;
        group->over_until = co_scheduler_get()->turns + 2;
    }
}

/* Whether its last task ended, and who awaited it has yet to run, in the next turn: nobody else may
 * start a task in it, for it may be gone then. */
static int group_over(struct co_group *group)
{
    struct co_scheduler *s = co_scheduler_get();

    if (group->over_for && s && group->over_until - s->turns > 2)
        group->over_for = NULL;         /* that turn is over */
    return group->over_for && s && s->current != group->over_for;
}

void co_group_init(struct co_group *group, const struct co_group_options *options)
{
    struct co_group_options none = { 0, NULL };

    *group = (struct co_group){ .options = options ? *options : none };
    group->members.set.ended = group_ended;
}

static struct co_task *pool_take(struct co_task_pool *pool, size_t size)
{
    struct co_task *task = (struct co_task *)pool->free;

    if (size > pool->slot_size)
        CO_STOP(__FILE__, __LINE__,
                "co_group_go() of another coroutine than its pool was made for");
    if (task)
        pool->free = *(void **)(void *)task;
    else if (pool->used < pool->room)
        task = (struct co_task *)(void *)(pool->slots + pool->used++ * pool->slot_size);
    return task;
}

int co_group_alloc_(struct co_group *group, size_t frame_size, struct co_task **task)
{
    *task = NULL;
    group->members.set.ended = group_ended;     /* zeroed storage is an empty group, too */
    if (group_over(group) || group->cancelled)
        return -ECANCELED;
    *task = group->options.pool ? pool_take(group->options.pool, CO_TASK_HEAD_ + frame_size)
                                : co_task_alloc_(frame_size);
    return *task ? 0 : group->options.pool ? -ENOBUFS : -ENOMEM;
}

void co_group_start_(struct co_group *group, struct co_task *task)
{
    CO_DEBUGS_(co_debug_keeps_("co_group_go", group));
    group->count++;
    guard_add(group);
    co_task_join_(task, CO_TASK_MEMBER_ | (group->options.pool ? 0 : CO_TASK_OWN_ | CO_TASK_GO_),
               &group->members);
}

static void group_ask(struct co_group *group)
{
    struct co_task *task = group->members.list.oldest;

    group->cancelled = 1;
    for (uint32_t n = group->count; n > 0; n--) {
        co_task_ask_(task);
        task = task->younger;
    }
}

void co_group_cancel(struct co_group *group)
{
    if (group->cancelled)
        return;
    group_ask(group);
    if (group->count > 0)
        co_walk_(co_scheduler_);
}

static enum co_take_back group_take_back(struct co_task *task)
{
    group_ask((struct co_group *)task->object);
    return CO_PASSED;
}

co_op co_group_wait(struct co_group *group)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_group_wait"), group_take_back };
    struct co_task *me = co_task_running_(wait.name);
    intptr_t failure = group->failure;

    if (me->set == &group->members.set)
        return co_op_done(-EDEADLK);
    if (group->waiter)
        return co_op_done(-EBUSY);
    if (group_over(group))
        return co_op_done(-EBUSY);
    if (group->count == 0) {
        co_group_init(group, &group->options);
        return co_op_done(failure);
    }
    group->waiter = co_op_wait(&wait, group);
    co_task_deliver_(me);
    return co_wait();
}
