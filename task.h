/* SPDX-License-Identifier: BSD-2-Clause
 * task.h: many coroutines at once: tasks, time, cancel, and waiting for each other.
 *
 *     struct nap { co_frame; double seconds; };
 *     co_define(nap) {
 *         co_begin;
 *         co_try(co_sleep(self->seconds));
 *         co_return(42);
 *         co_end;
 *     }
 *     struct night { co_frame; struct task *naps[2]; };
 *     co_define(night) {                                       // both naps at once: 1 s, not 2
 *         co_begin;
 *         self->naps[0] = task_spawn(nap, .seconds = 1);
 *         self->naps[1] = task_spawn(nap, .seconds = 1);
 *         co_try(co_gather(self->naps, 2));
 *         co_finally;
 *         task_free(self->naps[0]);
 *         task_free(self->naps[1]);
 *         co_end;
 *     }
 *
 * A task is a coroutine with a place in a scheduler, and the scheduler is this thread's: loop.h
 * makes one on libev; a microcontroller makes one with scheduler_init. Errors are negative errno
 * values. NULL instead of a task, which is what a failed task_spawn gives, counts as a task that
 * ended with -ENOMEM, so that only one place needs to look.
 *
 * Cancel is a request. The await in progress is taken back and gives -ECANCELED; an await that had
 * completed gives its result, and the request meets the next one. One request gives one -ECANCELED,
 * so that clean-up may await; two that come before the task has seen the first are one. It goes
 * down: a co_join or co_gather that is cancelled passes it on to the tasks it waits for and ends
 * when they have ended. */
#ifndef CO_TASK_H
#define CO_TASK_H

#include "coro.h"

#if !defined __has_include                      /* a bare compiler has no errno.h */
#include <errno.h>
#elif __has_include(<errno.h>)
#include <errno.h>
#endif
#ifdef __AVR__                          /* whose C library gives one number to most of them */
#undef ENOMEM
#undef EBUSY
#undef EINVAL
#undef EDEADLK
#undef EINPROGRESS
#undef ETIMEDOUT
#undef ECANCELED
#endif
#ifndef ECANCELED                       /* small C libraries know few of them */
#define ECANCELED 125
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT 110
#endif
#ifndef EINPROGRESS
#define EINPROGRESS 115
#endif
#ifndef EDEADLK
#define EDEADLK 35
#endif
#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef ENOMEM
#define ENOMEM 12
#endif
#ifndef EINVAL
#define EINVAL 22
#endif

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may have the name of the op that it is for */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* ---- Types ---------------------------------------------------------------------------------- */

struct task;
struct scheduler;

/* asyncio's three; what a pending task does at the moment stands in its chain (co_where). */
enum task_state { TASK_PENDING, TASK_FINISHED, TASK_CANCELLED };

enum { TASK_LATER = 2 };

/* What a waiting task waits for. Makers of ops have one static const of these for each op. */
struct task_wait {
    const char *name;                   /* ro: the op, for dumps and messages; or NULL: CO_TINY */
    /* Cancel: takes the wait back and gives 1, upon which the task gets -ECANCELED; or passes the
     * request on and gives 0: the wait will end by itself; or gives TASK_LATER: it will end by
     * itself, and the request meets the next await. */
    int (*take_back)(struct task *);
};

/* The tasks that somebody waits for as one: told when one of them ends. */
struct task_set {
    CO_EVEN_ void (*ended)(struct task_set *, struct task *);       /* private */
};

/* Private: tasks in a ring by age, and such lists in a ring. */
struct task_list {
    struct task *oldest;
    struct task_list *next, *prev;
};
struct task_members_ {          /* what a group begins with */
    struct task_set set;
    struct task_list list;
};

struct task {
    CO_EVEN_ struct co_chain chain;     /* ro: what it runs; chain.result: its result in the end */
    union {
        struct { struct task *next, *prev; } link;      /* private: in one queue or wait list */
        struct { struct task_set set; uint32_t count, left; } many;     /* private: of co_gather */
        struct { struct task *next; void *loop; } job;                  /* private: of co_thread */
        struct { void *data; size_t size; } io;                         /* private: of ops on fds */
    } in;
    struct task *older, *younger;       /* private: in its list */
    const struct task_wait *wait;       /* ro: what it waits for, if it waits */
    void *object;                       /* ro: and on what */
    uintptr_t told;                     /* private: who is told of its end, see task_set_ */
    uint32_t timer;                     /* private: its place in the heap, 0 if it has none */
    uint16_t flags;                     /* private: TASK_*_ */
    uint8_t step;                       /* private: enum task_step_ */
};

/* A timer that calls back; zero it before its first start. asyncio: TimerHandle */
struct task_timer {
    CO_EVEN_ uint32_t place;            /* private: in the heap, 0 if it is not started */
    void (*fire)(struct task_timer *);  /* rw: called in a turn; may start the timer anew */
};

/* ---- Calls: plain, they never suspend ------------------------------------------------------- */

/* Makes a task that runs coroutine NAME and starts on the next turn: one allocation, task_free()
 * it when it has ended. NULL: no memory. Without a scheduler in this thread the program stops.
 *     struct task *task_spawn(NAME, .field = ...);                     asyncio: create_task() */
#define task_spawn(...) \
    CO_EXPAND_(TASK_NEW_, CO_FIRST_(__VA_ARGS__, ~), 0, CO_BODY_ = co_body_##__VA_ARGS__)

/* The same, fire and forget: it frees itself. 0, or -ENOMEM: then nothing runs, and what the
 * arguments own (a socket) is still yours.
 *     int task_go(NAME, .field = ...); */
#define task_go(...) ((void)0, task_went_( \
    CO_EXPAND_(TASK_NEW_, CO_FIRST_(__VA_ARGS__, ~), TASK_GO_, CO_BODY_ = co_body_##__VA_ARGS__)))

/* The same in storage of yours, which must stay until the task has ended. No allocation.
 *     void task_init(struct task *, struct NAME *frame, NAME, .field = ...); */
#define task_init(task, frame, ...) task_init_(task, \
    CO_EXPAND_(CO_MAKE_, CO_FIRST_(__VA_ARGS__, ~), frame, CO_BODY_ = co_body_##__VA_ARGS__))

/* Frees a task that task_spawn made, after its end; before it, and after that of its scheduler, the
 * program stops. NULL: nothing. */
void task_free(struct task *task);

/* Gives up the task: it frees itself when it ends, at once if it has ended. */
void task_detach(struct task *task);

/* Asks the task to cancel, see above. 1: asked; 0: it has ended already. asyncio: Task.cancel() */
int task_cancel(struct task *task);

enum task_state task_state(const struct task *task);
const char *task_state_name(const struct task *task);   /* "pending", "finished", "cancelled" */

/* Its result; -EINPROGRESS before its end. asyncio: Task.result() */
intptr_t task_result(const struct task *task);

/* The name of its coroutine. asyncio: Task.get_name() */
const char *task_name(struct task *task);

/* All tasks of this thread that have not ended: the one after [task], the first for NULL; NULL at
 * the end. asyncio: all_tasks() */
struct task *task_next(const struct task *task);

/* The task that runs now; NULL outside. asyncio: current_task() */
struct task *task_current(void);

/* The frame of a task, to read results from: struct NAME *. Stops if the task runs another
 * coroutine. Valid as long as the task is. */
#define TASK_FRAME(task, NAME) ((struct NAME *)(void *)task_frame_(task, co_body_##NAME, #NAME))

/* ---- Ops: await them -------------------------------------------------------------------------
 * All give -ECANCELED if the task was cancelled. */

/* Waits for the end of [task]; any number of tasks may. Its result; -EDEADLK for oneself.
 * Cancelled, it cancels [task], and gives the result that it then has. asyncio: await task */
CO_OP co_join(struct task *task);

/* Waits until all [n] tasks have ended; the array and the tasks must stay. 0, or the result of the
 * first that failed; each one's own is task_result(). -EBUSY: one of them is in another gather
 * already. Cancelled, it cancels them all. asyncio: gather(); but it never leaves before all have
 * ended. */
CO_OP co_gather(struct task *const *tasks, size_t n);

/* The same as co_join; but if [task] has not ended within [seconds], it is cancelled, and in the
 * end this gives -ETIMEDOUT, or the result that it had after all. -ENOMEM: no room for the timer;
 * the task goes on. Cancelled itself, it is a co_join. asyncio: wait_for() */
static inline CO_OP co_wait_for(struct task *task, double seconds);

/* The same as co_join; but cancelled, it leaves [task] alone. asyncio: shield() */
CO_OP co_shield(struct task *task);

/* Waits [seconds] on the monotonic clock; 0 or less lets the others run once.
 * 0; -ENOMEM if there is no room for the timer. asyncio: sleep() */
static inline CO_OP co_sleep(double seconds);

/* The same until loop_time() says [seconds]. asyncio: loop.call_at() */
static inline CO_OP co_sleep_until(double seconds);

/* Waits for task_wake(): for callbacks of other libraries. co_wait() of coro.h is that op, and a
 * cancel takes it back; keep the task (task_current()) where the callback finds it, and forget it
 * there when the await is over. A callback that comes between the cancel and that is ignored.
 * asyncio: Future */

/* A deadline on any op: [op] must end within [seconds], else it is cancelled, and gives -ETIMEDOUT
 * here and nowhere inside. A result that it had after all is given. [slot] must stay until the
 * await is over. Deadlines nest; the earliest wins. asyncio: timeout()
 *     co_try(self->n, co_within(&self->slot, 1.5, co_recv(fd, buf, size))); */
struct co_within;
CO_OP co_within_ns_(struct co_within *slot, int64_t ns, co_op op);
static inline CO_OP co_within(struct co_within *slot, double seconds, co_op op);

/* ---- For makers of ops ----------------------------------------------------------------------- */

/* An op begins with this: 1 if the running task has been asked to cancel, which this op must give
 * as -ECANCELED. Stops the program outside a task; [name] is for that message. */
int task_cancelled(const char *name);

/* The op completes at once with [result]. It counts against the task's budget of TASK_BUDGET in a
 * row, after which the others run first. */
CO_OP task_done(intptr_t result);
enum { TASK_BUDGET = 128 };

/* The running task waits from now on; the op must be awaited next. Keep the task that this gives,
 * and task_wake() it once. */
struct task *task_waits(const struct task_wait *wait, void *object);

/* Ends the wait of [task] with [result]; it runs on the next turn. O(1). Stops if it does not
 * wait. Not from interrupts or other threads. asyncio: Future.set_result() */
void task_wake(struct task *task, intptr_t result);

/* Rings of waiting tasks, through in.link: first in, first out. */
void task_ring_add(struct task **ring, struct task *task);
void task_ring_remove(struct task **ring, struct task *task);

/* Starts [timer] anew, to fire in the first turn at or after [when] (ns of the driver's clock); in
 * the next one, if a timer fires just now. 0, or -ENOMEM. Equal times come in any order. */
int task_timer_start(struct task_timer *timer, int64_t when);
void task_timer_stop(struct task_timer *timer);

/* ---- The scheduler, for drivers and for microcontrollers ------------------------------------- */

/* What a scheduler stands on. loop.c is one driver; a tick interrupt and WFI another. */
struct task_driver {
    int64_t (*now)(struct task_driver *);               /* monotonic nanoseconds */
    void (*wait)(struct task_driver *, int64_t until);  /* sleeps till then, or an event; INT64_MAX:
                                                         * no timer; scheduler_run alone calls it */
    /* realloc and free (size 0) in one, at even addresses; NULL if there is no heap: then
     * task_spawn gives NULL, and timers has room for as many as scheduler_init was given. */
    void *(*resize)(struct task_driver *, void *old, size_t size);
};

struct task_timer_slot { int64_t when; uintptr_t owner; };      /* private */

/* What a test driver is told of, to bring disorder: all three are there or there are no hooks. */
struct task_hooks {
    void (*batch)(struct task_hooks *, struct task **ring);     /* those that run in this turn */
    void (*point)(struct task_hooks *, struct task *);  /* it made an op, or its wait has ended */
    void (*stepped)(struct task_hooks *, struct task *);        /* it ran, and does no longer */
};

struct scheduler {
    struct task_driver *driver;         /* ro */
    struct task *ready;                 /* private: ring of the ready */
    struct task_list own;               /* private: tasks of no group, and the ring of all lists */
    struct task *current;               /* ro: the running task */
    struct task_timer_slot *timers;     /* private: a heap */
    uint32_t timer_count, timer_room;   /* ro */
    int64_t fired;                      /* private: the time up to which timers fire just now */
    uint32_t count;                     /* ro: tasks that have not ended */
    uint32_t requests;                  /* private: how many cancels were delivered */
    uint32_t turns;                     /* private: begun and ended: odd inside one */
    int budget;                         /* private: ops left that may complete at once */
    int fixed;                          /* private: timers cannot grow */
    struct task_hooks *hooks;           /* rw: or NULL */
};

/* Makes [scheduler] this thread's. [timers] may be NULL where the driver can resize. */
void scheduler_init(struct scheduler *scheduler, struct task_driver *driver,
                    struct task_timer_slot *timers, uint32_t room);
void scheduler_free(struct scheduler *scheduler);

/* This thread's scheduler, or NULL; scheduler_set makes another one this thread's, as a turn of it
 * does. Tasks and timers are touched only while theirs is. */
struct scheduler *scheduler_get(void);
void scheduler_set(struct scheduler *scheduler);

/* One turn: fires the timers that are due, then resumes each task that is ready, once. */
void scheduler_turn(struct scheduler *scheduler);

/* When the next turn is due: 0 for at once, INT64_MAX for never without an event from outside. */
int64_t scheduler_next(const struct scheduler *scheduler);

/* Turns, and waits of the driver, until no task is left. */
void scheduler_run(struct scheduler *scheduler);

/* Asks every task to cancel. */
void scheduler_cancel_all(struct scheduler *scheduler);

/* ---- Machinery ------------------------------------------------------------------------------- */

struct co_within {
    co_frame;
    co_op op;                           /* private */
    intptr_t result;                    /* private */
    int64_t ns;                         /* private: how long */
    intptr_t error;                     /* private: its name for -ECANCELED */
    struct task *task;                  /* private */
    struct task_timer timer;            /* private */
    uint8_t asked, met;                 /* private: its cancel is pending; has been delivered */
    uint8_t outer;                      /* private: the task or an outer deadline asked, too */
};

enum task_step_ { TASK_READY_, TASK_RUNNING_, TASK_WAITING_, TASK_ENDED_ };
enum {
    TASK_GO_ = 1, TASK_OWN_ = 2, TASK_PAUSED_ = 4,
    TASK_CANCEL_ = 8, TASK_TOLD_ = 16,          /* its own request is to be met; was, unseen yet */
    TASK_PASSING_ = 32, TASK_RING_ = 64,        /* hands a request down; which came back to it */
    TASK_MEMBER_ = 128,                         /* of a group: its set is the group's */
    TASK_ASKED_ = 256,                          /* it was asked to cancel at some time */
    TASK_LATE_ = 512                            /* a deadline of its own may have a request */
};

#ifdef CO_TINY
#define TASK_NAME_(text) NULL
#else
#define TASK_NAME_(text) text
#endif

struct task *task_alloc_(size_t frame_size);
CO_ATTRIBUTE_(warn_unused_result)
struct task *task_start_(struct task *task, int flags);
void task_join_(struct task *task, int flags, struct task_members_ *members);
struct task *task_running_(const char *name);
void task_meet_(struct task *task);
void task_unwaited_(struct task *waiters, const char *call);   /* stops if there are any */
void task_point_(struct task *task);        /* for the hooks */
void task_expire_(struct task *task);       /* its innermost deadline, if it has one, is over */
/* The set whose member a task is, or NULL. Tasks that join it lie in a ring, of which the first one
 * keeps the set in its chain.result; then [told] is the first one, and bit 0. */
struct task_set *task_set_(const struct task *task);
void task_set_put_(struct task *task, struct task_set *set);
struct task *task_quick_(void);     /* an op of the running task may complete at once; or NULL */
void task_init_(struct task *task, struct co *root);
struct co *task_frame_(struct task *task, co_body *body, const char *name);
CO_OP co_sleep_ns_(int64_t ns);
CO_OP co_wait_for_ns_(struct task *task, int64_t ns);
CO_OP co_sleep_until_ns_(int64_t ns);

/* The running task, if no request is pending; else NULL. */
static inline struct task *task_unasked_(const struct scheduler *s)
{
    struct task *task = s ? s->current : NULL;

    return task && task->step == TASK_RUNNING_ && !(task->flags & (TASK_CANCEL_ | TASK_LATE_))
        ? task : NULL;
}

/* Where the frame lies in a task's allocation. */
enum { TASK_HEAD_ = (sizeof(struct task) + 15) / 16 * 16 };
static inline void *task_room_(struct task *task) { return (char *)task + TASK_HEAD_; }

/* A task whose frame is a copy of [frame]. */
static inline struct task *task_copy_(size_t size, const void *frame, int flags)
{
    struct task *task = task_alloc_(size);

    for (size_t i = 0; task && i < size; i++)
        ((char *)task_room_(task))[i] = ((const char *)frame)[i];
    if (task)
        task->chain.top = (struct co *)task_room_(task);
    return task_start_(task, flags);
}

static inline int task_went_(struct task *task) { return task ? 0 : -ENOMEM; }

#ifdef __GNUC__
#define TASK_NEW_(NAME, flags, ...) task_start_(__extension__({                                   \
        struct task *task_new_ = task_alloc_(sizeof(struct NAME));                                \
        if (task_new_)                                                                            \
            task_new_->chain.top =                                                                \
                CO_MAKE_(NAME, (struct NAME *)task_room_(task_new_), __VA_ARGS__);                \
        task_new_; }), flags)
#else                       /* the arguments are copied from a temporary */
#define TASK_NEW_(NAME, flags, ...) \
    task_copy_(sizeof(struct NAME), &CO_LITERAL_(NAME, __VA_ARGS__), flags)
#endif

/* Seconds to the nearest nanosecond, within what an int64 holds; constants fold to integers. */
static inline int64_t task_ns_(double seconds)
{
#if defined __SIZEOF_DOUBLE__ && __SIZEOF_DOUBLE__ < 8  /* AVR: 24 bits; whole seconds are exact */
    int64_t whole = seconds > 0 && seconds < 9e9f ? (int64_t)seconds : 0;

    if (whole > 0)
        return whole * 1000000000 + (int64_t)((seconds - (double)whole) * 1e9f + 0.5f);
#endif
    return seconds > 0 ? seconds < 9e9 ? (int64_t)(seconds * 1e9 + 0.5) : INT64_MAX / 2 : 0;
}
static inline co_op co_sleep(double seconds) { return co_sleep_ns_(task_ns_(seconds)); }
static inline co_op co_sleep_until(double seconds)
{
    return co_sleep_until_ns_(task_ns_(seconds));
}
static inline co_op co_wait_for(struct task *task, double seconds)
{
    return co_wait_for_ns_(task, task_ns_(seconds));
}
static inline co_op co_within(struct co_within *slot, double seconds, co_op op)
{
    return co_within_ns_(slot, task_ns_(seconds), op);
}

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
