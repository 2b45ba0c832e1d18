/* SPDX-License-Identifier: BSD-2-Clause
 * sync.h: what tasks share: event, lock, semaphore, condition, barrier, queue. asyncio's, in C.
 *
 *     struct job { int number; };
 *     static struct job room[10];
 *     static struct queue jobs;                        // queue_init(&jobs, room, 10, sizeof *room)
 *
 *     struct worker { co_frame; struct job job; intptr_t r; };
 *     co_define(worker) {
 *         co_begin;
 *         for (;;) {
 *             co_await(self->r, co_queue_get(&jobs, &self->job));
 *             if (self->r == -EPIPE)                   // closed, and all jobs are done
 *                 co_return(0);
 *             co_try(co_sleep(0.1 * self->job.number));
 *             queue_task_done(&jobs);
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

struct event {
    struct task *waiters;       /* private */
    int is_set;                 /* ro */
};

void event_set(struct event *event);        /* wakes all who wait, and lets through all who come */
void event_clear(struct event *event);
void event_free(struct event *event);       /* only stops if a task waits; so do the others */
CO_OP co_event_wait(struct event *event);        /* 0 */

/* ---- Lock: one task at a time. asyncio: Lock ------------------------------------------------- */

struct lock {
    struct task *waiters;       /* private */
    struct task *owner;         /* ro: NULL if it is free */
};

/* 0: the running task has it. -EDEADLK: it has it already. */
CO_OP co_lock_acquire(struct lock *lock);

/* Hands it to the first who waits. 0; -EPERM: the running task does not have it, and nothing
 * happens. So a co_finally may release whether the acquire was reached or not. */
int lock_release(struct lock *lock);
void lock_free(struct lock *lock);

/* ---- Semaphore: so many at a time. asyncio: Semaphore, BoundedSemaphore ---------------------- */

struct semaphore {
    struct task *waiters;       /* private */
    unsigned value;             /* ro: how many may still enter */
    unsigned bound;             /* ro: release past it is an error; 0: no bound */
};

/* [bound] 0 for a plain one. */
void semaphore_init(struct semaphore *semaphore, unsigned value, unsigned bound);
CO_OP co_semaphore_acquire(struct semaphore *semaphore);     /* 0 */
int semaphore_release(struct semaphore *semaphore);     /* 0; -ERANGE: bounded, and nobody is in */
void semaphore_free(struct semaphore *semaphore);

/* ---- Condition: waits, without the lock, until somebody notifies. asyncio: Condition --------- */

struct condition {
    struct task *waiters;       /* private */
    struct lock *lock;          /* ro */
};

void condition_init(struct condition *condition, struct lock *lock);

/* Releases the lock, waits for a notify, and has the lock again when it ends, also if it was
 * cancelled: then a notify that it had got goes to the next. 0; -EPERM: without the lock. Check
 * what you wait for in a loop: while (!ready) co_try(co_condition_wait(&c)); */
CO_OP co_condition_wait(struct condition *condition);

/* Wakes the first [n] who wait, or all. 0; -EPERM without the lock.
 * asyncio: notify(), notify_all() */
int condition_notify(struct condition *condition, unsigned n);
int condition_notify_all(struct condition *condition);
void condition_free(struct condition *condition);

/* ---- Barrier: waits until [parties] tasks have come. asyncio: Barrier ------------------------ */

struct barrier {
    struct task *waiters;       /* private */
    unsigned parties, arrived;  /* ro */
    int broken;                 /* ro */
};

void barrier_init(struct barrier *barrier, unsigned parties);

/* The order of arrival, from 0; -EPIPE if the barrier is or gets broken. Cancelled, it has not
 * arrived. */
CO_OP co_barrier_wait(struct barrier *barrier);
void barrier_abort(struct barrier *barrier);    /* breaks it: who waits, or comes, gets -EPIPE */
void barrier_reset(struct barrier *barrier);    /* who waits gets -EPIPE; then it is as new */
void barrier_free(struct barrier *barrier);

/* ---- Queue: items from task to task. asyncio: Queue, LifoQueue, PriorityQueue ---------------- */

enum queue_order { QUEUE_FIFO, QUEUE_LIFO, QUEUE_PRIORITY };

struct queue {
    struct task *getters, *putters, *joiners;   /* private */
    char *items;                /* private: the storage */
    size_t item_size, room;     /* ro */
    size_t count, first;        /* ro: items in it; private: where a FIFO begins */
    size_t unfinished;          /* ro: items put and not yet queue_task_done */
    enum queue_order order;     /* ro */
    int closed;                 /* ro */
    int grows;                  /* private */
    int (*compare)(const void *, const void *);     /* ro: of a priority queue: negative: a first */
};

/* A queue of at most [room] items of [item_size] bytes, in [items], which is yours. [order]: with
 * QUEUE_PRIORITY, the item that [compare] puts first is got first. */
void queue_init(struct queue *queue, void *items, size_t room, size_t item_size);
void queue_init_order(struct queue *queue, void *items, size_t room, size_t item_size,
                      enum queue_order order, int (*compare)(const void *, const void *));

/* A queue without a bound: its storage grows in the scheduler's heap; queue_free() it. */
void queue_init_unbounded(struct queue *queue, size_t item_size, enum queue_order order,
                          int (*compare)(const void *, const void *));
void queue_free(struct queue *queue);       /* any queue; stops if a task waits */

/* Puts a copy of *item, which must stay until the await is over; waits while the queue is full. 0;
 * -EPIPE: closed, -ENOMEM: cannot grow; then it was not put. */
CO_OP co_queue_put(struct queue *queue, const void *item);
int queue_put(struct queue *queue, const void *item);   /* at once, or -EAGAIN. put_nowait() */

/* Gets an item into *item; waits while there is none. 0; -EPIPE: closed, and none is left. */
CO_OP co_queue_get(struct queue *queue, void *item);
int queue_get(struct queue *queue, void *item);         /* at once, or -EAGAIN. get_nowait() */

void queue_task_done(struct queue *queue);              /* one item that was got is done with */
CO_OP co_queue_join(struct queue *queue);            /* 0: all that were put are done with */

/* No item can be put any more; what is in can be got. asyncio: shutdown() */
void queue_close(struct queue *queue);

#ifdef __cplusplus
}
#endif
#endif
