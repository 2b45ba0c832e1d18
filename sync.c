/* SPDX-License-Identifier: BSD-2-Clause
 * sync.c: event, lock, semaphore, condition, barrier and queue, each on one ring of waiting tasks.
 *
 * While a task waits, its chain.result is free: it keeps what the hand-off needs, the result that
 * the wait will give, or the address of the item. */
#include "sync.h"

static void bytes_copy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = ((const char *)from)[i];
}

/* The running task waits in [ring]; [note] is kept for the hand-off. */
static co_op wait_in(struct task **ring, const struct task_wait *wait, void *object, intptr_t note)
{
    struct task *task = task_waits(wait, object);

    task->chain.result = note;
    task_ring_add(ring, task);
    return co_wait();
}

static struct task *first_of(struct task **ring)
{
    struct task *task = *ring;

    if (task)
        task_ring_remove(ring, task);
    return task;
}

static void wake_all(struct task **ring, intptr_t result)
{
    while (*ring)
        task_wake(first_of(ring), result);
}

/* ---- Event ----------------------------------------------------------------------------------- */

static int event_take_back(struct task *task)
{
    task_ring_remove(&((struct event *)task->object)->waiters, task);
    return 1;
}

void event_set(struct event *event)
{
    event->is_set = 1;
    wake_all(&event->waiters, 0);
}

void event_clear(struct event *event)
{
    event->is_set = 0;
}

co_op co_event_wait(struct event *event)
{
    static const struct task_wait wait = { TASK_NAME_("co_event_wait"), event_take_back };

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    return event->is_set ? task_done(0) : wait_in(&event->waiters, &wait, event, 0);
}

/* ---- Lock ------------------------------------------------------------------------------------ */

static int lock_take_back(struct task *task)
{
    task_ring_remove(&((struct lock *)task->object)->waiters, task);
    return 1;
}

/* To the first who waits, with the result that its wait is to give. */
static void lock_hand_over(struct lock *lock)
{
    lock->owner = first_of(&lock->waiters);
    if (lock->owner)
        task_wake(lock->owner, lock->owner->chain.result);
}

static co_op lock_acquire(struct lock *lock)
{
    static const struct task_wait wait = { TASK_NAME_("co_lock_acquire"), lock_take_back };

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    if (lock->owner == task_current())
        return task_done(-EDEADLK);
    if (lock->owner)
        return wait_in(&lock->waiters, &wait, lock, 0);
    lock->owner = task_current();
    return task_done(0);
}

static int lock_is_mine(const struct lock *lock)
{
    return lock->owner && lock->owner == task_current();
}

/* First the usual case: it is free, and nothing was asked of the task. */
co_op co_lock_acquire(struct lock *lock)
{
    struct task *me = lock->owner ? NULL : task_quick_();

    if (!me)
        return lock_acquire(lock);
    lock->owner = me;
    return co_done(0);
}

int lock_release(struct lock *lock)
{
    if (!lock_is_mine(lock))
        return -EPERM;
    lock_hand_over(lock);
    return 0;
}

/* ---- Semaphore ------------------------------------------------------------------------------- */

static int semaphore_take_back(struct task *task)
{
    task_ring_remove(&((struct semaphore *)task->object)->waiters, task);
    return 1;
}

void semaphore_init(struct semaphore *semaphore, unsigned value, unsigned bound)
{
    *semaphore = (struct semaphore){ NULL, value, bound };
}

co_op co_semaphore_acquire(struct semaphore *semaphore)
{
    static const struct task_wait wait = {
        TASK_NAME_("co_semaphore_acquire"), semaphore_take_back
    };

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    if (semaphore->value == 0)
        return wait_in(&semaphore->waiters, &wait, semaphore, 0);
    semaphore->value--;
    return task_done(0);
}

int semaphore_release(struct semaphore *semaphore)
{
    struct task *task = first_of(&semaphore->waiters);

    if (task) {
        task_wake(task, 0);
        return 0;
    }
    if (semaphore->bound && semaphore->value >= semaphore->bound)
        return -ERANGE;
    semaphore->value++;
    return 0;
}

/* ---- Condition ------------------------------------------------------------------------------- */

static void condition_relock(struct condition *condition, struct task *task, intptr_t result);

/* Its own request has been met, though it cannot see that yet: one more till then is the same. */
static void condition_told(struct task *task)
{
    if (task->flags & TASK_CANCEL_)
        task->flags |= TASK_TOLD_;
}

/* It must have the lock again before it can tell that it was cancelled. */
static int condition_take_back(struct task *task)
{
    struct condition *condition = (struct condition *)task->object;

    task_ring_remove(&condition->waiters, task);
    condition_told(task);
    condition_relock(condition, task, -ECANCELED);
    return 0;
}

/* Cancelled between the notify and the lock: the notify goes to the next. One that was cancelled
 * already leaves a further request, which is another deadline's, to the next await. */
static int relock_take_back(struct task *task)
{
    struct condition *condition = (struct condition *)task->object;
    struct task *next;

    if (task->chain.result < 0)
        return TASK_LATER;
    condition_told(task);
    task->chain.result = -ECANCELED;
    next = first_of(&condition->waiters);
    if (next)
        condition_relock(condition, next, 0);
    return 0;
}

static const struct task_wait condition_wait = {
    TASK_NAME_("co_condition_wait"), condition_take_back
};
static const struct task_wait relock_wait = {
    TASK_NAME_("co_condition_wait"), relock_take_back
};

/* [task] leaves the condition, and queues for the lock; with it, its wait gives [result]. */
static void condition_relock(struct condition *condition, struct task *task, intptr_t result)
{
    struct lock *lock = condition->lock;

    task->wait = &relock_wait;
    task->chain.result = result;
    task_ring_add(&lock->waiters, task);
    if (!lock->owner)
        lock_hand_over(lock);
}

void condition_init(struct condition *condition, struct lock *lock)
{
    *condition = (struct condition){ NULL, lock };
}

co_op co_condition_wait(struct condition *condition)
{
    co_op op;

    if (task_cancelled(condition_wait.name))
        return co_done(-ECANCELED);
    if (!lock_is_mine(condition->lock))
        return task_done(-EPERM);
    op = wait_in(&condition->waiters, &condition_wait, condition, 0);
    lock_hand_over(condition->lock);
    return op;
}

int condition_notify(struct condition *condition, unsigned n)
{
    if (!lock_is_mine(condition->lock))
        return -EPERM;
    for (; n > 0 && condition->waiters; n--)
        condition_relock(condition, first_of(&condition->waiters), 0);
    return 0;
}

int condition_notify_all(struct condition *condition)
{
    return condition_notify(condition, (unsigned)-1);
}

/* ---- Barrier --------------------------------------------------------------------------------- */

static int barrier_take_back(struct task *task)
{
    struct barrier *barrier = (struct barrier *)task->object;

    task_ring_remove(&barrier->waiters, task);
    barrier->arrived--;
    return 1;
}

void barrier_init(struct barrier *barrier, unsigned parties)
{
    *barrier = (struct barrier){ NULL, parties, 0, 0 };
}

co_op co_barrier_wait(struct barrier *barrier)
{
    static const struct task_wait wait = { TASK_NAME_("co_barrier_wait"), barrier_take_back };
    unsigned order = 0;

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    if (barrier->broken)
        return task_done(-EPIPE);
    if (++barrier->arrived < barrier->parties)
        return wait_in(&barrier->waiters, &wait, barrier, 0);
    while (barrier->waiters)
        task_wake(first_of(&barrier->waiters), (intptr_t)order++);
    barrier->arrived = 0;
    return task_done((intptr_t)order);
}

void barrier_abort(struct barrier *barrier)
{
    barrier_reset(barrier);
    barrier->broken = 1;
}

void barrier_reset(struct barrier *barrier)
{
    wake_all(&barrier->waiters, -EPIPE);
    barrier->arrived = 0;
    barrier->broken = 0;
}

/* ---- Queue: the items ------------------------------------------------------------------------ */

static char *item_at(const struct queue *q, size_t i)
{
    return q->items + (q->first + i) % q->room * q->item_size;
}

static void item_swap(struct queue *q, size_t i, size_t j)
{
    for (size_t k = 0; k < q->item_size; k++) {
        char byte = item_at(q, i)[k];
        item_at(q, i)[k] = item_at(q, j)[k];
        item_at(q, j)[k] = byte;
    }
}

static int item_before(const struct queue *q, size_t i, size_t j)
{
    return q->compare(item_at(q, i), item_at(q, j)) < 0;
}

static void item_add(struct queue *q, const void *item)
{
    size_t i = q->count++;

    bytes_copy(item_at(q, i), item, q->item_size);
    if (q->order != QUEUE_PRIORITY)
        return;
    for (; i > 0 && item_before(q, i, (i - 1) / 2); i = (i - 1) / 2)
        item_swap(q, i, (i - 1) / 2);
}

static void item_take(struct queue *q, void *item)
{
    size_t last = --q->count, i = 0;

    if (q->order == QUEUE_FIFO) {
        bytes_copy(item, item_at(q, 0), q->item_size);
        q->first = (q->first + 1) % q->room;
        return;
    }
    if (q->order == QUEUE_PRIORITY && last > 0)
        item_swap(q, 0, last);
    bytes_copy(item, item_at(q, last), q->item_size);
    while (q->order == QUEUE_PRIORITY && 2 * i + 1 < last) {
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
static int queue_grow(struct queue *q)
{
    struct task_driver *driver = scheduler_get() ? scheduler_get()->driver : NULL;
    size_t room = q->room ? 2 * q->room : 8;
    char *items;

    if (!driver || !driver->resize || room > (size_t)PTRDIFF_MAX / q->item_size)
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

void queue_init_order(struct queue *queue, void *items, size_t room, size_t item_size,
                      enum queue_order order, int (*compare)(const void *, const void *))
{
    *queue = (struct queue){ .items = (char *)items, .item_size = item_size, .room = room,
                             .order = order, .compare = compare };
}

void queue_init(struct queue *queue, void *items, size_t room, size_t item_size)
{
    queue_init_order(queue, items, room, item_size, QUEUE_FIFO, NULL);
}

void queue_init_unbounded(struct queue *queue, size_t item_size, enum queue_order order,
                          int (*compare)(const void *, const void *))
{
    queue_init_order(queue, NULL, 0, item_size, order, compare);
    queue->grows = 1;
}

void queue_free(struct queue *queue)
{
    struct task_driver *driver = scheduler_get() ? scheduler_get()->driver : NULL;

    task_unwaited_(queue->getters, TASK_NAME_("queue_free"));
    task_unwaited_(queue->putters, TASK_NAME_("queue_free"));
    task_unwaited_(queue->joiners, TASK_NAME_("queue_free"));
    if (queue->grows && queue->items && driver)
        driver->resize(driver, queue->items, 0);
    queue->items = NULL;
    queue->room = queue->count = queue->first = 0;
}

int queue_put(struct queue *queue, const void *item)
{
    struct task *getter;

    if (queue->closed)
        return -EPIPE;
    getter = first_of(&queue->getters);
    if (getter) {
        bytes_copy((void *)getter->chain.result, item, queue->item_size);
        task_wake(getter, 0);
    } else {
        if (queue->count == queue->room && (!queue->grows || queue_grow(queue) < 0))
            return queue->grows ? -ENOMEM : -EAGAIN;
        item_add(queue, item);
    }
    queue->unfinished++;
    return 0;
}

int queue_get(struct queue *queue, void *item)
{
    struct task *putter;

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
        task_wake(putter, 0);
    }
    return 0;
}

static int getter_take_back(struct task *task)
{
    task_ring_remove(&((struct queue *)task->object)->getters, task);
    return 1;
}

static int putter_take_back(struct task *task)
{
    task_ring_remove(&((struct queue *)task->object)->putters, task);
    return 1;
}

static int joiner_take_back(struct task *task)
{
    task_ring_remove(&((struct queue *)task->object)->joiners, task);
    return 1;
}

co_op co_queue_put(struct queue *queue, const void *item)
{
    static const struct task_wait wait = { TASK_NAME_("co_queue_put"), putter_take_back };
    int result;

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    result = queue_put(queue, item);
    return result != -EAGAIN ? task_done(result)
        : wait_in(&queue->putters, &wait, queue, (intptr_t)item);
}

co_op co_queue_get(struct queue *queue, void *item)
{
    static const struct task_wait wait = { TASK_NAME_("co_queue_get"), getter_take_back };
    int result;

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    result = queue_get(queue, item);
    return result != -EAGAIN ? task_done(result)
        : wait_in(&queue->getters, &wait, queue, (intptr_t)item);
}

void queue_task_done(struct queue *queue)
{
    if (queue->unfinished == 0)
        CO_STOP(__FILE__, __LINE__, "queue_task_done() more often than items were put");
    if (--queue->unfinished == 0)
        wake_all(&queue->joiners, 0);
}

co_op co_queue_join(struct queue *queue)
{
    static const struct task_wait wait = { TASK_NAME_("co_queue_join"), joiner_take_back };

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    return queue->unfinished == 0 ? task_done(0) : wait_in(&queue->joiners, &wait, queue, 0);
}

void queue_close(struct queue *queue)
{
    queue->closed = 1;
    wake_all(&queue->getters, -EPIPE);
    wake_all(&queue->putters, -EPIPE);
}

/* ---- The end --------------------------------------------------------------------------------- */

void event_free(struct event *event)
{
    task_unwaited_(event->waiters, TASK_NAME_("event_free"));
}

void lock_free(struct lock *lock)
{
    task_unwaited_(lock->waiters, TASK_NAME_("lock_free"));
}

void barrier_free(struct barrier *barrier)
{
    task_unwaited_(barrier->waiters, TASK_NAME_("barrier_free"));
}

void semaphore_free(struct semaphore *semaphore)
{
    task_unwaited_(semaphore->waiters, TASK_NAME_("semaphore_free"));
}

void condition_free(struct condition *condition)
{
    task_unwaited_(condition->waiters, TASK_NAME_("condition_free"));
}
