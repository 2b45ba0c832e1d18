/* SPDX-License-Identifier: BSD-2-Clause
 * task_impl.h: what the units of the task floor share (task.c, timer.c, cancel.c, group.c, sync.c,
 * isr.c). Private: no program includes it. The states of a task are told at struct co_task. */
#ifndef CO_TASK_IMPL_H
#define CO_TASK_IMPL_H

#include "task.h"

#if defined __GNUC__ && !defined __TINYC__ && !defined CO_TINY && defined __ELF__
#define CO_HIDDEN_ __attribute__((visibility("hidden")))
#else
#define CO_HIDDEN_
#endif
#if __STDC_HOSTED__ && !defined CO_TINY && !defined __TINYC__ && !defined __AVR__
#define CO_THREAD_LOCAL_ __thread
#else
#define CO_THREAD_LOCAL_
#endif
#ifdef __GNUC__
#define CO_UNREACHABLE_ __builtin_unreachable()     /* CO_STOP does not return */
#else
#define CO_UNREACHABLE_ ((void)0)
#endif

/* This thread's scheduler, or NULL. */
extern CO_HIDDEN_ CO_THREAD_LOCAL_ struct co_scheduler *co_scheduler_;

/* ---- Misuse ---------------------------------------------------------------------------------- */

/* Stops the program: [subject], [what] and [object] make one sentence, and the message begins with
 * the place where [task] stands. */
#ifdef CO_TINY
#define co_stop_(task, subject, what, object)                                                     \
    do { (void)(task), (void)(subject), (void)(object); CO_STOP(__FILE__, 0, what); } while (0)
#else
CO_HIDDEN_ CO_ATTRIBUTE_(cold, noinline)
void co_stop_(struct co_task *task, const char *subject, const char *what, const char *object);
#endif

/* Stops the program: the coroutine [holder] ended, and [left] is a task of its group. */
#ifndef CO_TINY
CO_HIDDEN_ CO_ATTRIBUTE_(cold, noinline)
void co_stop_left_(struct co_head *holder, struct co_task *left);
#endif

/* ---- CO_DEBUG: debug.c ----------------------------------------------------------------------- */

#if defined CO_DEBUG && !defined CO_TINY
#define CO_DEBUGS_(call) call
CO_HIDDEN_ void co_debug_enter_(struct co_scheduler *s);        /* a body is entered */
CO_HIDDEN_ void co_debug_suspended_(struct co_scheduler *s, struct co_task *task);
/* [call] keeps [address] until after the running body returns. */
CO_HIDDEN_ void co_debug_keeps_(const char *call, const void *address);
CO_HIDDEN_ void co_debug_init_(struct co_task *task, const struct co_head *root);
CO_HIDDEN_ void co_debug_met_(struct co_task *task);    /* a request of its own is delivered */
CO_HIDDEN_ void co_debug_freed_(struct co_task *task);  /* nobody can look at it any more */
#define co_debug_seen_(task) ((void)((task) && ((task)->debug.seen = 1)))
#else
#define CO_DEBUGS_(call) ((void)0)
#endif

CO_HIDDEN_ CO_ATTRIBUTE_(cold, noinline) void co_stop_nowhere_(const char *call);
CO_HIDDEN_ CO_ATTRIBUTE_(cold, noinline) void co_stop_op_(struct co_task *task, const char *name);

/* This thread's scheduler; without one, [call]() stops the program. */
static inline struct co_scheduler *co_scheduler_here_(const char *call)
{
    if (!co_scheduler_)
        co_stop_nowhere_(call);
    return co_scheduler_;
}

/* The running task, which is about to make the op [name]; outside a task the program stops, and so
 * it does if the op before this one was not awaited. */
static inline struct co_task *co_task_running_(const char *name)
{
    struct co_task *task = co_scheduler_ ? co_scheduler_->current : NULL;

    if (!task || task->step != CO_TASK_RUNNING_) {
        co_stop_op_(task, name);
        CO_UNREACHABLE_;
    }
    return task;
}

/* ---- Hooks of a test driver; without them each costs a load and a branch --------------------- */

#ifdef CO_TINY
#define CO_HOOKS_(s) ((void)(s), (struct co_hooks *)0)
#else
#define CO_HOOKS_(s) ((s)->hooks)
#endif
#define CO_POINT_HERE_(s, task)                                                                   \
    do { if (CO_RARELY_(CO_HOOKS_(s) != NULL)) co_task_point_(task); } while (0)

/* ---- Waits ----------------------------------------------------------------------------------- */

static inline void co_waits_(struct co_scheduler *s, struct co_task *task,
                             const struct co_wait_kind *kind, void *object)
{
    CO_DEBUGS_(co_debug_keeps_(kind->name, object));
    task->wait = kind;
    task->object = object;
    task->step = CO_TASK_WAITING_;
    CO_POINT_HERE_(s, task);
}

/* The op that [task] just made completes with [result], after all that are ready have run. */
CO_HIDDEN_ co_op co_done_later_(struct co_task *task, intptr_t result);

/* ---- Timers: timer.c ------------------------------------------------------------------------- */

/* Fires what is due by the driver's clock. */
CO_HIDDEN_ void co_timers_fire_(struct co_scheduler *s);

/* Makes the started timer, or the sleep of [task] if [timer] is NULL, fire in the next turn. */
CO_HIDDEN_ void co_timer_hurry_(struct co_timer *timer);

/* ---- Cancel: cancel.c ------------------------------------------------------------------------ */

/* Meets the outermost scope that is asked, by a -ECANCELED that [task] is about to see. 0: no scope
 * is asked, and the task is no longer marked. */
CO_HIDDEN_ int co_task_meet_(struct co_task *task);

/* The same, where mostly nothing is asked. */
static inline int co_task_take_(struct co_task *task)
{
    return CO_RARELY_(task->flags & CO_TASK_DUE_) && co_task_meet_(task);
}

/* Tasks that all had ended before the await: their [result] is delivered, and if it is -ECANCELED
 * it meets a pending request as well. */
CO_HIDDEN_ co_op co_op_ended_(struct co_task *task, intptr_t result);

/* The wait of [task] ends with [result] after requests were lent to the tasks it waited for: what
 * it returns, and which of the requests are met by that or come back. */
CO_HIDDEN_ intptr_t co_task_settle_(struct co_task *task, intptr_t result);

/* Requests that are made between these two are delivered together: no task is asked twice, once
 * directly and once by a task that waits for it. */
CO_HIDDEN_ void co_task_ask_(struct co_task *task);
CO_HIDDEN_ void co_walk_(struct co_scheduler *s);

/* Ends the co_join or co_gather of [task] with -EDEADLK: 1. It waits otherwise: 0. */
CO_HIDDEN_ int co_task_leave_(struct co_task *task);

#endif
