/* SPDX-License-Identifier: BSD-2-Clause
 * promise_rules.h: the rules for cancels and deadlines, as a program that is meant to be read: a
 * scope is an element of an array, a walk is a queue, who waits for whom is found by looking at
 * everybody. It was written from the rules, not from the library; promise_model.h runs programs by
 * them.
 *
 * A request belongs to a scope: the task itself, or a deadline that it stands in.
 * R1 The outermost scope that is asked is met first; meeting it overrules the deadlines inside it,
 *    for good. A wait for tasks is lent every scope that is asked; its -ECANCELED meets them all.
 * R2 A deadline's edge turns -ECANCELED into -ETIMEDOUT if the deadline was met and is not
 *    overruled. If the task itself is asked there, this -ECANCELED meets that request and stays.
 * R3 A request to a scope that is asked, or was met and has not run since, is merged. One to a
 *    scope that is lent is passed on once more; one -ECANCELED meets both.
 * R4 A request reaches each task that is waited for at most once, in one walk.
 * R5 A request made before an op counts for the op and for every deadline around it.
 * R6 A wait that passed a request on gives, if it is a join, the task's result; if it is a gather
 *    or a group, -ECANCELED unless a member failed with another error: then the first in time.
 *    Anything but -ECANCELED gives the request back, once: the next wait that it is lent to gives
 *    -ECANCELED. Tasks that had all ended give their result; -ECANCELED meets the outermost
 *    request. */
#ifndef PROMISE_RULES_H
#define PROMISE_RULES_H

#include "promise_program.h"

#ifndef ECANCELED
#error "include task.h first: it has the error numbers"
#endif

enum { MAX_INSTANCES = 40, MAX_RECORDS = 400, MAX_SCOPES = 20, MAX_FRAMES = 32 };

/* What a task did: it began, an await gave something, a plain call gave something, it ended. */
enum what { BEGAN, AWAITED, CALLED, ENDED };
struct record {
    enum what what;
    int who, op;
    intptr_t result, item;              /* item: what a queue_get got */
    intptr_t also;                      /* the model: another result that is right as well */
    const char *rule;                   /* the model: why */
};

/* What the rules leave open: each is asked of the library once, and must then hold everywhere. */
struct choices {
    bool zero_waits_a_turn;     /* within 0 over a wait: what comes in this turn is still taken */
    bool zero_call_waits;       /* within 0 over a call: its first await is not yet cancelled */
    bool pause_is_met_at_once;  /* a request that finds a pause: met then, not when the task runs */
    bool shield_sees_end_first; /* what is asked shields an ended task: its result, not a cancel */
    bool any_sees_end_first;    /* the same for wait_any and wait_tasks */
    bool set_hears_end_first;   /* a member failed: its group is cancelled before joiners wake */
    bool shield_is_met_later;   /* what is asked shields a task: it is cancelled in the next turn */
    bool any_is_met_later;      /* the same for wait_any and wait_tasks */
    bool group_cancels_once;    /* co_group_cancel() of a group that is cancelled does nothing */
    bool overruled_edge_meets;  /* the task is asked at an overruled edge: met there */
};

/* One rule broken on purpose: the library must be seen to disagree. */
enum lie {
    NO_LIE, R1_INNERMOST_FIRST, R1_NEVER_OVERRULES, R1_LENDS_ONE, R1_MEETS_ONE, R2_NO_NAME,
    R2_NAME_ALWAYS, R2_OWN_REQUEST_STAYS, R3_NOTHING_MERGES_UNSEEN, R3_LENT_IS_MERGED,
    R4_WALKS_ONE_STEP, R5_LATER_DEADLINE_NAMES, R6_JOIN_IS_CANCELLED, R6_GATHER_LOSES,
    R6_GROUP_SWALLOWS, R6_IGNORES_FAILURE, R6_COMES_BACK_TWICE, R6_NEVER_COMES_BACK,
    R6_ENDED_MEETS_NOBODY, LIES
};

enum m_state { M_READY, M_RUNNING, M_WAITING, M_ENDED };
enum m_scope_state { NONE, ASKED, LENT, BACK, UNSEEN };

struct m_scope {
    enum m_scope_state state;
    bool second;                        /* it is lent for the second time */
    bool met, overruled;                /* a deadline */
    bool early;                         /* the task was asked before this deadline began */
    int back_from;                      /* the kind of wait that gave it back */
    int64_t when;                       /* a deadline: INT64_MAX once it has struck */
};

/* Where a task stands: in a sequence of ops, or in a deadline around what is above it. */
struct m_frame { bool is_edge; int head, at, times; };

struct m_task {
    int of, parent;                     /* which task of the program; whose child */
    bool grouped, began, paused, pause_met, in_batch;
    enum m_state state;
    long ready_since, ticket;
    intptr_t result, also, item;        /* of its await; in the end its own */
    const char *rule;
    int op;                             /* what it waits for */
    int64_t wake_at;                    /* a sleep */
    int on[MAX_TASKS], on_count;        /* of tasks */
    intptr_t first, other;              /* the first failure; that is no -ECANCELED */
    struct { int count, waiter; bool cancelled; intptr_t failure; } group;
    struct m_scope scopes[MAX_SCOPES];  /* [0] the task, then its deadlines, outermost first */
    int scope_count;
    struct m_frame frames[MAX_FRAMES];
    int depth, phase;
    bool returning;                     /* [result] goes to the frame on top */
    intptr_t left_with;
    int at_once;                        /* ops that completed without a wait */
};

struct m_queue { intptr_t item; bool is_full; };

static struct model {
    const struct program *p;
    int64_t now;
    struct m_task tasks[MAX_INSTANCES];
    int count, latest[MAX_TASKS];
    bool event_is_set[OBJECTS];
    struct m_queue queue[OBJECTS];
    int owner[OBJECTS];                 /* of a lock; -1 */
    int64_t outside_at[MAX_OUTSIDE];    /* those that come by a timer */
    long event, tickets;                /* what happens, numbered */
    long merged, met, came_back;        /* for the figures */
    bool given_up;                      /* the rules leave open what happens */
    struct record records[MAX_RECORDS];
    int record_count;
    struct choices choices;
    enum lie lie;
} m;

static void m_record(enum what what, struct m_task *t, int op, intptr_t result, const char *rule)
{
    if (m.record_count == MAX_RECORDS)
        m.given_up = true;
    else
        m.records[m.record_count++] = (struct record){
            what, (int)(t - m.tasks), op, result, 0, result, rule
        };
}

/* ---- Requests -------------------------------------------------------------------------------- */

static bool m_is_pending(const struct m_scope *s) { return s->state == ASKED || s->state == BACK; }

/* R1: the outermost scope of [t] that is asked, or -1. */
static int m_asked(const struct m_task *t)
{
    int found = -1;

    for (int i = 0; i < t->scope_count; i++)
        if (m_is_pending(&t->scopes[i]) && (found < 0 || m.lie == R1_INNERMOST_FIRST))
            found = i;
    return found;
}

static void m_overrule_inside(struct m_task *t, int scope)
{
    for (int i = scope + 1; i < t->scope_count && m.lie != R1_NEVER_OVERRULES; i++)
        if (!(m.lie == R5_LATER_DEADLINE_NAMES && t->scopes[i].early))
            t->scopes[i].overruled = true;
}

/* R1: one -ECANCELED of [t] meets this scope. */
static void m_meet(struct m_task *t, int scope)
{
    struct m_scope *s = &t->scopes[scope];

    s->state = scope == 0 && t->state != M_RUNNING && m.lie != R3_NOTHING_MERGES_UNSEEN ? UNSEEN
                                                                                        : NONE;
    s->second = false;
    s->met = true;
    m.met++;
    m_overrule_inside(t, scope);
}

/* Why an await gives -ECANCELED: for a request that waited for it. */
static const char *m_why(const struct m_task *t, int scope)
{
    if (t->scopes[scope].state != BACK)
        return "R1: the next await meets the request";
    return t->scopes[scope].back_from == JOIN ? "R6: a join gave the request back, for this await"
           : t->scopes[scope].back_from == GATHER
           ? "R6: a gather gave the request back, for this await"
           : "R6: a group gave the request back, for this await";
}

static void m_wake(struct m_task *t, intptr_t result, const char *rule)
{
    t->state = M_READY;
    t->ready_since = m.event;
    t->result = t->also = result;
    t->rule = rule;
    t->wake_at = INT64_MAX;
}

static bool m_passes_on(int kind) { return kind == JOIN || kind == GATHER || kind == GROUP; }

/* One request to one scope. True: it must be passed on to the tasks that [t] waits for. */
static bool m_ask_scope(struct m_task *t, int scope)
{
    struct m_scope *s = &t->scopes[scope];

    if (t->state == M_ENDED)
        return false;
    if (s->state == LENT)                                                       /* R3 */
        return m.lie != R3_LENT_IS_MERGED;
    if (s->state != NONE)
        return m.merged++, false;
    s->state = ASKED;
    if (t->paused && m.choices.pause_is_met_at_once && !t->pause_met) {
        t->pause_met = true;
        m_meet(t, scope);
    }
    if (t->state != M_WAITING)
        return false;
    if (m_passes_on(m.p->ops[t->op].kind)) {
        s->state = LENT;
        return true;
    }
    m_meet(t, scope);
    m_wake(t, -ECANCELED, "R1: the wait in progress meets the request");
    return false;
}

/* Puts the tasks that [t] waits for into the queue of a walk. */
static int m_pass_on(struct m_task *t, int *queue, int count)
{
    if (m.p->ops[t->op].kind == GROUP) {
        t->group.cancelled = true;
        for (int i = 0; i < m.count; i++)
            if (m.tasks[i].grouped && m.tasks[i].parent == (int)(t - m.tasks)
                && m.tasks[i].state != M_ENDED)
                queue[count++] = i;
        return count;
    }
    for (int i = 0; i < t->on_count; i++)
        if (m.tasks[t->on[i]].state != M_ENDED)
            queue[count++] = t->on[i];
    return count;
}

/* R4: asks the tasks in [queue], and those that they wait for, each once. */
static void m_walk(int *queue, int count)
{
    bool asked[MAX_INSTANCES] = { false };

    for (int i = 0; i < count; i++) {
        if (asked[queue[i]])
            continue;
        asked[queue[i]] = true;
        if (m_ask_scope(&m.tasks[queue[i]], 0) && m.lie != R4_WALKS_ONE_STEP
            && count < MAX_INSTANCES * (MAX_INSTANCES - 1))
            count = m_pass_on(&m.tasks[queue[i]], queue, count);
    }
}

enum { WALK_ROOM = MAX_INSTANCES * MAX_INSTANCES };

static void m_ask(struct m_task *t, int scope)
{
    static int queue[WALK_ROOM];

    m.event++;
    if (m_ask_scope(t, scope))
        m_walk(queue, m_pass_on(t, queue, 0));
}

/* Asks all members of the group of [owner] but [not_this]. */
static void m_ask_group(struct m_task *owner, const struct m_task *not_this)
{
    static int queue[WALK_ROOM];
    int count = 0;

    owner->group.cancelled = true;
    for (int i = 0; i < m.count; i++)
        if (m.tasks[i].grouped && &m.tasks[owner - m.tasks] == &m.tasks[m.tasks[i].parent]
            && &m.tasks[i] != not_this && m.tasks[i].state != M_ENDED)
            queue[count++] = i;
    m_walk(queue, count);
}

/* ---- Waits for tasks ------------------------------------------------------------------------- */

/* R1: a wait for tasks begins: it is lent all that is asked. Whether anything was. */
static bool m_lend(struct m_task *t)
{
    bool any = false;

    for (int i = 0; i < t->scope_count; i++) {
        struct m_scope *s = &t->scopes[i];

        if (!m_is_pending(s) || (any && m.lie == R1_LENDS_ONE))
            continue;
        s->second = s->state == BACK && m.lie != R6_COMES_BACK_TWICE;
        s->state = LENT;
        any = true;
    }
    return any;
}

/* R6: the tasks have ended: [plain] is the result if nothing was lent. */
static void m_end_wait(struct m_task *t, intptr_t plain, intptr_t when_lent)
{
    bool any = false, second = false, first = true;
    intptr_t result;

    for (int i = 0; i < t->scope_count; i++) {
        any |= t->scopes[i].state == LENT;
        second |= t->scopes[i].state == LENT && t->scopes[i].second;
    }
    result = !any ? plain : second ? -ECANCELED : when_lent;
    for (int i = 0; i < t->scope_count; i++) {
        if (t->scopes[i].state != LENT)
            continue;
        t->scopes[i].second = false;
        if (result == -ECANCELED && (first || m.lie != R1_MEETS_ONE))
            m_meet(t, i);
        else if (m.lie == R6_NEVER_COMES_BACK
                 || (m.lie == R6_GROUP_SWALLOWS && m.p->ops[t->op].kind == GROUP))
            t->scopes[i].state = NONE;
        else
            t->scopes[i].state = BACK, t->scopes[i].back_from = m.p->ops[t->op].kind, m.came_back++;
        first = false;
    }
    m_wake(t, result, !any ? "the result of the tasks: nothing was asked"
           : second ? "R6: lent for the second time, the wait gives -ECANCELED"
           : "R6: what a wait gives that passed a request on");
}

/* As in asyncio, one that was cancelled has not failed. */
static bool m_has_failed(const struct m_task *t)
{
    return t->state == M_ENDED && t->result < 0 && t->result != -ECANCELED;
}

static void m_note_failure(struct m_task *t, intptr_t result)
{
    if (result < 0 && t->first == 0)
        t->first = result;
    if (result < 0 && result != -ECANCELED && t->other == 0)
        t->other = result;
}

static int m_ended_of(const struct m_task *t)
{
    int n = 0;

    for (int i = 0; i < t->on_count; i++)
        n += m.tasks[t->on[i]].state == M_ENDED;
    return n;
}

/* Whether wait_any or wait_tasks is over. */
static bool m_is_satisfied(const struct m_task *t, const struct op *op)
{
    int n = m_ended_of(t);

    if (op->kind == ANY || op->policy == 0)
        return n > 0;
    for (int i = 0; i < t->on_count && op->policy == 1; i++)
        if (m_has_failed(&m.tasks[t->on[i]]))
            return true;
    return n == t->on_count;
}

static intptr_t m_gathered(const struct m_task *t, bool lent)
{
    if (!lent)
        return t->first;
    if (m.lie == R6_GATHER_LOSES)
        return t->first == -ECANCELED ? t->first : t->other;
    return t->other && m.lie != R6_IGNORES_FAILURE ? t->other : -ECANCELED;
}

/* [w] waits for tasks, one of which, [t], has just ended. */
static void m_hear_end(struct m_task *w, struct m_task *t)
{
    const struct op *op = &m.p->ops[w->op];
    bool mine = false;

    for (int i = 0; i < w->on_count; i++)
        mine |= w->on[i] == (int)(t - m.tasks);
    if (w->state != M_WAITING || !mine || op->kind == GROUP)
        return;
    m_note_failure(w, t->result);
    if (op->kind == JOIN) {
        m_end_wait(w, t->result, m.lie == R6_JOIN_IS_CANCELLED ? -ECANCELED : t->result);
    } else if (op->kind == SHIELD) {
        m_wake(w, t->result, "the result of the task");
    } else if (op->kind == GATHER && m_ended_of(w) == w->on_count) {
        m_end_wait(w, m_gathered(w, false), m_gathered(w, true));
    } else if (op->kind == ANY) {
        for (int i = 0; i < w->on_count; i++)
            if (w->on[i] == (int)(t - m.tasks))
                m_wake(w, i, "the first that ended");
    } else if (op->kind == TASKS && m_is_satisfied(w, op)) {
        m_wake(w, m_ended_of(w), "how many have ended");
    }
}

static void m_member_ended(struct m_task *t)
{
    struct m_task *owner = &m.tasks[t->parent];
    intptr_t failure = t->result < 0 && t->result != -ECANCELED ? t->result : 0;

    owner->group.count--;
    if (failure && !owner->group.failure) {
        owner->group.failure = failure;
        if (!m.p->task[owner->of].collect && !owner->group.cancelled)
            m_ask_group(owner, t);
    }
    if (owner->group.count > 0 || owner->state != M_WAITING || m.p->ops[owner->op].kind != GROUP)
        return;
    failure = owner->group.failure;
    m_end_wait(owner, failure, failure && m.lie != R6_IGNORES_FAILURE ? failure : -ECANCELED);
    owner->group.failure = 0;
    owner->group.cancelled = false;
}

/* ---- The edge of a deadline ------------------------------------------------------------------ */

/* R2: what a deadline makes of the result of its op. */
static intptr_t m_edge(struct m_task *t, intptr_t result)
{
    struct m_scope s = t->scopes[--t->scope_count];
    bool named = result == -ECANCELED && s.met && !s.overruled;

    if (result == -ECANCELED && m.lie == R2_NAME_ALWAYS)
        named = true;
    if ((named || (result == -ECANCELED && s.met && m.choices.overruled_edge_meets))
        && m_is_pending(&t->scopes[0])) {
        if (m.lie == R2_OWN_REQUEST_STAYS)
            return -ECANCELED;
        m_meet(t, 0);
        t->rule = "R2: the task itself is asked at the edge of a deadline";
        return -ECANCELED;
    }
    if (!named)
        return result;
    t->rule = "R2: the deadline was met and is not overruled";
    return m.lie == R2_NO_NAME ? -ECANCELED : -ETIMEDOUT;
}

#endif
