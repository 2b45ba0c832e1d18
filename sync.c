/* SPDX-License-Identifier: BSD-2-Clause
 * sync.c: event, lock, semaphore, condition, barrier and queue, each on one ring of waiting tasks.
 *
 * While a task waits, its chain.result is free: it keeps what the hand-off needs, the result that
 * the wait will give, or the address of the item. */
#include "sync.h"
#include "task_impl.h"

static void bytes_copy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = ((const char *)from)[i];
}

/* The running task waits in [ring]; [note] is kept for the hand-off. */
static co_op wait_in(struct co_task **ring, const struct co_wait_kind *wait, void *object,
                     intptr_t note)
{
    struct co_task *task = co_op_wait(wait, object);

    task->chain.result = note;
    co_ring_add(ring, task);
    return co_wait();
}

static struct co_task *first_of(struct co_task **ring)
{
    struct co_task *task = *ring;

    if (task)
        co_ring_remove(ring, task);
    return task;
}

static void wake_all(struct co_task **ring, intptr_t result)
{
    while (*ring)
        co_wake(first_of(ring), result);
}

/* ---- Event ----------------------------------------------------------------------------------- */

static enum co_take_back event_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_event *)task->object)->waiters, task);
    return CO_TAKEN;
}

void co_event_set(struct co_event *event)
{
    event->is_set = 1;
    wake_all(&event->waiters, 0);
}

void co_event_clear(struct co_event *event)
{
    event->is_set = 0;
}

co_op co_event_wait(struct co_event *event)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_event_wait"), event_take_back };

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    return event->is_set ? co_op_done(0) : wait_in(&event->waiters, &wait, event, 0);
}

/* ---- Lock ------------------------------------------------------------------------------------ */

static enum co_take_back lock_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_lock *)task->object)->waiters, task);
    return CO_TAKEN;
}

/* To the first who waits, with the result that its wait is to give. */
static void lock_hand_over(struct co_lock *lock)
{
    struct co_task *next = first_of(&lock->waiters);

    lock->owner = next;
    if (next) {
        next->locks++;
        co_wake(next, next->chain.result);
    }
}

static co_op lock_acquire(struct co_lock *lock)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_lock_acquire"), lock_take_back };

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    if (lock->owner == co_current())
        return co_op_done(-EDEADLK);
    if (lock->owner)
        return wait_in(&lock->waiters, &wait, lock, 0);
    lock->owner = co_current();
    lock->owner->locks++;
    return co_op_done(0);
}

static int lock_is_mine(const struct co_lock *lock)
{
    return lock->owner && lock->owner == co_current();
}

/* First the usual case: it is free, and nothing was asked of the task. */
co_op co_lock_acquire(struct co_lock *lock)
{
    struct co_task *me = lock->owner ? NULL : co_task_quick_();

    if (!me)
        return lock_acquire(lock);
    lock->owner = me;
    me->locks++;
    return co_done(0);
}

int co_lock_release(struct co_lock *lock)
{
    struct co_task *owner = lock->owner;

    if (!owner || owner != co_current())
        return -EPERM;
    owner->locks--;
    lock->owner = NULL;
    if (lock->waiters)
        lock_hand_over(lock);
    return 0;
}

/* ---- Semaphore ------------------------------------------------------------------------------- */

static enum co_take_back semaphore_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_semaphore *)task->object)->waiters, task);
    return CO_TAKEN;
}

void co_semaphore_init(struct co_semaphore *semaphore, unsigned value, unsigned bound)
{
    *semaphore = (struct co_semaphore){ NULL, value, bound };
}

co_op co_semaphore_acquire(struct co_semaphore *semaphore)
{
    static const struct co_wait_kind wait = {
        CO_NAME_("co_semaphore_acquire"), semaphore_take_back
    };

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    if (semaphore->value == 0)
        return wait_in(&semaphore->waiters, &wait, semaphore, 0);
    semaphore->value--;
    return co_op_done(0);
}

int co_semaphore_release(struct co_semaphore *semaphore)
{
    struct co_task *task = first_of(&semaphore->waiters);

    if (task) {
        co_wake(task, 0);
        return 0;
    }
    if (semaphore->bound && semaphore->value >= semaphore->bound)
        return -ERANGE;
    semaphore->value++;
    return 0;
}

/* ---- Condition ------------------------------------------------------------------------------- */

static void condition_relock(struct co_condition *condition, struct co_task *task, intptr_t result);

/* It must own the lock again before its await can return. */
static enum co_take_back condition_take_back(struct co_task *task)
{
    struct co_condition *condition = (struct co_condition *)task->object;

    co_ring_remove(&condition->waiters, task);
    condition_relock(condition, task, -ECANCELED);
    return CO_MET;
}

/* Cancelled between the notify and the lock: the notify is given to the next waiter. If this await
 * will return -ECANCELED already, a further request, of another scope, is for the next await. */
static enum co_take_back relock_take_back(struct co_task *task)
{
    struct co_condition *condition = (struct co_condition *)task->object;
    struct co_task *next;

    if (task->chain.result < 0)
        return CO_LATER;
    task->chain.result = -ECANCELED;
    next = first_of(&condition->waiters);
    if (next)
        condition_relock(condition, next, 0);
    return CO_MET;
}

static const struct co_wait_kind condition_wait = {
    CO_NAME_("co_condition_wait"), condition_take_back
};
static const struct co_wait_kind relock_wait = {
    CO_NAME_("co_condition_wait"), relock_take_back
};

/* [task] leaves the condition, and queues for the lock; with it, its wait gives [result]. */
static void condition_relock(struct co_condition *condition, struct co_task *task, intptr_t result)
{
    struct co_lock *lock = condition->lock;

    task->wait = &relock_wait;
    task->chain.result = result;
    co_ring_add(&lock->waiters, task);
    if (!lock->owner)
        lock_hand_over(lock);
}

void co_condition_init(struct co_condition *condition, struct co_lock *lock)
{
    *condition = (struct co_condition){ NULL, lock };
}

co_op co_condition_wait(struct co_condition *condition)
{
    co_op op;

    if (co_op_take_cancel(condition_wait.name))
        return co_done(-ECANCELED);
    if (!lock_is_mine(condition->lock))
        return co_op_done(-EPERM);
    op = wait_in(&condition->waiters, &condition_wait, condition, 0);
    condition->lock->owner->locks--;
    lock_hand_over(condition->lock);
    return op;
}

int co_condition_notify(struct co_condition *condition, unsigned n)
{
    if (!lock_is_mine(condition->lock))
        return -EPERM;
    for (; n > 0 && condition->waiters; n--)
        condition_relock(condition, first_of(&condition->waiters), 0);
    return 0;
}

int co_condition_notify_all(struct co_condition *condition)
{
    return co_condition_notify(condition, (unsigned)-1);
}

/* ---- Barrier --------------------------------------------------------------------------------- */

static enum co_take_back barrier_take_back(struct co_task *task)
{
    struct co_barrier *barrier = (struct co_barrier *)task->object;

    co_ring_remove(&barrier->waiters, task);
    barrier->arrived--;
    return CO_TAKEN;
}

void co_barrier_init(struct co_barrier *barrier, unsigned parties)
{
    *barrier = (struct co_barrier){ NULL, parties, 0, 0 };
}

co_op co_barrier_wait(struct co_barrier *barrier)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_barrier_wait"), barrier_take_back };
    unsigned order = 0;

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    if (barrier->parties == 0)
        return co_op_done(-EINVAL);
    if (barrier->broken)
        return co_op_done(-EPIPE);
    if (++barrier->arrived < barrier->parties)
        return wait_in(&barrier->waiters, &wait, barrier, 0);
    while (barrier->waiters)
        co_wake(first_of(&barrier->waiters), (intptr_t)order++);
    barrier->arrived = 0;
    return co_op_done((intptr_t)order);
}

void co_barrier_abort(struct co_barrier *barrier)
{
    co_barrier_reset(barrier);
    barrier->broken = 1;
}

void co_barrier_reset(struct co_barrier *barrier)
{
    wake_all(&barrier->waiters, -EPIPE);
    barrier->arrived = 0;
    barrier->broken = 0;
}

/* ---- Queue: the items ------------------------------------------------------------------------ */

static char *item_at(const struct co_queue *q, size_t i)
{
    return q->items + (q->first + i) % q->room * q->item_size;
}

static void item_swap(struct co_queue *q, size_t i, size_t j)
{
    for (size_t k = 0; k < q->item_size; k++) {
        char byte = item_at(q, i)[k];
        item_at(q, i)[k] = item_at(q, j)[k];
        item_at(q, j)[k] = byte;
    }
}

static int item_before(const struct co_queue *q, size_t i, size_t j)
{
    return q->compare(item_at(q, i), item_at(q, j)) < 0;
}

static void item_add(struct co_queue *q, const void *item)
{
    size_t i = q->count++;

    bytes_copy(item_at(q, i), item, q->item_size);
    if (q->order != CO_QUEUE_PRIORITY)
        return;
    for (; i > 0 && item_before(q, i, (i - 1) / 2); i = (i - 1) / 2)
        item_swap(q, i, (i - 1) / 2);
}

static void item_take(struct co_queue *q, void *item)
{
    size_t last = --q->count, i = 0;

    if (q->order == CO_QUEUE_FIFO) {
        bytes_copy(item, item_at(q, 0), q->item_size);
        q->first = (q->first + 1) % q->room;
        return;
    }
    if (q->order == CO_QUEUE_PRIORITY && last > 0)
        item_swap(q, 0, last);
    bytes_copy(item, item_at(q, last), q->item_size);
    while (q->order == CO_QUEUE_PRIORITY && 2 * i + 1 < last) {
        size_t least = 2 * i + 1;

        if (least + 1 < last && item_before(q, least + 1, least))
            least++;
        if (!item_before(q, least, i))
            break;
        item_swap(q, i, least);
        i = least;
    }
}

/* Doubles the storage; what wraps around its end moves behind the old end. */
static int queue_grow(struct co_queue *q)
{
    struct co_driver *driver = co_scheduler_get() ? co_scheduler_get()->driver : NULL;
    size_t room = q->room ? 2 * q->room : 8, most = (size_t)PTRDIFF_MAX;
    char *items;

    if (q->item_size == 0) {            /* they are counted and not stored */
        q->room = room < most ? room : most;
        return 0;
    }
    if (!driver || !driver->resize || room > most / q->item_size)
        return -ENOMEM;
    items = (char *)driver->resize(driver, q->items, room * q->item_size);
    if (!items)
        return -ENOMEM;
    bytes_copy(items + q->room * q->item_size, items, q->first * q->item_size);
    q->items = items;
    q->room = room;
    return 0;
}

/* ---- Queue ----------------------------------------------------------------------------------- */

void co_queue_init_order(struct co_queue *queue, void *items, size_t room, size_t item_size,
                      enum co_queue_order order, int (*compare)(const void *, const void *))
{
    *queue = (struct co_queue){ .items = (char *)items, .item_size = item_size, .room = room,
                                .order = order, .compare = compare };
    if (item_size == 0)
        queue->items = (char *)queue;           /* an address for items of no bytes */
}

void co_queue_init(struct co_queue *queue, void *items, size_t room, size_t item_size)
{
    co_queue_init_order(queue, items, room, item_size, CO_QUEUE_FIFO, NULL);
}

void co_queue_init_unbounded(struct co_queue *queue, size_t item_size, enum co_queue_order order,
                          int (*compare)(const void *, const void *))
{
    co_queue_init_order(queue, NULL, 0, item_size, order, compare);
    queue->grows = 1;
}

void co_queue_free(struct co_queue *queue)
{
    struct co_driver *driver = co_scheduler_get() ? co_scheduler_get()->driver : NULL;

    co_task_unwaited_(queue->getters, CO_NAME_("co_queue_free"));
    co_task_unwaited_(queue->putters, CO_NAME_("co_queue_free"));
    co_task_unwaited_(queue->joiners, CO_NAME_("co_queue_free"));
    if (queue->grows && queue->items && queue->item_size > 0 && driver)
        driver->resize(driver, queue->items, 0);
    queue->items = NULL;
    queue->room = queue->count = queue->first = 0;
}

int co_queue_put_now(struct co_queue *queue, const void *item)
{
    struct co_task *getter;

    if (queue->closed)
        return -EPIPE;
    getter = first_of(&queue->getters);
    if (getter) {
        bytes_copy((void *)getter->chain.result, item, queue->item_size);
        co_wake(getter, 0);
    } else {
        if (queue->count == queue->room && (!queue->grows || queue_grow(queue) < 0))
            return queue->grows ? -ENOMEM : -EAGAIN;
        item_add(queue, item);
    }
    queue->unfinished++;
    return 0;
}

int co_queue_get_now(struct co_queue *queue, void *item)
{
    struct co_task *putter;

    if (queue->count > 0)
        item_take(queue, item);
    else if (!queue->putters)
        return queue->closed ? -EPIPE : -EAGAIN;
    putter = first_of(&queue->putters);
    if (putter) {
        if (queue->room > 0)
            item_add(queue, (const void *)putter->chain.result);
        else                            /* no room at all: from hand to hand */
            bytes_copy(item, (const void *)putter->chain.result, queue->item_size);
        queue->unfinished++;
        co_wake(putter, 0);
    }
    return 0;
}

static enum co_take_back getter_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_queue *)task->object)->getters, task);
    return CO_TAKEN;
}

static enum co_take_back putter_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_queue *)task->object)->putters, task);
    return CO_TAKEN;
}

static enum co_take_back joiner_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_queue *)task->object)->joiners, task);
    return CO_TAKEN;
}

co_op co_queue_put(struct co_queue *queue, const void *item)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_queue_put"), putter_take_back };
    int result;

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    result = co_queue_put_now(queue, item);
    CO_DEBUGS_(co_debug_keeps_(wait.name, result == -EAGAIN ? item : NULL));
    return result != -EAGAIN ? co_op_done(result)
        : wait_in(&queue->putters, &wait, queue, (intptr_t)item);
}

co_op co_queue_get(struct co_queue *queue, void *item)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_queue_get"), getter_take_back };
    int result;

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    result = co_queue_get_now(queue, item);
    CO_DEBUGS_(co_debug_keeps_(wait.name, result == -EAGAIN ? item : NULL));
    return result != -EAGAIN ? co_op_done(result)
        : wait_in(&queue->getters, &wait, queue, (intptr_t)item);
}

int co_queue_task_done(struct co_queue *queue)
{
    if (queue->unfinished == 0)
        return -ERANGE;
    if (--queue->unfinished == 0)
        wake_all(&queue->joiners, 0);
    return 0;
}

int co_queue_is_empty(const struct co_queue *queue)
{
    return queue->count == 0;
}

int co_queue_is_full(const struct co_queue *queue)
{
    return !queue->grows && queue->count >= queue->room;
}

co_op co_queue_join(struct co_queue *queue)
{
    static const struct co_wait_kind wait = { CO_NAME_("co_queue_join"), joiner_take_back };

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    return queue->unfinished == 0 ? co_op_done(0) : wait_in(&queue->joiners, &wait, queue, 0);
}

void co_queue_shutdown(struct co_queue *queue)
{
    queue->closed = 1;
    wake_all(&queue->getters, -EPIPE);
    wake_all(&queue->putters, -EPIPE);
}

/* ---- The end --------------------------------------------------------------------------------- */

void co_event_check_idle(struct co_event *event)
{
    co_task_unwaited_(event->waiters, CO_NAME_("co_event_check_idle"));
}

void co_lock_check_idle(struct co_lock *lock)
{
    co_task_unwaited_(lock->waiters, CO_NAME_("co_lock_check_idle"));
}

void co_barrier_check_idle(struct co_barrier *barrier)
{
    co_task_unwaited_(barrier->waiters, CO_NAME_("co_barrier_check_idle"));
}

void co_semaphore_check_idle(struct co_semaphore *semaphore)
{
    co_task_unwaited_(semaphore->waiters, CO_NAME_("co_semaphore_check_idle"));
}

void co_condition_check_idle(struct co_condition *condition)
{
    co_task_unwaited_(condition->waiters, CO_NAME_("co_condition_check_idle"));
}
