/* SPDX-License-Identifier: BSD-2-Clause
 * group.h: waits for the first of several tasks, or for each as it ends; and groups of tasks, which
 * others call nurseries.
 *
 *     struct server { co_frame; struct co_group sessions; int listener, fd; };
 *     co_define(server) {
 *         co_begin;
 *         co_group_init(&self->sessions, NULL);
 *         for (;;) {
 *             co_try(self->fd, co_accept(self->listener));
 *             if (co_group_go(&self->sessions, session, .fd = self->fd) < 0)
 *                 co_fd_close(self->fd);
 *         }
 *         co_finally;                                      // no session outlives the server
 *         co_group_cancel(&self->sessions);
 *         co_await(co_group_wait(&self->sessions));
 *         co_fd_close(self->listener);
 *         co_end;
 *     }
 *
 * No wait allocates, since the link of a task to the set that waits for it lies in the task. So a
 * task is a member of one set at a time, and a wait in a second set fails with -EBUSY. Any number
 * of tasks may co_join it besides. A NULL task counts as one that ended with -ENOMEM. */
#ifndef CO_GROUP_H
#define CO_GROUP_H

#include "task.h"

#ifdef __AVR__                          /* see task.h */
#undef ENOBUFS
#endif
#ifndef ENOBUFS
#define ENOBUFS 105
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Waits for the tasks of an array, which must stay, with the tasks, until the await is over */

/* Waits until one task has ended, and returns its index, which is the lowest if several have. The
 * others go on, and if the caller is cancelled, all of them do. -EINVAL: n is 0; -EDEADLK: a task
 * waits for itself. asyncio: wait(FIRST_COMPLETED) */
CO_OP co_wait_any(struct co_task *const *tasks, size_t n);

enum co_wait_policy { CO_FIRST_COMPLETED, CO_FIRST_FAILED, CO_ALL_COMPLETED };

/* Waits, by [policy], until one task has ended, until one has failed or all have ended, or until
 * all have ended. Returns how many entries of the array have ended. A task that was
 * cancelled has not failed. If the caller is cancelled, the tasks go on. -EINVAL: there is no such
 * policy. asyncio: wait() */
CO_OP co_wait_tasks(struct co_task *const *tasks, size_t n, enum co_wait_policy policy);

/* A generator that yields tasks one by one, as they end.
 *     co_as_completed_init(&self->each, self->tasks, 3);
 *     co_for_each(self->n, &self->each)
 *         printf("%d\n", (int)co_task_result(self->each.task));
 * For a NULL in the array, [task] is NULL; a task that is named twice is yielded once. The first
 * co_next returns -EBUSY if a task is in another set. If you leave the loop early, co_gen_close()
 * the generator, which then lets go of the other tasks. A task may be freed as soon as it is
 * yielded if the loop always runs to its end; if it may be left early or cancelled, free the tasks
 * after it. asyncio: as_completed() */
struct co_as_completed {
    co_frame;
    struct co_task *task;           /* ro: the task, after each co_next that returned 1 */
    struct co_task_set set;         /* private */
    struct co_task *const *tasks;   /* private */
    size_t n, left, missing;        /* private: those that have not ended; those that are NULL */
    struct co_task *ended;          /* private: ring of those that ended and are to be yielded */
    struct co_task *waiter;         /* private */
    intptr_t r;                     /* private */
};
void co_as_completed_init(struct co_as_completed *each, struct co_task *const *tasks, size_t n);

/* Calls fn(task, arg) when [task] ends, or at once if it has ended. The task is then in a set of
 * its own, which lies in [callback] and must stay until the call. Returns 0; -EBUSY: it is in
 * another set. asyncio: add_done_callback() */
struct co_done_callback {
    struct co_task_set set;         /* private */
    void (*fn)(struct co_task *, void *);
    void *arg;
};
int co_add_done_callback(struct co_task *task, struct co_done_callback *callback,
                         void (*fn)(struct co_task *, void *), void *arg);

/* Removes the callback, if it has not been called. asyncio: remove_done_callback() */
void co_remove_done_callback(struct co_task *task, struct co_done_callback *callback);

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Storage for the tasks of a group that must not allocate. CO_TASK_POOL(name, NAME, 16); defines a
 * static pool for 16 tasks that run coroutine NAME. Set co_group_options.pool to it, in groups of
 * one loop only. */
struct co_task_pool {
    char *slots;                    /* private */
    size_t slot_size, room, used;   /* ro: as many slots as [used] were ever handed out */
    void *free;                     /* private: list of the slots that were returned */
};
#define CO_TASK_POOL(pool, NAME, n)                                                               \
    static union {                                                                                \
        CO_EVEN_ char bytes[CO_TASK_HEAD_ + sizeof(struct NAME)];                                 \
        int64_t align64; void *align; long double align_more;                                     \
    } pool##_slots_[n];                                                                           \
    static struct co_task_pool pool = {                                                           \
        pool##_slots_[0].bytes, sizeof pool##_slots_[0], n, 0, NULL                               \
    }

struct co_group_options {
    int collect;                    /* 1: a failure does not cancel the others */
    struct co_task_pool *pool;      /* where its tasks lie; NULL: in the scheduler's heap */
};

struct co_group {
    struct co_members_ members;         /* private */
    struct co_group_options options;    /* ro */
    struct co_task *waiter;             /* private: the task that awaits it */
    uint32_t count;                     /* ro: tasks that have not ended */
    uint8_t cancelled;                  /* ro */
    uint32_t over_until;                /* private: the turn in which its waiter goes on */
    const struct co_task *over_for;     /* private: that waiter */
    intptr_t failure;                   /* ro: the first one, or 0 */
#ifndef CO_TINY
    struct co_head *holder;              /* private: the coroutine in whose frame the group lies */
    struct co_head guard;                /* private: stands between it and its caller */
#endif
};

/* Makes an empty group, as zeroed storage is one. [options] may be NULL. The storage must stay
 * until the group is empty again: a coroutine that ends and leaves tasks in a group of its frame,
 * in which it started one itself, stops the program. asyncio: TaskGroup() */
void co_group_init(struct co_group *group, const struct co_group_options *options);

/* Starts a task of the group, which frees itself when it ends, so that the group of a server does
 * not grow. Returns 0; -ENOMEM; -ENOBUFS: the pool is exhausted; -ECANCELED: the group is being
 * cancelled. Upon a failure nothing runs, and what the arguments own is still yours.
 * asyncio: TaskGroup.create_task()
 *     int co_group_go(struct co_group *, NAME, .field = ...);       a macro */

/* Requests all tasks of the group to cancel, once: a group that is being cancelled is left alone,
 * so that its tasks can clean up. No task can be started in it before it was awaited, even if it
 * was empty. trio: CancelScope.cancel() */
void co_group_cancel(struct co_group *group);

/* Waits until all tasks of the group have ended; then the group can be used again. Until the turn
 * is over in which its waiter goes on, only the waiter may start tasks in it. Returns 0 or the
 * first failure, which cancels the other tasks unless options.collect is set; a task that was
 * cancelled has not failed. If the caller is cancelled, the group is cancelled too; this still
 * waits, and returns -ECANCELED unless a task failed, even before that. -EBUSY: another task awaits
 * the group, or has yet to go on; -EDEADLK: the caller is in it.
 * asyncio: leaving `async with TaskGroup()` */
CO_OP co_group_wait(struct co_group *group);

/* ---- Machinery ------------------------------------------------------------------------------- */

int co_group_alloc_(struct co_group *group, size_t frame_size, struct co_task **task);
void co_group_start_(struct co_group *group, struct co_task *task);
CO_MUST_USE_
static inline int co_group_went_(int error) { return error; }
#ifdef __GNUC__
#define CO_GROUP_GO_(NAME, group, ...) __extension__({                                            \
        struct co_group *co_group_ = (group);                                                     \
        struct co_task *co_group_task_;                                                           \
        int co_group_error_ = co_group_alloc_(co_group_, sizeof(struct NAME), &co_group_task_);   \
        if (co_group_error_ == 0) {                                                               \
            co_group_task_->chain.top =                                                           \
                CO_MAKE_(NAME, (struct NAME *)co_task_room_(co_group_task_), __VA_ARGS__);        \
            co_group_start_(co_group_, co_group_task_);                                           \
        }                                                                                         \
        co_group_error_; })
#else
#define CO_GROUP_GO_(NAME, group, ...) \
    co_group_copy_(group, sizeof(struct NAME), &CO_LITERAL_(NAME, __VA_ARGS__))
static inline int co_group_copy_(struct co_group *group, size_t size, const void *frame)
{
    struct co_task *task;
    int error = co_group_alloc_(group, size, &task);

    for (size_t i = 0; error == 0 && i < size; i++)
        ((char *)co_task_room_(task))[i] = ((const char *)frame)[i];
    if (error == 0) {
        task->chain.top = (struct co_head *)co_task_room_(task);
        co_group_start_(group, task);
    }
    return error;
}
#endif

#ifdef __cplusplus
}
#endif

/* ---- Texts, as in coro.h: only macros may follow --------------------------------------------- */
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_group_go(&group, NAME, .field = ...) returns an error if nothing runs: look at it>"
#endif
#define co_group_go(group, ...) co_group_went_(CO_EXPAND_(CO_GROUP_GO_,                           \
    CO_FIRST_(__VA_ARGS__, ~), group, CO_BODY_ = co_body_##__VA_ARGS__))
#endif
