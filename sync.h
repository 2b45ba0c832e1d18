/* SPDX-License-Identifier: BSD-2-Clause
 * sync.h: what tasks share: event, lock, semaphore, condition, barrier, queue. asyncio's, in C.
 *
 *     struct job { int number; };
 *     static struct job room[10];
 *     static struct co_queue jobs;                        // co_queue_init(&jobs, room, 10, sizeof
 * *room)
 *
 *     struct worker { co_frame; struct job job; intptr_t r; };
 *     co_define(worker) {
 *         co_begin;
 *         for (;;) {
 *             co_await(self->r, co_queue_get(&jobs, &self->job));
 *             if (self->r == -EPIPE)                   // closed, and all jobs are done
 *                 co_return(0);
 *             co_try(co_sleep(0.1 * self->job.number));
 *             co_queue_task_done(&jobs);
 *         }
 *         co_end;
 *     }
 *
 * Each is a ring of waiting tasks, first in, first out, and hands what it has directly to the first
 * of them. So a task that is cancelled in the turn in which it was handed a lock or an item has it,
 * and meets the request at its next await; and nobody can overtake.
 * All are plain memory: no allocation, nothing to free. Zeroed storage is an event that is not set,
 * a lock that is free, a semaphore of 0. They belong to one loop; they are not for other threads.
 * The storage must outlive all waits; the ops give -ECANCELED if the task was cancelled. */
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

/* ---- Event: waits until somebody sets it. asyncio: Event ------------------------------------- */

struct co_event {
    struct co_task *waiters;       /* private */
    int is_set;                 /* ro */
};

void co_event_set(struct co_event *event); /* wakes all who wait, and lets through all who come */
void co_event_clear(struct co_event *event);
void co_event_check_idle(struct co_event *event); /* only stops if a task waits; so do the others */
CO_OP co_event_wait(struct co_event *event);        /* 0 */

/* ---- Lock: one task at a time. asyncio: Lock ------------------------------------------------- */

struct co_lock {
    struct co_task *waiters;       /* private */
    struct co_task *owner;         /* ro: NULL if it is free */
};

/* 0: the running task has it. -EDEADLK: it has it already. */
CO_OP co_lock_acquire(struct co_lock *lock);

/* Hands it to the first who waits. 0; -EPERM: the running task does not have it, and nothing
 * happens. So a co_finally may release whether the acquire was reached or not. */
int co_lock_release(struct co_lock *lock);
void co_lock_check_idle(struct co_lock *lock);

/* ---- Semaphore: so many at a time. asyncio: Semaphore, BoundedSemaphore ---------------------- */

struct co_semaphore {
    struct co_task *waiters;       /* private */
    unsigned value;             /* ro: how many may still enter */
    unsigned bound;             /* ro: release past it is an error; 0: no bound */
};

/* [bound] 0 for a plain one. */
void co_semaphore_init(struct co_semaphore *semaphore, unsigned value, unsigned bound);
CO_OP co_semaphore_acquire(struct co_semaphore *semaphore);     /* 0 */
int co_semaphore_release(
    struct co_semaphore *semaphore); /* 0; -ERANGE: bounded, and nobody is in */
void co_semaphore_check_idle(struct co_semaphore *semaphore);

/* ---- Condition: waits, without the lock, until somebody notifies. asyncio: Condition --------- */

struct co_condition {
    struct co_task *waiters;       /* private */
    struct co_lock *lock;          /* ro */
};

void co_condition_init(struct co_condition *condition, struct co_lock *lock);

/* Releases the lock, waits for a notify, and has the lock again when it ends, also if it was
 * cancelled: then a notify that it had got goes to the next. 0; -EPERM: without the lock. Check
 * what you wait for in a loop: while (!ready) co_try(co_condition_wait(&c)); */
CO_OP co_condition_wait(struct co_condition *condition);

/* Wakes the first [n] who wait, or all. 0; -EPERM without the lock.
 * asyncio: notify(), notify_all() */
int co_condition_notify(struct co_condition *condition, unsigned n);
int co_condition_notify_all(struct co_condition *condition);
void co_condition_check_idle(struct co_condition *condition);

/* ---- Barrier: waits until [parties] tasks have come. asyncio: Barrier ------------------------ */

struct co_barrier {
    struct co_task *waiters;       /* private */
    unsigned parties, arrived;  /* ro */
    int broken;                 /* ro */
};

void co_barrier_init(struct co_barrier *barrier, unsigned parties);

/* The order of arrival, from 0; -EPIPE if the barrier is or gets broken. Cancelled, it has not
 * arrived. */
CO_OP co_barrier_wait(struct co_barrier *barrier);
void co_barrier_abort(struct co_barrier *barrier); /* breaks it: who waits, or comes, gets -EPIPE */
void co_barrier_reset(struct co_barrier *barrier);    /* who waits gets -EPIPE; then it is as new */
void co_barrier_check_idle(struct co_barrier *barrier);

/* ---- Queue: items from task to task. asyncio: Queue, LifoQueue, PriorityQueue ---------------- */

enum co_queue_order { CO_QUEUE_FIFO, CO_QUEUE_LIFO, CO_QUEUE_PRIORITY };

struct co_queue {
    struct co_task *getters, *putters, *joiners;   /* private */
    char *items;                /* private: the storage */
    size_t item_size, room;     /* ro */
    size_t count, first;        /* ro: items in it; private: where a FIFO begins */
    size_t unfinished;          /* ro: items put and not yet co_queue_task_done */
    enum co_queue_order order;     /* ro */
    int closed;                 /* ro */
    int grows;                  /* private */
    int (*compare)(const void *, const void *);     /* ro: of a priority queue: negative: a first */
};

/* A queue of at most [room] items of [item_size] bytes, in [items], which is yours. [order]: with
 * CO_QUEUE_PRIORITY, the item that [compare] puts first is got first. */
void co_queue_init(struct co_queue *queue, void *items, size_t room, size_t item_size);
void co_queue_init_order(struct co_queue *queue, void *items, size_t room, size_t item_size,
                      enum co_queue_order order, int (*compare)(const void *, const void *));

/* A queue without a bound: its storage grows in the scheduler's heap; co_queue_free() it. */
void co_queue_init_unbounded(struct co_queue *queue, size_t item_size, enum co_queue_order order,
                          int (*compare)(const void *, const void *));
void co_queue_free(struct co_queue *queue);       /* any queue; stops if a task waits */

/* Puts a copy of *item, which must stay until the await is over; waits while the queue is full. 0;
 * -EPIPE: closed, -ENOMEM: cannot grow; then it was not put. */
CO_OP co_queue_put(struct co_queue *queue, const void *item);
int co_queue_put_now(struct co_queue *queue,
                     const void *item); /* at once, or -EAGAIN. put_nowait() */

/* Gets an item into *item; waits while there is none. 0; -EPIPE: closed, and none is left. */
CO_OP co_queue_get(struct co_queue *queue, void *item);
int co_queue_get_now(struct co_queue *queue, void *item); /* at once, or -EAGAIN. get_nowait() */

/* One item that was got is done with. 0; -ERANGE: more often than items were put, and nothing
 * happens. */
int co_queue_task_done(struct co_queue *queue);
CO_OP co_queue_join(struct co_queue *queue);            /* 0: all that were put are done with */

/* 1 or 0. A queue without a bound is never full; one without room is full and empty.
 * asyncio: empty(), full() */
int co_queue_is_empty(const struct co_queue *queue);
int co_queue_is_full(const struct co_queue *queue);

/* No item can be put any more; what is in can be got. asyncio: shutdown() */
void co_queue_shutdown(struct co_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
