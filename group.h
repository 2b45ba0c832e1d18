/* SPDX-License-Identifier: BSD-2-Clause
 * group.h: tasks as a set: the first of several, each as it ends, and groups (nurseries).
 *
 *     struct server { co_frame; struct task_group sessions; int listener, fd; };
 *     co_define(server) {
 *         co_begin;
 *         group_init(&self->sessions, NULL);
 *         for (;;) {
 *             co_try(self->fd, co_accept(self->listener));
 *             if (group_go(&self->sessions, session, .fd = self->fd) < 0)
 *                 fd_close(self->fd);
 *         }
 *         co_finally;                                      // cancelled: no session outlives me
 *         group_cancel(&self->sessions);
 *         co_await(co_group(&self->sessions));
 *         fd_close(self->listener);
 *         co_end;
 *     }
 *
 * Nothing here allocates while it waits: what links a task to the set that waits for it lies in the
 * task. So a task is a member of one set at a time, and a second one gets -EBUSY; any number of
 * tasks may co_join it. NULL among the tasks counts as one that ended with -ENOMEM. */
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

/* ---- Tasks in an array; it and they must stay until the await is over ------------------------ */

/* Waits until one has ended: its index, the lowest if several had; -EINVAL if n is 0; -EDEADLK for
 * oneself. The others go on; cancelled, it leaves them all alone. asyncio: wait(FIRST_COMPLETED) */
CO_OP co_wait_any(struct task *const *tasks, size_t n);

enum wait_policy { WAIT_FIRST_COMPLETED, WAIT_FIRST_FAILED, WAIT_ALL };

/* Waits until, by [policy], one has ended, one has failed or all have ended, or all have ended.
 * The number of those that have ended. Cancelled, it leaves them alone. asyncio: wait() */
CO_OP co_wait_all(struct task *const *tasks, size_t n, enum wait_policy policy);

/* The tasks one by one, as they end: a generator.
 *     completed_init(&self->each, self->tasks, 3);
 *     co_for_each(self->n, &self->each)
 *         printf("%d\n", (int)task_result(self->each.task));
 * [task] is NULL for a NULL; one named twice is given once. The first co_next gives -EBUSY if one
 * is in another set. A task may be freed when it is given if the loop runs to its end; if it may
 * be left early or cancelled, free them after it, for it then lets go of the rest. co_close() it
 * if you leave early. asyncio: as_completed() */
struct completed {
    co_frame;
    struct task *task;              /* ro: after each co_next that gave 1 */
    struct task_set set;            /* private */
    struct task *const *tasks;      /* private */
    size_t n, left, missing;        /* private: those that have not ended; those that are NULL */
    struct task *ended;             /* private: ring of those that have ended, to be given */
    struct task *waiter;            /* private */
    intptr_t r;                     /* private */
};
void completed_init(struct completed *each, struct task *const *tasks, size_t n);

/* Calls fn(task, arg) when [task] ends, at once if it has ended. The callback makes a set of its
 * own, in [callback], which must stay till then. 0, or -EBUSY. asyncio: add_done_callback() */
struct task_callback {
    struct task_set set;            /* private */
    void (*fn)(struct task *, void *);
    void *arg;
};
int task_done_callback(struct task *task, struct task_callback *callback,
                       void (*fn)(struct task *, void *), void *arg);

/* Takes the callback back, if it has not been called. asyncio: remove_done_callback() */
void task_done_forget(struct task *task, struct task_callback *callback);

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Storage for the tasks of a group that shall not allocate: TASK_POOL(name, NAME, 16);
 * defines a static pool for 16 tasks that run coroutine NAME, for group_options.pool, of groups of
 * one loop. */
struct task_pool {
    char *slots;                    /* private */
    size_t slot_size, room, used;   /* ro: used: how many were ever handed out */
    void *free;                     /* private: list of those given back */
};
#define TASK_POOL(pool, NAME, n)                                                                  \
    static union {                                                                                \
        CO_EVEN_ char bytes[TASK_HEAD_ + sizeof(struct NAME)];                                    \
        int64_t align64; void *align; long double align_more;                                     \
    } pool##_slots_[n];                                                                           \
    static struct task_pool pool = { pool##_slots_[0].bytes, sizeof pool##_slots_[0], n, 0, NULL }

struct group_options {
    int collect;                    /* a failure does not cancel the others (return_exceptions) */
    struct task_pool *pool;         /* where its tasks live; NULL: the scheduler's heap */
};

struct task_group {
    struct task_members_ members;   /* private */
    struct group_options options;   /* ro */
    struct task *waiter;            /* private: who awaits it */
    uint32_t count;                 /* ro: tasks that have not ended */
    uint8_t cancelled;              /* ro */
    uint8_t asked;                  /* private: who awaits it was cancelled */
    uint32_t over_until;            /* private: the turn in which who awaited it goes on */
    const struct task *over_for;    /* private: who that is */
    intptr_t failure;               /* ro: the first, or 0 */
};

/* An empty group. [options] may be NULL. Its storage must stay until it is empty again: await it
 * before the frame that holds it goes. asyncio: TaskGroup() */
void group_init(struct task_group *group, const struct group_options *options);

/* Starts a task of the group; it frees itself when it ends, so that a group of a server does not
 * grow. 0; -ENOMEM; -ENOBUFS: the pool is exhausted; -ECANCELED: the group is being cancelled. Then
 * nothing runs, and what the arguments own is still yours. asyncio: TaskGroup.create_task()
 *     int group_go(struct task_group *, NAME, .field = ...); */
#define group_go(group, ...) CO_EXPAND_(GROUP_GO_, CO_FIRST_(__VA_ARGS__, ~), group,              \
                                        CO_BODY_ = co_body_##__VA_ARGS__)

/* Asks all its tasks to cancel; none can be started until it was awaited, if it was empty too. */
void group_cancel(struct task_group *group);

/* Waits until all its tasks have ended; then it is as new (in the turn in which who awaited it goes
 * on, only that task may start one). 0, or the first failure, which cancelled
 * the rest unless it collects; that a task was cancelled is no failure. Cancelled, it cancels the
 * group, waits for its end, and gives -ECANCELED if nothing failed. -EBUSY: somebody awaits it
 * already; -EDEADLK: in a task of the group. asyncio: leaving `async with TaskGroup()` */
CO_OP co_group(struct task_group *group);

/* ---- Machinery ------------------------------------------------------------------------------- */

int group_alloc_(struct task_group *group, size_t frame_size, struct task **task);
void group_start_(struct task_group *group, struct task *task);
#ifdef __GNUC__
#define GROUP_GO_(NAME, group, ...) __extension__({                                               \
        struct task_group *group_ = (group);                                                      \
        struct task *group_task_;                                                                 \
        int group_error_ = group_alloc_(group_, sizeof(struct NAME), &group_task_);               \
        if (group_error_ == 0) {                                                                  \
            group_task_->chain.top =                                                              \
                CO_MAKE_(NAME, (struct NAME *)task_room_(group_task_), __VA_ARGS__);              \
            group_start_(group_, group_task_);                                                    \
        }                                                                                         \
        group_error_; })
#else
#define GROUP_GO_(NAME, group, ...) \
    group_copy_(group, sizeof(struct NAME), &CO_LITERAL_(NAME, __VA_ARGS__))
static inline int group_copy_(struct task_group *group, size_t size, const void *frame)
{
    struct task *task;
    int error = group_alloc_(group, size, &task);

    for (size_t i = 0; error == 0 && i < size; i++)
        ((char *)task_room_(task))[i] = ((const char *)frame)[i];
    if (error == 0) {
        task->chain.top = (struct co *)task_room_(task);
        group_start_(group, task);
    }
    return error;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
