/* SPDX-License-Identifier: BSD-2-Clause
 * cancel.c: cancels and deadlines of task.h: scopes, lent requests, the walk, co_within.
 *
 * The promise: each request is met exactly once, by one await of the task it was made for, unless
 * that task, or for a deadline the op inside it, ended before. Met means that this await returns
 * -ECANCELED; at a deadline's own edge the name becomes -ETIMEDOUT.
 *
 * A request belongs to a scope: the task itself, or one of the co_within that it stands in. The
 * scopes of a task are nested, the task itself being the outermost one. Each has one small state,
 * co_task.request or co_within.request:
 *
 *     NONE        -> ASKED        by co_cancel, or when the deadline expires
 *     ASKED       -> NONE         met: one await returned -ECANCELED
 *     ASKED       -> LENT         the task waits for tasks: these were asked instead
 *     LENT        -> NONE         that await returns -ECANCELED: met
 *     LENT        -> BACK         that await returns anything else: the next await meets it
 *     BACK        -> NONE         met, as from ASKED
 *     BACK        -> LENT_AGAIN   the task waits for tasks once more: these were asked
 *     LENT_AGAIN  -> NONE         that await returns -ECANCELED whatever the tasks returned
 *
 * So a request comes back once, and nobody has to remember who met it below: the result of the
 * await decides. After a request of the task's own was met while the task waited, the flag UNSEEN
 * is set until the task runs: a request that comes meanwhile is merged with it.
 *
 * What always holds between two turns (checked under CO_DEBUG): ASKED or BACK implies that the task
 * is marked DUE, so that ops test one flag; while a task waits for tasks, none of its scopes is
 * ASKED or BACK; a scope is LENT only while its task waits; UNSEEN only until the task runs; the
 * queue of the walk is empty. */
#include "task_impl.h"

/* ---- Scopes ---------------------------------------------------------------------------------- */

static co_declare(co_within);

/* The innermost deadline among [co] and its callers, or NULL. */
static struct co_within *within_of(struct co_head *co)
{
    while (co && co->body != co_body_co_within)
        co = co->caller;
    return (struct co_within *)(void *)co;
}

/* For each deadline of the task, from the innermost one out. */
#define FOR_EACH_WITHIN(w, task) \
    for (struct co_within *(w) = within_of((task)->chain.top); w; (w) = within_of((w)->co.caller))

static int is_asked(uint8_t request)
{
    return request == CO_ASKED_ || request == CO_BACK_;
}

static int is_lent(uint8_t request)
{
    return request == CO_LENT_ || request == CO_LENT_AGAIN_;
}

/* The deadlines of [task] inside [outer], or all of them if it is NULL, stay silent at their edges
 * from now on: the -ECANCELED that passes them belongs to a scope around them. */
static void overrule(struct co_task *task, const struct co_within *outer)
{
    for (struct co_within *w = within_of(task->chain.top); w && w != outer;
         w = within_of(w->co.caller))
        w->overruled = 1;
}

/* The outermost deadline of [task] that is asked, or NULL. */
static struct co_within *outermost_asked(struct co_task *task)
{
    struct co_within *outermost = NULL;

    FOR_EACH_WITHIN(w, task)
        if (is_asked(w->request))
            outermost = w;
    return outermost;
}

/* Whether a scope of [task] is asked. The mark outlives a deadline that ended before it was met. */
static int is_due(struct co_task *task)
{
    if (!(task->flags & CO_TASK_DUE_))
        return 0;
    if (is_asked(task->request) || outermost_asked(task))
        return 1;
    task->flags &= (uint8_t)~CO_TASK_DUE_;
    return 0;
}

int co_task_meet_(struct co_task *task)
{
    struct co_within *outermost = is_due(task) ? outermost_asked(task) : NULL;

    if (is_asked(task->request)) {
        task->request = CO_NONE_;
        overrule(task, NULL);
        CO_DEBUGS_(co_debug_met_(task));
        return 1;
    }
    if (!outermost)
        return 0;
    outermost->request = CO_NONE_;
    outermost->met = 1;
    overrule(task, outermost);
    return 1;
}

co_op co_op_ended_(struct co_task *task, intptr_t result)
{
    if (result == -ECANCELED)
        (void)co_task_take_(task);
    return co_op_done(result);
}

/* ---- Lending --------------------------------------------------------------------------------- */

static void lend_scope(uint8_t *request)
{
    if (is_asked(*request))
        *request = *request == CO_BACK_ ? CO_LENT_AGAIN_ : CO_LENT_;
}

/* The tasks that [task] waits for were asked: each scope that is asked is lent to this wait. */
static void lend(struct co_task *task)
{
    lend_scope(&task->request);
    FOR_EACH_WITHIN(w, task)
        lend_scope(&w->request);
    task->flags |= CO_TASK_LENT_;
    task->flags &= (uint8_t)~CO_TASK_DUE_;
}

static int was_lent_again(struct co_task *task)
{
    FOR_EACH_WITHIN(w, task)
        if (w->request == CO_LENT_AGAIN_)
            return 1;
    return task->request == CO_LENT_AGAIN_;
}

intptr_t co_task_settle_(struct co_task *task, intptr_t result)
{
    struct co_within *outermost = NULL;
    uint8_t then;

    task->flags &= (uint8_t)~CO_TASK_LENT_;
    if (was_lent_again(task))
        result = -ECANCELED;
    then = result == -ECANCELED ? CO_NONE_ : CO_BACK_;
    if (then == CO_BACK_)
        task->flags |= CO_TASK_DUE_;
    FOR_EACH_WITHIN(w, task)
        if (is_lent(w->request)) {
            w->request = then;
            if (then == CO_NONE_)
                w->met = 1;
            outermost = w;
        }
    if (is_lent(task->request)) {
        task->request = then;
        outermost = NULL;
        if (then == CO_NONE_) {
            task->flags |= CO_TASK_UNSEEN_;
            CO_DEBUGS_(co_debug_met_(task));
        }
    } else if (!outermost) {
        return result;
    }
    if (then == CO_NONE_)
        overrule(task, outermost);
    return result;
}

/* ---- The walk: waiting tasks hear of a request ------------------------------------------------
 * Tasks that wait and were asked stand in a queue; each is visited once, and asking the tasks that
 * it waits for puts these on the queue. So a request costs as much as the number of tasks that hear
 * of it, and no C stack, however deep groups and joins are nested. */

/* co_task.asked links the queue, from the last one on to the first; NULL: not in it. */
static void walk_add(struct co_task *task)
{
    struct co_scheduler *s = co_scheduler_;

    if (task->asked)
        return;                     /* each task at most once a walk: rings end here */
    task->asked = task;
    if (s->walk_last) {
        task->asked = s->walk_last->asked;
        s->walk_last->asked = task;
    }
    s->walk_last = task;
}

void co_task_ask_(struct co_task *task)
{
    if (task->step == CO_TASK_ENDED_)
        return;
    if (co_scheduler_->walking == CO_SEEKS_) {      /* it only looks who waits for whom */
        if (task->step == CO_TASK_WAITING_ && task->flags & CO_TASK_LENT_)
            walk_add(task);
        return;
    }
    task->flags |= CO_TASK_ASKED_;
    if (is_lent(task->request)) {
        walk_add(task);      /* passed on once more; this wait meets both */
        return;
    }
    if (task->request != CO_NONE_ || task->flags & CO_TASK_UNSEEN_)
        return;                             /* merged with the one that is there */
    task->request = CO_ASKED_;
    task->flags |= CO_TASK_DUE_;
    if (task->step == CO_TASK_WAITING_)
        walk_add(task);
}

/* [task] meets its request while it waits. It cannot see that before it runs. */
static void meet_waiting(struct co_task *task)
{
    int own = is_asked(task->request);

    (void)co_task_meet_(task);
    if (own)
        task->flags |= CO_TASK_UNSEEN_;
}

static void walk_visit(struct co_task *task)
{
    if (task->step != CO_TASK_WAITING_)
        return;                     /* its wait ended meanwhile; the next await meets the request */
    switch (task->wait->take_back(task)) {
    case CO_TAKEN:
        meet_waiting(task);
        co_wake(task, -ECANCELED);
        break;
    case CO_MET:
        meet_waiting(task);
        break;
    case CO_PASSED:
        lend(task);
        break;
    case CO_LATER:
        break;
    }
}

/* Empties the queue. In a ring of tasks that wait for each other, one that was visited may have
 * been asked again: this counts as passed on, for the request has been to all of them. */
static void walk_end(struct co_scheduler *s)
{
    struct co_task *last = s->walk_last, *task = last, *next;

    do {
        next = task->asked;
        task->asked = NULL;
        if (task->step == CO_TASK_WAITING_ && task->flags & CO_TASK_LENT_)
            lend(task);
        task = next;
    } while (task != last);
    s->walk_last = NULL;
    s->walking = CO_NO_WALK_;
}

/* Visits all that stand in the queue, and those that come into it meanwhile. */
static void walk_on(struct co_scheduler *s, void (*visit)(struct co_task *))
{
    struct co_task *task = s->walk_last;

    do {
        task = task->asked;
        visit(task);
    } while (task != s->walk_last);
}

void co_walk_(struct co_scheduler *s)
{
    if (s->walking || !s->walk_last)
        return;                     /* a take_back asked: the walk in progress goes there */
    s->walking = CO_WALKS_;
    walk_on(s, walk_visit);
    walk_end(s);
}

int co_cancel(struct co_task *task)
{
    if (!task || task->step == CO_TASK_ENDED_)
        return 0;
    co_task_ask_(task);
    co_walk_(co_scheduler_);
    return 1;
}

void co_task_deliver_(struct co_task *task)
{
    if (!is_due(task))
        return;
    walk_add(task);
    co_walk_(co_scheduler_);
}

void co_scheduler_cancel_all(struct co_scheduler *s)
{
    struct co_scheduler *here = co_scheduler_;

    co_scheduler_ = s;
    for (struct co_task *task = NULL; (task = co_task_next(task)) != NULL; )
        co_task_ask_(task);
    co_walk_(s);
    co_scheduler_ = here;
}

/* ---- Rings -----------------------------------------------------------------------------------
 * Tasks that wait for each other in a ring are deadlocked before any cancel, and a request that
 * goes round wakes none of them. */

static void seek_visit(struct co_task *task)
{
    (void)task->wait->take_back(task);
}

/* Whether [task], which has lent its request, waits for tasks that wait for it. This goes where its
 * request went. */
static int is_in_ring(struct co_scheduler *s, struct co_task *task)
{
    int found = 0;

    s->walking = CO_SEEKS_;
    seek_visit(task);
    if (s->walk_last) {
        walk_on(s, seek_visit);
        found = task->asked != NULL;
        walk_end(s);
    }
    s->walking = CO_NO_WALK_;
    return found;
}

int co_scheduler_break_ring(struct co_scheduler *s)
{
    struct co_scheduler *here = co_scheduler_;
    struct co_task *task = NULL;
    int broken = 0;

    co_scheduler_ = s;
    while (!broken && (task = co_task_next(task)) != NULL)
        broken = task->step == CO_TASK_WAITING_ && task->flags & CO_TASK_LENT_
            && is_in_ring(s, task) && co_task_leave_(task);
    co_scheduler_ = here;
    return broken;
}

/* ---- Deadlines: co_within -------------------------------------------------------------------- */

static void within_ask(struct co_within *w, intptr_t error)
{
    w->error = error;
    w->request = CO_ASKED_;
    w->task->flags |= CO_TASK_DUE_;
    if (w->task->step == CO_TASK_WAITING_)
        co_task_deliver_(w->task);
}

static void within_expired(struct co_timer *timer)
{
    within_ask(CO_CONTAINER_(timer, struct co_within, timer), -ETIMEDOUT);
}

void co_task_expire_(struct co_task *task)
{
    struct co_within *w = within_of(task->chain.top);

    if (w && w->timer.place)
        co_timer_hurry_(&w->timer);
}

/* A deadline of no time is due in the next turn: by then the driver has looked once at what it
 * waits for, so the op returns what is ready, whatever was read before. */
static void within_enter(struct co_within *w)
{
    struct co_scheduler *s = co_scheduler_here_(CO_NAME_("co_within"));

    w->task = s->current;
    if (!w->task) {
        co_stop_(NULL, "co_within", "() was awaited outside a task", "");
        return;
    }
    w->timer.fire = within_expired;
    if (co_timer_start(&w->timer, s->driver->now(s->driver) + (w->ns > 0 ? w->ns : 0)) < 0)
        within_ask(w, -ENOMEM);
}

/* At its edge, and only here, a cancel of the deadline's own gets its name. A co_cancel that came
 * meanwhile, and that no await has met, is met by this same -ECANCELED. */
static intptr_t within_leave(struct co_within *w)
{
    struct co_task *task = w->task;

    co_timer_stop(&w->timer);
    if (w->result != -ECANCELED || !w->met)
        return w->result;
    if (w->overruled)
        return -ECANCELED;
    if (!is_asked(task->request))
        return w->error;
    (void)co_task_meet_(task);
    return -ECANCELED;
}

static co_define(co_within)
{
    co_begin;
    within_enter(self);
    co_await(self->result, self->op);
    co_return(within_leave(self));
    co_end;
}

co_op co_within_ns_(struct co_within *slot, int64_t ns, co_op op)
{
#ifndef CO_TINY
    if (!slot)
        return co_op_misused_("co_within", "() was given no slot: make one a member of the frame");
#endif
    return op.frame ? co_call(slot, co_within, .op = op, .ns = ns) : op;
}

/* ---- What always holds between two turns ----------------------------------------------------- */

#ifdef CO_DEBUG
static void check(struct co_task *task, int holds, const char *what)
{
    if (!holds)
        co_stop_(task, "a fault of this library: ", what, "");
}

/* A chain of more frames than that is left unchecked, for this is done at each turn. */
enum { CHECKED = 100 };
static int is_long(struct co_head *co)
{
    int frames = 0;

    for (; co && frames <= CHECKED; co = co->caller)
        frames++;
    return frames > CHECKED;
}

void co_task_check_(struct co_task *task)
{
    int due = is_asked(task->request), lent = is_lent(task->request);
    int waits = task->step == CO_TASK_WAITING_;

    if (is_long(task->chain.top))
        return;
    FOR_EACH_WITHIN(w, task) {
        due |= is_asked(w->request);
        lent |= is_lent(w->request);
    }
    check(task, !due || task->flags & CO_TASK_DUE_, "a scope is asked and the task not due");
    check(task, !lent == !(task->flags & CO_TASK_LENT_) || !waits, "a scope is lent unmarked");
    check(task, !lent || (waits && !due), "a scope is lent, and another asked or none waits");
    check(task, !(task->flags & CO_TASK_UNSEEN_) || task->step != CO_TASK_RUNNING_,
          "a running task has not seen its cancel");
    check(task, !task->asked && !co_scheduler_->walk_last, "the queue of a walk is not empty");
}
#endif
