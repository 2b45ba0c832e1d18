/* SPDX-License-Identifier: BSD-2-Clause
 * task.h: runs many coroutines at once, as tasks, with time, cancel and waits for each other.
 *
 *     struct nap { co_frame; double seconds; };
 *     co_define(nap) {
 *         co_begin;
 *         co_try(co_sleep(self->seconds));
 *         co_return(42);
 *         co_end;
 *     }
 *     struct night { co_frame; struct co_task *naps[2]; };
 *     co_define(night) {                                       // both at once, in 1 s and not 2
 *         co_begin;
 *         self->naps[0] = co_spawn(nap, .seconds = 1);
 *         self->naps[1] = co_spawn(nap, .seconds = 1);
 *         co_try(co_gather(self->naps, 2));
 *         co_finally;
 *         co_task_free(self->naps[0]);
 *         co_task_free(self->naps[1]);
 *         co_end;
 *     }
 *
 * A task is a coroutine that a scheduler runs. A thread has one scheduler: loop.h makes one on
 * libev, and a microcontroller makes one with co_scheduler_init. Errors are negative errno values.
 * A NULL task, as co_spawn returns when it runs out of memory, behaves like one that ended with
 * -ENOMEM; so check once, where you read results.
 *
 * A cancel is a request, and one request is delivered exactly once: one await of the task fails
 * with -ECANCELED, unless the task ends first. So clean-up may await. If the task waits, its wait
 * is undone. If its await has already completed, that result is returned, and the next await fails.
 * A second request that comes before the task has run is merged with the first.
 * A task that waits for tasks, in co_join, co_gather or co_group_wait, lends its request to them:
 * they are cancelled, and it waits on until they have ended. If its await then returns anything but
 * -ECANCELED, because a task had swallowed the request or failed in its clean-up, the request comes
 * back and the next await fails. It comes back only once. When it is lent a second time, that await
 * returns -ECANCELED whatever the tasks return. See docs/how-to/cancel.md for what follows. */
#ifndef CO_TASK_H
#define CO_TASK_H

#include "coro.h"

#if !defined __has_include                      /* a bare compiler has no errno.h */
#include <errno.h>
#elif __has_include(<errno.h>)
#include <errno.h>
#endif
#ifdef __AVR__                          /* its C library has one number for most of them */
#undef ENOMEM
#undef EBUSY
#undef EINVAL
#undef EDEADLK
#undef EINPROGRESS
#undef ETIMEDOUT
#undef ECANCELED
#endif
#ifndef ECANCELED                       /* small C libraries define few of them */
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
#ifdef __GNUC__                 /* a struct may share the name of its op */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* ---- Types ---------------------------------------------------------------------------------- */

struct co_task;
struct co_scheduler;

/* The three states of asyncio. Where a pending task stands is in its chain, see co_where(). */
enum co_task_state { CO_TASK_PENDING, CO_TASK_FINISHED, CO_TASK_CANCELLED };

/* What became of a wait when its task was cancelled. */
enum co_take_back {
    CO_TAKEN,               /* it is undone; the task is woken with -ECANCELED, so do not wake it */
    CO_LATER,               /* it cannot be undone; co_wake it as usual, and the next await fails */
    CO_MET,                 /* it goes on and will fail; co_wake it with -ECANCELED when it ends */
    CO_PASSED       /* it goes on, and other tasks were asked instead, as in co_join */
};

/* What a task waits for. Each op has one static const of these. */
struct co_wait_kind {
    const char *name;               /* ro: the op, for dumps and messages; NULL under CO_TINY */
    /* Called when the task is cancelled while it waits. It undoes the wait if that can be done. If
     * the wait goes on and another request comes, it is called again. It must not resume anything,
     * but it may wake other tasks. */
    enum co_take_back (*take_back)(struct co_task *);
};

/* A set of tasks with one observer: ended() is called as each member ends. */
struct co_task_set {
    void (*ended)(struct co_task_set *, struct co_task *);  /* private */
};

/* Private: a ring of tasks by age. These lists are in a ring, too. */
struct co_task_list {
    struct co_task *oldest;
    struct co_task_list *next, *prev;
};
struct co_members_ {          /* the head of a group */
    struct co_task_set set;
    struct co_task_list list;
};

/* A task. What its fields mean depends on its state, which is [step]:
 *
 *                 READY               RUNNING         WAITING                 ENDED
 *   it is on      a ring: ready       current         what wait->name says    nothing
 *   chain.result  what the await      garbage         kept for the op that    its result
 *                 will return                         waits, see below
 *   in            in.link             free            of the op               free, see below
 *   wait, object  of the last wait    the op made     the op, and on what     of the last wait
 *                                     last, or NULL
 *   of            garbage             garbage         of the op               garbage
 *   asked         linked during a walk (cancel.c), else NULL
 *   written by    co_wake, co_spawn   step()          co_op_wait              step()
 *
 * While a task waits, chain.result and the union belong to the op that made it wait:
 *   op                          chain.result                            in
 *   co_sleep, co_join,          -                                       - / link / -
 *     co_group_wait
 *   co_gather                   the first failure, or 0                 many
 *   co_wait_any, _tasks         -                                       many
 *   events, locks, ...          what the wait will return               link
 *   co_queue_get, _put          the address of the item                 link
 *   ops on fds                  how many bytes are done                 io; link: paused listeners
 *   co_thread                   -                                       job
 * A task that has ended uses in.link only while co_as_completed queues it.
 *
 * The flags say: GO, it frees itself; OWN, co_spawn allocated it; MEMBER, its set is a group;
 * ASKED, it was cancelled at some time; PAUSED, it is READY after co_pause. DUE, LENT, UNSEEN and
 * [request] are written and explained by cancel.c. */
struct co_task {
    CO_EVEN_ struct co_chain chain; /* ro: what it runs; chain.result: at the end, its result */
    union {
        struct { struct co_task *next, *prev; } link;   /* private: in one queue or wait list */
        struct {
            struct co_task_set set;
            uint32_t left;          /* have not ended; and CO_MARK_, see co_gather */
        } many;                                            /* private: of waits for several tasks */
        struct { struct co_task *next; void *loop; } job;  /* private: of co_thread */
        struct { void *data; size_t size; } io;            /* private: of ops on fds */
    } in;
    struct co_task *older, *younger;    /* private: in its list */
    const struct co_wait_kind *wait;    /* ro: what it waits for, if it waits */
    void *object;                       /* ro: the object on which it waits */
    struct co_task *joiners;            /* private: ring of the tasks that join it */
    struct co_task_set *set;            /* private: the set that it is in, or NULL */
    struct co_task *asked;              /* private: link of the walk */
    union {
        uint32_t timer; /* private: of a sleep: its place in the heap */
        uint32_t count; /* private: of waits for several tasks: how many */
    } of;
    uint8_t step;                   /* private: enum co_task_step_ */
    uint8_t flags;                  /* private: CO_TASK_*_ */
    uint8_t request;                /* private: enum co_request_, of the task's own scope */
    uint8_t locks;                  /* private: how many it owns, modulo 256 */
#if defined CO_DEBUG && !defined CO_TINY
    struct {
        struct co_task *self;       /* the task, while it has not ended */
        const struct co_head *frame;    /* where it waited first after its request was delivered */
        uintptr_t place;
        uint8_t waits, rounds;      /* since then: plus one; back at that place */
        uint8_t seen;               /* somebody looked at its result */
    } debug;                        /* private */
#endif
};

/* A timer with a callback; zero it before its first start. asyncio: TimerHandle */
struct co_timer {
    CO_EVEN_ uint32_t place;            /* private: in the heap; 0 if it is not started */
    void (*fire)(struct co_timer *);    /* rw: called in a turn; it may start the timer again */
};

/* ---- Calls, which never suspend -------------------------------------------------------------- */

/* Makes a task, in one allocation, that runs coroutine NAME and starts in the next turn.
 * co_task_free() it when it has ended. Returns NULL if there is no memory. Without a scheduler in
 * this thread the program stops.
 *     struct co_task *co_spawn(NAME, .field = ...);     a macro         asyncio: create_task() */

/* Makes the same task, but it frees itself when it ends. Returns 0, or -ENOMEM; then nothing runs,
 * and what the arguments own, such as a socket, is still yours.
 *     int co_go(NAME, .field = ...);                    a macro */

/* Makes the same task in storage of yours, which must stay until the task has ended. It allocates
 * nothing.
 *     void co_task_init(struct co_task *, struct NAME *frame, NAME, .field = ...); */
#define co_task_init(task, frame, ...) co_task_init_(task, \
    CO_EXPAND_(CO_MAKE_, CO_FIRST_(__VA_ARGS__, ~), frame, CO_BODY_ = co_body_##__VA_ARGS__))

/* Frees a task that co_spawn made. The program stops if the task has not ended, or if its scheduler
 * is gone. NULL is left alone. */
void co_task_free(struct co_task *task);

/* Gives up the task, which then frees itself when it ends, or at once if it has ended. */
void co_task_detach(struct co_task *task);

/* Requests the task to cancel, see above. A task that has not begun runs to its first await, so
 * that its co_finally can release what its arguments own. Returns 1, or 0 if it has ended already.
 * asyncio: Task.cancel() */
int co_cancel(struct co_task *task);

enum co_task_state co_task_state(const struct co_task *task);
const char *co_task_state_name(const struct co_task *task); /* "pending", "finished", "cancelled" */

/* Returns its result, or -EINPROGRESS before its end. asyncio: Task.result() */
intptr_t co_task_result(const struct co_task *task);

/* Returns the name of its coroutine. asyncio: Task.get_name() */
const char *co_task_name(struct co_task *task);

/* Walks through the tasks of this thread that have not ended. Returns the one after [task], the
 * first one for NULL, and NULL after the last. asyncio: all_tasks() */
struct co_task *co_task_next(const struct co_task *task);

/* Returns the task that runs now, or NULL outside of tasks. asyncio: current_task() */
struct co_task *co_current(void);

/* Returns the frame of a task as a struct NAME *, to read results from. It is valid as long as the
 * task is. The program stops if the task runs another coroutine. */
#define CO_TASK_FRAME(task, NAME) \
    ((struct NAME *)(void *)co_task_frame_(task, co_body_##NAME, #NAME))

/* ---- Ops, to be awaited ----------------------------------------------------------------------
 * An op returns -ECANCELED if the task that awaits it was cancelled, if nothing else is said. */

/* Waits until [task] has ended, and returns its result. Any number of tasks may wait for one.
 * -EDEADLK: a task waits for itself. If the caller is cancelled, [task] is cancelled too; co_join
 * still waits for it and returns its result. asyncio: await task */
CO_OP co_join(struct co_task *task);

/* Waits until all [n] tasks have ended; the array and the tasks must stay until then. Returns 0, or
 * the result of the first that failed; of those that failed before the call, the first in the
 * array. co_task_result() has the result of each. -EBUSY: one of them is in another gather or set.
 * If the caller is cancelled, all of them are; co_gather still waits, and returns -ECANCELED unless
 * a task failed with another error. asyncio: gather(), which may return before all have ended. */
CO_OP co_gather(struct co_task *const *tasks, size_t n);

/* Is co_within over co_join: it cancels [task] if that has not ended within [seconds], waits for
 * its end, and returns -ETIMEDOUT, or the result that [task] has after all. asyncio: wait_for() */
struct co_within;
static inline CO_OP co_wait_for(struct co_within *slot, struct co_task *task, double seconds);

/* Waits as co_join does; but if the caller is cancelled, it returns at once, and [task] goes on.
 * asyncio: shield() */
CO_OP co_shield(struct co_task *task);

/* Waits [seconds] on the monotonic clock; 0 or less lets the others run once. Returns 0; -ENOMEM:
 * there is no room for the timer. asyncio: sleep() */
static inline CO_OP co_sleep(double seconds);

/* Waits until co_time() is [seconds]. asyncio: loop.call_at() */
static inline CO_OP co_sleep_until(double seconds);

/* To wait for a callback of another library, await co_wait() of coro.h, and let the callback call
 * co_wake(). Keep the task, which is co_current(), where the callback finds it, and remove it there
 * when the await is over. A cancel undoes the wait; a callback that comes between the cancel and
 * the end of the await is ignored. asyncio: Future */

/* A deadline on any op. If [op] has not completed within [seconds], it is cancelled, and this
 * await, and none inside, returns -ETIMEDOUT. If the op has a result after all, that is returned.
 * With 0 seconds or less this is a poll, which returns what is ready when the loop has looked once.
 * Deadlines nest. A request to cancel the task comes before theirs: its -ECANCELED passes their
 * edges unchanged. -ENOMEM: there was no room for the timer, and the op was cancelled. [slot] must
 * stay until the await is over. asyncio: timeout()
 *     co_try(self->n, co_within(&self->slot, 1.5, co_recv(fd, buf, size))); */
struct co_within;
CO_OP co_within_ns_(struct co_within *slot, int64_t ns, co_op op);
static inline CO_OP co_within(struct co_within *slot, double seconds, co_op op);

/* ---- For makers of ops ---------------------------------------------------------------------- */

/* Call it first in every op. It consumes a pending request to cancel and returns 1: then complete
 * with co_done(-ECANCELED). Outside a task it stops the program; [name] is for that message. */
int co_op_take_cancel(const char *name);

/* Makes an op that is complete, with [result]. A task may await CO_BUDGET of them in a row; then
 * the others run first. */
CO_OP co_op_done(intptr_t result);
enum { CO_BUDGET = 128 };

/* Parks the running task; return co_wait() next, for the op must be awaited. Keep the task that
 * this returns, and co_wake() it exactly once, unless its wait was undone by take_back. While it
 * waits, chain.result, in.link and object are yours, see struct co_task. */
struct co_task *co_op_wait(const struct co_wait_kind *kind, void *object);

/* Ends the wait of [task] with [result], so that it runs in the next turn, at a cost of O(1). The
 * program stops if the task does not wait. Interrupts and other threads must not call this.
 * asyncio: Future.set_result() */
void co_wake(struct co_task *task, intptr_t result);

/* Rings of waiting tasks, linked by in.link, first in, first out. */
void co_ring_add(struct co_task **ring, struct co_task *task);
void co_ring_remove(struct co_task **ring, struct co_task *task);

/* Starts [timer], again if need be, to fire in the first turn at or after [when], which is in ns of
 * the driver's clock; but not in a turn in which timers are firing already. Returns 0, or -ENOMEM.
 * Timers of equal times fire in any order. */
int co_timer_start(struct co_timer *timer, int64_t when);
void co_timer_stop(struct co_timer *timer);

/* ---- The scheduler, for drivers and for microcontrollers ------------------------------------- */

/* What a scheduler needs from below. loop.c is one driver; a tick interrupt and WFI are another. */
struct co_driver {
    int64_t (*now)(struct co_driver *);                 /* monotonic nanoseconds */
    void (*wait)(struct co_driver *, int64_t until);    /* sleeps until then or an event; INT64_MAX
                                                         * is no time; for co_scheduler_run only */
    /* Is realloc, and free if the size is 0, and returns even addresses. It is NULL if there is no
     * heap; then co_spawn returns NULL, and co_scheduler_init says how many timers there can be. */
    void *(*resize)(struct co_driver *, void *old, size_t size);
};

struct co_timer_slot { int64_t when; uintptr_t owner; };      /* private */

/* Hooks for simulation: set all three, or none. */
struct co_hooks {
    void (*batch)(struct co_hooks *, struct co_task **ring);     /* these will run in this turn */
    void (*point)(struct co_hooks *, struct co_task *);  /* it made an op, or its wait has ended */
    void (*stepped)(struct co_hooks *, struct co_task *);        /* it has run and runs no longer */
};

struct co_scheduler {
    struct co_driver *driver;           /* ro */
    struct co_task *ready;              /* private: ring of the ready tasks */
    struct co_task_list own;            /* private: tasks of no group, and the ring of all lists */
    struct co_task *current;            /* ro: the running task */
    struct co_timer_slot *timers;       /* private: a heap */
    uint32_t timer_count, timer_room;   /* ro */
    int64_t fired;                      /* private: timers up to this time are firing */
    uint32_t count;                     /* ro: tasks that have not ended */
    struct co_task *walk_last;          /* private: of the queue of a walk, see cancel.c; or NULL */
    uint32_t turns;                     /* private: counts begins and ends: odd inside */
    int budget;                         /* private: so many ops may still complete */
    uint8_t fixed;                      /* private: the array of timers cannot grow */
    uint8_t walking;                    /* private: enum co_walking_ */
    struct co_hooks *hooks;             /* rw: or NULL */
#if defined CO_DEBUG && !defined CO_TINY
    struct {
        uintptr_t stack;                /* where the C stack stood at the start of a step */
        const char *dead;               /* the call that was given what lies below that, or NULL */
        int ends;                       /* the loop does: every task is asked to cancel */
    } debug;                            /* private */
#endif
};

/* Makes [scheduler] this thread's. [timers] may be NULL if the driver can resize. */
void co_scheduler_init(struct co_scheduler *scheduler, struct co_driver *driver,
                       struct co_timer_slot *timers, uint32_t room);
void co_scheduler_free(struct co_scheduler *scheduler);

/* co_scheduler_get returns this thread's scheduler, or NULL. co_scheduler_set makes another one
 * this thread's, as a turn of it does. Use tasks and timers only while their scheduler is the
 * thread's. */
struct co_scheduler *co_scheduler_get(void);
void co_scheduler_set(struct co_scheduler *scheduler);

/* Runs one turn, which fires the timers that are due and then resumes each ready task once. */
void co_scheduler_turn(struct co_scheduler *scheduler);

/* Returns when the next turn is due. 0 is at once, INT64_MAX not before an event from outside. */
int64_t co_scheduler_next(const struct co_scheduler *scheduler);

/* Runs turns, and waits by the driver in between, until no task is left. */
void co_scheduler_run(struct co_scheduler *scheduler);

/* Asks every task of [scheduler] to cancel. */
void co_scheduler_cancel_all(struct co_scheduler *scheduler);

/* For a driver that has cancelled all tasks and finds that nothing can wake those that are left. If
 * some wait for each other in a ring, one co_join or co_gather of it is ended with -EDEADLK: 1.
 * Else nothing happens: 0. */
int co_scheduler_break_ring(struct co_scheduler *scheduler);

/* ---- Machinery ------------------------------------------------------------------------------- */

struct co_within {
    co_frame;
    co_op op;                       /* private */
    intptr_t result;                /* private */
    int64_t ns;                     /* private: how long it lasts */
    intptr_t error;                 /* private: what -ECANCELED becomes at its edge */
    struct co_task *task;           /* private */
    struct co_timer timer;          /* private */
    uint8_t request;                /* private: enum co_request_ */
    uint8_t met;                    /* private: its request was delivered inside */
    uint8_t overruled;              /* private: one of an outer scope was: stay -ECANCELED */
};

enum co_task_step_ { CO_TASK_READY_, CO_TASK_RUNNING_, CO_TASK_WAITING_, CO_TASK_ENDED_ };
enum {                                  /* co_task.flags */
    CO_TASK_GO_ = 1, CO_TASK_OWN_ = 2, CO_TASK_MEMBER_ = 4, CO_TASK_ASKED_ = 8,
    CO_TASK_PAUSED_ = 16, CO_TASK_DUE_ = 32, CO_TASK_LENT_ = 64, CO_TASK_UNSEEN_ = 128
};
#define CO_MARK_ 0x80000000U            /* in co_task.in.many.left */
enum co_walking_ { CO_NO_WALK_, CO_WALKS_, CO_SEEKS_ };
enum co_request_ { CO_NONE_, CO_ASKED_, CO_BACK_, CO_LENT_, CO_LENT_AGAIN_ };

#ifdef CO_TINY
#define CO_NAME_(text) NULL
#else
#define CO_NAME_(text) text
#endif

/* The structs above differ with CO_DEBUG, so a program that has it does not link with a library that
 * has not, nor the other way round. */
#if defined CO_DEBUG && !defined CO_TINY
#define co_task_alloc_ co_task_alloc_with_CO_DEBUG_
#define co_task_init_ co_task_init_with_CO_DEBUG_
#endif

struct co_task *co_task_alloc_(size_t frame_size);
CO_MUST_USE_ struct co_task *co_task_start_(struct co_task *task, int flags);
void co_task_join_(struct co_task *task, int flags, struct co_members_ *members);
void co_task_deliver_(struct co_task *task);    /* it waits: delivers a pending request */
void co_task_unwaited_(struct co_task *waiters, const char *call);  /* stops if there are any */
void co_task_point_(struct co_task *task);      /* calls the hook */
void co_task_expire_(struct co_task *task);     /* ends its innermost deadline, if it has one */
void co_task_check_(struct co_task *task);      /* stops if the library is at fault; CO_DEBUG */
#ifndef CO_TINY
/* The op of a call that was given what it must not be: it stops the program where it is awaited, by
 * the words [call] and [what]. */
CO_OP co_op_misused_(const char *call, const char *what);
#endif
struct co_task *co_task_quick_(void);   /* the running task, if its op may complete at once */
void co_task_init_(struct co_task *task, struct co_head *root);
struct co_head *co_task_frame_(struct co_task *task, co_body *body, const char *name);
CO_OP co_sleep_ns_(int64_t ns);
CO_OP co_sleep_until_ns_(int64_t ns);

/* Returns the running task if no request is pending, else NULL. */
static inline struct co_task *co_task_unasked_(const struct co_scheduler *s)
{
    struct co_task *task = s ? s->current : NULL;

    return task && task->step == CO_TASK_RUNNING_ && !(task->flags & CO_TASK_DUE_) ? task : NULL;
}

/* The offset of the frame in a task's allocation. */
enum { CO_TASK_HEAD_ = (sizeof(struct co_task) + 15) / 16 * 16 };
static inline void *co_task_room_(struct co_task *task) { return (char *)task + CO_TASK_HEAD_; }

/* Makes a task whose frame is a copy of [frame]. */
static inline struct co_task *co_task_copy_(size_t size, const void *frame, int flags)
{
    struct co_task *task = co_task_alloc_(size);

    for (size_t i = 0; task && i < size; i++)
        ((char *)co_task_room_(task))[i] = ((const char *)frame)[i];
    if (task)
        task->chain.top = (struct co_head *)co_task_room_(task);
    return co_task_start_(task, flags);
}

CO_MUST_USE_
static inline int co_task_went_(struct co_task *task) { return task ? 0 : -ENOMEM; }

/* Converts seconds to the nearest nanosecond within the range of an int64. A constant is folded, so
 * it needs no floating point at run time. */
static inline int64_t co_task_ns_(double seconds)
{
#if defined __SIZEOF_DOUBLE__ && __SIZEOF_DOUBLE__ < 8  /* AVR: 24 bits; whole seconds are exact */
    int64_t whole = seconds > 0 && seconds < 9e9f ? (int64_t)seconds : 0;

    if (whole > 0)
        return whole * 1000000000 + (int64_t)((seconds - (double)whole) * 1e9f + 0.5f);
#endif
    return seconds > 0 ? seconds < 9e9 ? (int64_t)(seconds * 1e9 + 0.5) : INT64_MAX / 2 : 0;
}
static inline co_op co_sleep(double seconds) { return co_sleep_ns_(co_task_ns_(seconds)); }
static inline co_op co_sleep_until(double seconds)
{
    return co_sleep_until_ns_(co_task_ns_(seconds));
}
static inline co_op co_within(struct co_within *slot, double seconds, co_op op)
{
    return co_within_ns_(slot, co_task_ns_(seconds), op);
}
static inline co_op co_wait_for(struct co_within *slot, struct co_task *task, double seconds)
{
    return co_within(slot, seconds, co_join(task));
}

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif

/* ---- Texts, as in coro.h: only macros may follow --------------------------------------------- */
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<keep the task that co_spawn(NAME, .field = ...) returns: join it, free or detach it>"
#endif
#ifdef __GNUC__
#define CO_TASK_NEW_(NAME, flags, ...) co_task_start_(__extension__({                             \
        struct co_task *co_task_new_ = co_task_alloc_(sizeof(struct NAME));                       \
        if (co_task_new_)                                                                         \
            co_task_new_->chain.top =                                                             \
                CO_MAKE_(NAME, (struct NAME *)co_task_room_(co_task_new_), __VA_ARGS__);          \
        co_task_new_; }), flags)
#else                       /* the arguments are copied from a temporary */
#define CO_TASK_NEW_(NAME, flags, ...) \
    co_task_copy_(sizeof(struct NAME), &CO_LITERAL_(NAME, __VA_ARGS__), flags)
#endif
#define co_spawn(...) \
    CO_EXPAND_(CO_TASK_NEW_, CO_FIRST_(__VA_ARGS__, ~), 0, CO_BODY_ = co_body_##__VA_ARGS__)
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_go(NAME, .field = ...) returns -ENOMEM if nothing runs: look at its result>"
#endif
#define co_go(...) co_task_went_(                                                                 \
    CO_EXPAND_(CO_TASK_NEW_, CO_FIRST_(__VA_ARGS__, ~), CO_TASK_GO_,                              \
               CO_BODY_ = co_body_##__VA_ARGS__))
#endif
