/* SPDX-License-Identifier: BSD-2-Clause
 * group.h: tasks as a set: the first of several, each as it ends, and groups (nurseries).
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
 *         co_finally;                                      // cancelled: no session outlives me
 *         co_group_cancel(&self->sessions);
 *         co_await(co_group_wait(&self->sessions));
 *         co_fd_close(self->listener);
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
CO_OP co_wait_any(struct co_task *const *tasks, size_t n);

enum co_wait_policy { CO_FIRST_COMPLETED, CO_FIRST_FAILED, CO_ALL_COMPLETED };

/* Waits until, by [policy], one has ended, one has failed or all have ended, or all have ended.
 * The number of those that have ended. Cancelled, it leaves them alone. asyncio: wait() */
CO_OP co_wait_tasks(struct co_task *const *tasks, size_t n, enum co_wait_policy policy);

/* The tasks one by one, as they end: a generator.
 *     co_as_completed_init(&self->each, self->tasks, 3);
 *     co_for_each(self->n, &self->each)
 *         printf("%d\n", (int)co_task_result(self->each.task));
 * [task] is NULL for a NULL; one named twice is given once. The first co_next gives -EBUSY if one
 * is in another set. A task may be freed when it is given if the loop runs to its end; if it may
 * be left early or cancelled, free them after it, for it then lets go of the rest. co_gen_close()
 * it if you leave early. asyncio: as_completed() */
struct co_as_completed {
    co_frame;
    struct co_task *task;              /* ro: after each co_next that gave 1 */
    struct co_task_set set;            /* private */
    struct co_task *const *tasks;      /* private */
    size_t n, left, missing;        /* private: those that have not ended; those that are NULL */
    struct co_task *ended;             /* private: ring of those that have ended, to be given */
    struct co_task *waiter;            /* private */
    intptr_t r;                     /* private */
};
void co_as_completed_init(struct co_as_completed *each, struct co_task *const *tasks, size_t n);

/* Calls fn(task, arg) when [task] ends, at once if it has ended. The callback makes a set of its
 * own, in [callback], which must stay till then. 0, or -EBUSY. asyncio: add_done_callback() */
struct co_done_callback {
    struct co_task_set set;            /* private */
    void (*fn)(struct co_task *, void *);
    void *arg;
};
int co_add_done_callback(struct co_task *task, struct co_done_callback *callback,
                       void (*fn)(struct co_task *, void *), void *arg);

/* Takes the callback back, if it has not been called. asyncio: remove_done_callback() */
void co_remove_done_callback(struct co_task *task, struct co_done_callback *callback);

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Storage for the tasks of a group that shall not allocate: CO_TASK_POOL(name, NAME, 16);
 * defines a static pool for 16 tasks that run coroutine NAME, for co_group_options.pool, of groups
 * of one loop. */
struct co_task_pool {
    char *slots;                    /* private */
    size_t slot_size, room, used;   /* ro: used: how many were ever handed out */
    void *free;                     /* private: list of those given back */
};
#define CO_TASK_POOL(pool, NAME, n)                                                                \
    static union {                                                                                 \
        CO_EVEN_ char bytes[CO_TASK_HEAD_ + sizeof(struct NAME)];                                  \
        int64_t align64;                                                                           \
        void *align;                                                                               \
        long double align_more;                                                                    \
    } pool##_slots_[n];                                                                            \
    static struct co_task_pool pool                                                                \
        = { pool##_slots_[0].bytes, sizeof pool##_slots_[0], n, 0, NULL }

struct co_group_options {
    int collect;                    /* a failure does not cancel the others (return_exceptions) */
    struct co_task_pool *pool;         /* where its tasks live; NULL: the scheduler's heap */
};

struct co_group {
    struct co_members_ members;   /* private */
    struct co_group_options options;   /* ro */
    struct co_task *waiter;            /* private: who awaits it */
    uint32_t count;                 /* ro: tasks that have not ended */
    uint8_t cancelled;              /* ro */
    uint32_t over_until;            /* private: the turn in which who awaited it goes on */
    const struct co_task *over_for;    /* private: who that is */
    intptr_t failure;               /* ro: the first, or 0 */
#ifndef CO_TINY
    struct co *holder;              /* private: the coroutine in whose frame the group lies */
    struct co guard;                /* private: stands between it and its caller */
#endif
};

/* An empty group. [options] may be NULL. Its storage must stay until it is empty again: await it
 * before the frame that holds it goes. asyncio: TaskGroup() */
void co_group_init(struct co_group *group, const struct co_group_options *options);

/* Starts a task of the group; it frees itself when it ends, so that a group of a server does not
 * grow. 0; -ENOMEM; -ENOBUFS: the pool is exhausted; -ECANCELED: the group is being cancelled. Then
 * nothing runs, and what the arguments own is still yours. asyncio: TaskGroup.create_task()
 *     int co_group_go(struct co_group *, NAME, .field = ...); */
#define co_group_go(group, ...) CO_EXPAND_(CO_GROUP_GO_, CO_FIRST_(__VA_ARGS__, ~), group,        \
                                        CO_BODY_ = co_body_##__VA_ARGS__)

/* Asks all its tasks to cancel; none can be started until it was awaited, if it was empty too. */
void co_group_cancel(struct co_group *group);

/* Waits until all its tasks have ended; then it is as new (in the turn in which who awaited it goes
 * on, only that task may start one). 0, or the first failure, which cancelled
 * the rest unless it collects; that a task was cancelled is no failure. Cancelled, it cancels the
 * group, waits for its end, and gives -ECANCELED if nothing failed. -EBUSY: somebody awaits it
 * already; -EDEADLK: in a task of the group. asyncio: leaving `async with TaskGroup()` */
CO_OP co_group_wait(struct co_group *group);

/* ---- Machinery ------------------------------------------------------------------------------- */

int co_group_alloc_(struct co_group *group, size_t frame_size, struct co_task **task);
void co_group_start_(struct co_group *group, struct co_task *task);
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
        task->chain.top = (struct co *)co_task_room_(task);
        co_group_start_(group, task);
    }
    return error;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
