/* SPDX-License-Identifier: BSD-2-Clause
 * promise_ledger.h: the promise, kept as books are: one request is met exactly once, by one await
 * of the task it was made for, or its task (for a deadline, the op inside it) has ended first.
 *
 * The ledger predicts nothing. It is told what the library did: which requests were made, which
 * await began and what it gave, which task ended with what. From that it enters each request, and
 * strikes it out when an await meets it. What must not happen:
 *   an await that a request waits for gives something else (nobody met it);
 *   an await gives -ECANCELED and no request is open (one was met twice, or never made);
 *   a wait for tasks lets one request pass for the second time;
 *   the edge of a deadline gives a name that its request does not justify.
 * It shares nothing with the model but the answers to what the rules leave open. */
#ifndef PROMISE_LEDGER_H
#define PROMISE_LEDGER_H

#include "promise_rules.h"

struct l_scope {
    bool open;                          /* a request was made, and is not met */
    bool before;                        /* it was open before the await in progress began */
    bool passed_on;                     /* the tasks that are waited for were asked instead */
    bool met, overruled;                /* a deadline */
    int passes;                         /* how many waits for tasks have let it pass */
    long asked_at;
    int64_t due;                        /* a deadline: INT64_MAX once it has struck */
};

struct l_task {
    int parent;
    bool collects;                      /* its group does */
    bool grouped, ended;
    long ended_at;
    intptr_t result, returned;          /* of the task; of the call that ended last */
    struct { int count; bool cancelled, failed; } group;
    struct l_scope scopes[MAX_SCOPES];
    int scope_count;
    int kind;                           /* of the await in progress; CALL: of none */
    bool ended_before, some_before;     /* all, or some, that it waits for had ended before it */
    int on[MAX_TASKS], on_count;
};

static struct ledger {
    struct l_task tasks[MAX_INSTANCES];
    int count;
    int64_t now;
    bool timers_are_due;
    long order;
    long made, met, ended_first;        /* of this program */
    long merged, all_made, all_met;     /* of all */
    const char *broken;                 /* the first breach, and whose await it was */
    int who;
} ledger;

static void ledger_break(int who, const char *how)
{
    if (!ledger.broken) {
        ledger.broken = how;
        ledger.who = who;
    }
}

static void ledger_begin(void)
{
    ledger.count = 0;
    ledger.order = 0;
    ledger.made = ledger.met = ledger.ended_first = 0;
    ledger.now = 0;
    ledger.timers_are_due = false;
    ledger.broken = NULL;
}

static void ledger_task(int parent, bool grouped, bool collects)
{
    struct l_task *t = &ledger.tasks[ledger.count++];

    *t = (struct l_task){ .parent = parent, .grouped = grouped, .collects = collects,
                          .scope_count = 1, .kind = CALL };
    t->scopes[0].due = INT64_MAX;
    if (grouped)
        ledger.tasks[parent].group.count++;
}

/* The task that was entered last was refused by its group. */
static void ledger_task_refused(void)
{
    ledger.tasks[ledger.tasks[--ledger.count].parent].group.count--;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static bool ledger_waits_on(const struct l_task *t)
{
    bool all = true;

    if (t->kind == GROUP)
        return t->group.count > 0;
    if (t->kind != JOIN && t->kind != GATHER)
        return false;
    for (int i = 0; i < t->on_count; i++)
        all &= ledger.tasks[t->on[i]].ended;
    return !all;
}

/* Those that [who] waits for hear of its request. */
static int ledger_pass_on(int who, int *queue, int count)
{
    struct l_task *t = &ledger.tasks[who];

    if (t->kind == GROUP) {
        t->group.cancelled = true;
        for (int i = 0; i < ledger.count; i++)
            if (ledger.tasks[i].grouped && ledger.tasks[i].parent == who)
                queue[count++] = i;
    }
    for (int i = 0; i < t->on_count && t->kind != GROUP; i++)
        queue[count++] = t->on[i];
    return count;
}

/* Enters a request. True: those that the task waits for must hear of it. */
static bool ledger_enter(struct l_task *t, int scope)
{
    struct l_scope *s = &t->scopes[scope];

    if (t->ended)
        return false;
    if (s->open) {
        ledger.merged++;
        return s->passed_on && ledger_waits_on(t);
    }
    ledger.made++;
    s->open = true;
    s->before = false;
    s->passes = 0;
    s->asked_at = ++ledger.order;
    s->passed_on = ledger_waits_on(t);
    return s->passed_on;
}

static void ledger_walk(int *queue, int count)
{
    bool heard[MAX_INSTANCES] = { false };

    for (int i = 0; i < count; i++) {
        if (heard[queue[i]])
            continue;
        heard[queue[i]] = true;
        if (ledger_enter(&ledger.tasks[queue[i]], 0))
            count = ledger_pass_on(queue[i], queue, count);
    }
}

static void ledger_ask(int who, int scope)
{
    static int queue[WALK_ROOM];

    if (ledger_enter(&ledger.tasks[who], scope))
        ledger_walk(queue, ledger_pass_on(who, queue, 0));
}

static void ledger_ask_group(int owner, int not_this)
{
    static int queue[WALK_ROOM];
    int count = 0;

    ledger.tasks[owner].group.cancelled = true;
    for (int i = 0; i < ledger.count; i++)
        if (ledger.tasks[i].grouped && ledger.tasks[i].parent == owner && i != not_this)
            queue[count++] = i;
    ledger_walk(queue, count);
}

/* Deadlines strike whose time is before [until]. */
static void ledger_strike(int64_t until)
{
    for (;;) {
        int64_t first = until;
        int who = -1, scope = 0;

        for (int i = 0; i < ledger.count; i++) {
            for (int k = 1; k < ledger.tasks[i].scope_count; k++) {
                if (!ledger.tasks[i].ended && ledger.tasks[i].scopes[k].due < first) {
                    first = ledger.tasks[i].scopes[k].due;
                    who = i;
                    scope = k;
                }
            }
        }
        if (who < 0)
            return;
        ledger.tasks[who].scopes[scope].due = INT64_MAX;
        ledger_ask(who, scope);
    }
}

static void ledger_turn(int64_t now)
{
    ledger.now = now;
    ledger.timers_are_due = true;
}

/* The first task of a turn runs: all timers have fired. */
static void ledger_runs(void)
{
    if (ledger.timers_are_due)
        ledger_strike(ledger.now + 1);
    ledger.timers_are_due = false;
}

/* ---- Awaits ---------------------------------------------------------------------------------- */

static void ledger_meet(struct l_task *t, int scope)
{
    struct l_scope *s = &t->scopes[scope];

    s->open = s->passed_on = false;
    s->met = true;
    for (int i = scope + 1; i < t->scope_count; i++)
        t->scopes[i].overruled = true;
}

/* The outermost that is open, [before] the await began or at all; or -1. */
static int ledger_outermost(const struct l_task *t, bool before)
{
    for (int i = 0; i < t->scope_count; i++)
        if (t->scopes[i].open && (t->scopes[i].before || !before))
            return i;
    return -1;
}

static int ledger_earliest(const struct l_task *t, long until)
{
    int first = -1;

    for (int i = 0; i < t->scope_count; i++)
        if (t->scopes[i].open && t->scopes[i].asked_at < until
            && (first < 0 || t->scopes[i].asked_at < t->scopes[first].asked_at))
            first = i;
    return first;
}

/* An await of the task's own, or one that leaves the tasks alone, gave [r]. NULL, or a breach. */
static const char *ledger_settle_own(struct l_task *t, intptr_t r)
{
    const struct l_task *target = &ledger.tasks[t->on[0]];
    int scope = ledger_outermost(t, t->kind != PAUSE || m.choices.pause_is_met_at_once);
    bool end_first = t->kind == SHIELD ? m.choices.shield_sees_end_first
                                       : m.choices.any_sees_end_first;

    if (t->on_count > 0 && t->some_before && end_first && (r != -ECANCELED || t->kind == SHIELD))
        return NULL;
    if (scope >= 0 && r != -ECANCELED)
        return "an await gives something else, though a request waits for it";
    if (scope < 0 && r == -ECANCELED) {
        scope = ledger_earliest(t, t->kind == SHIELD && target->ended && target->result == r
                                       ? target->ended_at : INT64_MAX);
        if (scope < 0 && !(t->kind == SHIELD && target->ended && target->result == r))
            return "an await gives -ECANCELED, and nobody asked";
    }
    if (scope >= 0)
        ledger_meet(t, scope);
    return NULL;
}

/* Whether the tasks themselves account for the -ECANCELED of a wait. */
static bool ledger_has_cancelled(const struct l_task *t)
{
    for (int i = 0; i < t->on_count; i++)
        if (ledger.tasks[t->on[i]].result == -ECANCELED)
            return true;
    return false;
}

static const char *ledger_settle_tasks(struct l_task *t, intptr_t r)
{
    bool passed_on = false;
    int scope = ledger_outermost(t, true);

    if (t->ended_before) {
        if (r == -ECANCELED && scope >= 0)
            ledger_meet(t, scope);
        else if (r == -ECANCELED && (t->kind == GROUP || !ledger_has_cancelled(t)))
            return "a wait for tasks that had ended gives -ECANCELED, and nobody asked";
        return NULL;
    }
    for (int i = 0; i < t->scope_count; i++) {
        struct l_scope *s = &t->scopes[i];

        if (!s->passed_on)
            continue;
        passed_on = true;
        if (r == -ECANCELED)
            ledger_meet(t, i);
        else if (++s->passes > 1)
            return "a request passes a wait for tasks for the second time";
        s->passed_on = false;
    }
    if (r == -ECANCELED && !passed_on && (t->kind == GROUP || !ledger_has_cancelled(t)))
        return "a wait for tasks gives -ECANCELED, and nobody asked";
    return NULL;
}

/* The edges of [n] deadlines turn [r] into what they return. */
static intptr_t ledger_edges(struct l_task *t, int n, intptr_t r)
{
    while (n-- > 0) {
        struct l_scope s = t->scopes[--t->scope_count];
        bool named = r == -ECANCELED && s.met && !s.overruled;

        if ((named || (r == -ECANCELED && s.met && m.choices.overruled_edge_meets))
            && t->scopes[0].open) {
            ledger_meet(t, 0);
            named = false;
        }
        if (named)
            r = -ETIMEDOUT;
    }
    return r;
}

static int ledger_deadlines(const struct program *p, int statement)
{
    int n = 0;

    for (; p->ops[statement].kind == WITHIN; statement = p->ops[statement].inside)
        n++;
    return n;
}

/* A statement of [who] begins; it is about the [n] tasks of [on]. */
static void ledger_await(int who, const struct program *p, int statement, const int *on, int n)
{
    struct l_task *t = &ledger.tasks[who];
    const struct op *op = &p->ops[statement];
    int first = t->scope_count;
    bool waits;

    t->on_count = n;
    t->ended_before = true;
    t->some_before = false;
    for (int i = 0; i < n; i++) {
        t->on[i] = on[i];
        t->ended_before &= ledger.tasks[on[i]].ended;
        t->some_before |= ledger.tasks[on[i]].ended;
    }
    for (int i = 0; i < first; i++)
        t->scopes[i].before = t->scopes[i].open;
    for (; op->kind == WITHIN && t->scope_count < MAX_SCOPES; op = &p->ops[op->inside])
        t->scopes[t->scope_count++] = (struct l_scope){ .due = ledger.now + time_of(op, who) };
    t->kind = op->kind;
    if (op->kind == GROUP)
        t->ended_before = t->group.count == 0;
    if ((op->kind == JOIN || op->kind == GATHER || op->kind == GROUP) && !t->ended_before) {
        bool any = false;
        static int queue[WALK_ROOM];

        for (int i = 0; i < first; i++) {
            t->scopes[i].passed_on = t->scopes[i].open;
            any |= t->scopes[i].open;
        }
        if (any)
            ledger_walk(queue, ledger_pass_on(who, queue, 0));
    }
    waits = op->kind == CALL || op->kind == PAUSE ? m.choices.zero_call_waits
                                                  : m.choices.zero_waits_a_turn;
    for (int i = first; i < t->scope_count && !waits; i++) {
        if (t->scopes[i].due == ledger.now) {
            t->scopes[i].due = INT64_MAX;
            ledger_ask(who, i);
        }
    }
    if (op->kind == CALL)
        t->on_count = 0;
}

/* What is no longer open was met, or the op inside its deadline has ended first. */
static void ledger_count(const struct l_task *before, const struct l_task *after)
{
    for (int i = 0; i < before->scope_count; i++) {
        if (!before->scopes[i].open || (i < after->scope_count && after->scopes[i].open))
            continue;
        if (i < after->scope_count || before->scopes[i].met)
            ledger.met++;
        else
            ledger.ended_first++;
    }
}

/* The statement gave [r]. Where the name hides what was inside, both are tried. */
static void ledger_gave(int who, const struct program *p, int statement, intptr_t r)
{
    struct l_task *t = &ledger.tasks[who];
    int n = ledger_deadlines(p, statement), base = statement;
    const char *breach = NULL;

    while (p->ops[base].kind == WITHIN)
        base = p->ops[base].inside;
    t->kind = p->ops[base].kind;
    for (int i = 0; i < 2; i++) {
        struct l_task after = *t;
        intptr_t inside = t->kind == CALL ? t->returned : i == 0 && r == -ETIMEDOUT ? -ECANCELED
                                                                                    : r;

        breach = t->kind == CALL ? NULL : t->kind < JOIN ? ledger_settle_own(&after, inside)
                                                         : ledger_settle_tasks(&after, inside);
        if (!breach && ledger_edges(&after, n, inside) != r)
            breach = "the edge of a deadline gives the wrong name";
        if (!breach) {
            ledger_count(t, &after);
            *t = after;
            break;
        }
    }
    if (breach) {
        ledger_break(who, breach);
        t->scope_count -= n;
    }
    if (t->kind == GROUP)
        t->group.cancelled = t->group.failed = false;
    t->kind = CALL;
}

static void ledger_returned(int who, intptr_t result) { ledger.tasks[who].returned = result; }

/* All tasks have ended: each request was met, or its task or op has ended first. */
static void ledger_close(void)
{
    if (ledger.made != ledger.met + ledger.ended_first)
        ledger_break(0, "the books do not balance");
    ledger.all_made += ledger.made;
    ledger.all_met += ledger.met;
}

static void ledger_ended(int who, intptr_t result)
{
    struct l_task *t = &ledger.tasks[who], *owner = &ledger.tasks[t->grouped ? t->parent : who];

    t->ended = true;
    t->ended_at = ++ledger.order;
    t->result = result;
    ledger.ended_first += t->scopes[0].open;
    if (!t->grouped)
        return;
    owner->group.count--;
    if (result >= 0 || result == -ECANCELED || owner->group.failed)
        return;
    owner->group.failed = true;
    if (!owner->collects && !owner->group.cancelled)
        ledger_ask_group(t->parent, who);
}

#endif
