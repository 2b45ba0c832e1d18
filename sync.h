/* SPDX-License-Identifier: BSD-2-Clause
 * sync.h: event, lock, semaphore, condition, barrier and queue for tasks, as asyncio has them.
 *
 *     struct job { int number; };
 *     static struct job room[10];
 *     static struct co_queue jobs;             // co_queue_init(&jobs, room, 10, sizeof *room)
 *
 *     struct worker { co_frame; struct job job; intptr_t r; };
 *     co_define(worker) {
 *         co_begin;
 *         for (;;) {
 *             co_await(self->r, co_queue_get(&jobs, &self->job));
 *             if (self->r < 0)                 // -EPIPE: closed, and all jobs are done
 *                 co_return(self->r == -EPIPE ? 0 : self->r);
 *             co_try(co_sleep(0.1 * self->job.number));
 *             co_queue_task_done(&jobs);
 *         }
 *         co_end;
 *     }
 *
 * Each keeps its waiters in a ring, first in, first out, and hands over directly to the first of
 * them, so that no task can overtake, nor can the one that released and asks again. A waiter that
 * is cancelled after the hand-over still owns the lock or the item, and its next await fails with
 * -ECANCELED.
 * All of them are plain memory, which must stay until all waits are over. None but an unbounded
 * queue allocates, so there is nothing else to free. Zeroed storage is an event that is not set, a
 * lock that is free, or a semaphore of 0. They belong to one loop and are not for other threads.
 * All ops return -ECANCELED if the task was cancelled, and 0 if nothing else is said. */
#ifndef CO_SYNC_H
#define CO_SYNC_H

#include "task.h"

#ifdef __AVR__                          /* see task.h */
#undef EPIPE
#undef EAGAIN
#undef ERANGE
#undef EPERM
#endif
#ifndef EPIPE
#define EPIPE 32
#endif
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ERANGE
#define ERANGE 34
#endif
#ifndef EPERM
#define EPERM 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Event, which a task waits for until another one sets it. asyncio: Event ----------------- */

struct co_event {
    struct co_task *waiters;        /* private */
    int is_set;                     /* ro */
};

void co_event_set(struct co_event *event);  /* wakes all waiters; later waits complete at once */
void co_event_clear(struct co_event *event);        /* waits wait again */
CO_OP co_event_wait(struct co_event *event);

/* Stops the program if a task waits, and does nothing else. Call it, or one of its like below,
 * before you reuse the storage. */
void co_event_check_idle(struct co_event *event);

/* ---- Lock, which one task at a time owns. asyncio: Lock -------------------------------------- */

struct co_lock {
    struct co_task *waiters;        /* private */
    struct co_task *owner;          /* ro: NULL if it is free */
};

/* Waits until the running task owns the lock. -EDEADLK: it owns it already. */
CO_OP co_lock_acquire(struct co_lock *lock);

/* Hands the lock over to the first waiter. Returns 0; -EPERM: the running task does not own it, and
 * nothing happens. So a co_finally may always release, even if the acquire was not reached; and it
 * should, for a task that ends and owns a lock stops the program. */
int co_lock_release(struct co_lock *lock);
void co_lock_check_idle(struct co_lock *lock);

/* ---- Semaphore, which lets in so many at a time. asyncio: Semaphore, BoundedSemaphore -------- */

struct co_semaphore {
    struct co_task *waiters;        /* private */
    unsigned value;                 /* ro: so many tasks may still enter */
    unsigned bound;                 /* ro: the largest value; 0: no bound */
};

/* [bound] is 0 for a plain semaphore. */
void co_semaphore_init(struct co_semaphore *semaphore, unsigned value, unsigned bound);
CO_OP co_semaphore_acquire(struct co_semaphore *semaphore);     /* waits until it may enter */

/* Hands over to the first waiter, or adds 1 to the value. Returns 0; -ERANGE: the value has reached
 * the bound, since no task is in. */
int co_semaphore_release(struct co_semaphore *semaphore);
void co_semaphore_check_idle(struct co_semaphore *semaphore);

/* ---- Condition, for which a task waits without its lock. asyncio: Condition ------------------ */

struct co_condition {
    struct co_task *waiters;        /* private */
    struct co_lock *lock;           /* ro */
};

void co_condition_init(struct co_condition *condition, struct co_lock *lock);

/* Releases the lock, waits for a notify, and re-acquires the lock before it returns, even if the
 * task was cancelled. A notify that a cancelled task had already received is given to the next
 * waiter. -EPERM: the task does not own the lock. Check what you wait for in a loop:
 *     while (!ready) co_try(co_condition_wait(&c)); */
CO_OP co_condition_wait(struct co_condition *condition);

/* Wake the first [n] waiters, or all of them, one after the other, as each gets the lock. Return 0;
 * -EPERM: the running task does not own the lock. asyncio: notify(), notify_all() */
int co_condition_notify(struct co_condition *condition, unsigned n);
int co_condition_notify_all(struct co_condition *condition);
void co_condition_check_idle(struct co_condition *condition);

/* ---- Barrier, which opens when [parties] tasks have come. asyncio: Barrier ------------------- */

struct co_barrier {
    struct co_task *waiters;        /* private */
    unsigned parties, arrived;      /* ro */
    int broken;                     /* ro */
};

void co_barrier_init(struct co_barrier *barrier, unsigned parties);

/* Waits until all have come. Returns the order of arrival, from 0; -EPIPE: the barrier is broken,
 * or was broken meanwhile; -EINVAL: it is one of 0 parties, as zeroed storage is. A task that is
 * cancelled here has not arrived. */
CO_OP co_barrier_wait(struct co_barrier *barrier);

/* Breaks the barrier: all waits in progress, and all later ones, return -EPIPE. */
void co_barrier_abort(struct co_barrier *barrier);

/* Lets all waits in progress return -EPIPE; then the barrier is new and no longer broken. Tasks
 * that the last one has released are not touched, even if they have not run yet. */
void co_barrier_reset(struct co_barrier *barrier);
void co_barrier_check_idle(struct co_barrier *barrier);

/* ---- Queue of items from task to task. asyncio: Queue, LifoQueue, PriorityQueue -------------- */

enum co_queue_order { CO_QUEUE_FIFO, CO_QUEUE_LIFO, CO_QUEUE_PRIORITY };

struct co_queue {
    struct co_task *getters, *putters, *joiners; /* private */
    char *items;                                 /* private: the storage */
    size_t item_size, room;                      /* ro */
    size_t count, first;                         /* ro: items in it; private: where a FIFO begins */
    size_t unfinished;                           /* ro: items that were put and are not done yet */
    enum co_queue_order order;                   /* ro */
    int closed;                                  /* ro */
    int grows;                                   /* private */
    int (*compare)(const void *, const void *);  /* ro: negative if the first comes first */
};

/* Makes a queue of at most [room] items of [item_size] bytes, in [items], which is yours. Items of
 * 0 bytes are counted, and need no storage. Items
 * come out first in, first out, or by [order]; with CO_QUEUE_PRIORITY, the item that [compare] puts
 * first comes out first. */
void co_queue_init(struct co_queue *queue, void *items, size_t room, size_t item_size);
void co_queue_init_order(struct co_queue *queue, void *items, size_t room, size_t item_size,
                         enum co_queue_order order, int (*compare)(const void *, const void *));

/* Makes a queue without a bound. Its storage grows in the scheduler's heap; co_queue_free() it. */
void co_queue_init_unbounded(struct co_queue *queue, size_t item_size, enum co_queue_order order,
                             int (*compare)(const void *, const void *));
void co_queue_free(struct co_queue *queue);     /* for any queue; stops if a task waits */

/* Puts a copy of *item, and waits while the queue is full. *item must stay until the await is over.
 * -EPIPE: the queue is closed; -ENOMEM: it cannot grow. A put that fails has put nothing. */
CO_OP co_queue_put(struct co_queue *queue, const void *item);

/* Puts at once and returns 0, or returns -EAGAIN. asyncio: put_nowait() */
int co_queue_put_now(struct co_queue *queue, const void *item);

/* Gets an item into *item, and waits while there is none. -EPIPE: the queue is closed and empty. */
CO_OP co_queue_get(struct co_queue *queue, void *item);

/* Gets at once and returns 0, or returns -EAGAIN. asyncio: get_nowait() */
int co_queue_get_now(struct co_queue *queue, void *item);

/* Says that an item which was taken out is done. Returns 0; -ERANGE: no item is left to be done,
 * and nothing happens. */
int co_queue_task_done(struct co_queue *queue);

/* Waits until all items that were put are done. */
CO_OP co_queue_join(struct co_queue *queue);

/* Return 1 or 0. A queue without a bound is never full; one without room is full and empty.
 * asyncio: empty(), full() */
int co_queue_is_empty(const struct co_queue *queue);
int co_queue_is_full(const struct co_queue *queue);

/* Closes the queue: no item can be put any more, and those that are in it can be taken out.
 * asyncio: shutdown() */
void co_queue_shutdown(struct co_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
