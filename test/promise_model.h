/* SPDX-License-Identifier: BSD-2-Clause
 * promise_model.h: runs a program of promise_program.h by promise_rules.h, without the library:
 * what each await gives, why, and in which turn.
 *
 * The order in which the tasks of a turn run is taken from the library, and checked: first in,
 * first out, where two that one event made ready may come in any order. */
#ifndef PROMISE_MODEL_H
#define PROMISE_MODEL_H

#include "promise_rules.h"

/* ---- The end of a task ----------------------------------------------------------------------- */

static void m_unlock(int lock);

static void m_end(struct m_task *t, intptr_t result)
{
    for (int i = 0; i < OBJECTS; i++)
        if (m.owner[i] == (int)(t - m.tasks))
            m_unlock(i);
    m_record(ENDED, t, 0, result, "");
    m.event++;
    t->state = M_ENDED;
    t->result = result;
    if (t->grouped && m.choices.set_hears_end_first)
        m_member_ended(t);
    for (int i = 0; i < m.count; i++)
        m_hear_end(&m.tasks[i], t);
    if (t->grouped && !m.choices.set_hears_end_first)
        m_member_ended(t);
}

/* ---- Events, queues, locks ------------------------------------------------------------------- */

/* Who has waited longest in ops of [kind] on object [who], or NULL. */
static struct m_task *m_first_waiter(int kind, int who)
{
    struct m_task *first = NULL;

    for (int i = 0; i < m.count; i++) {
        struct m_task *t = &m.tasks[i];

        if (t->state == M_WAITING && m.p->ops[t->op].kind == kind && m.p->ops[t->op].who == who
            && (!first || t->ticket < first->ticket))
            first = t;
    }
    return first;
}

static void m_unlock(int lock)
{
    struct m_task *next = m_first_waiter(LOCK, lock);

    m.event++;
    m.owner[lock] = next ? (int)(next - m.tasks) : -1;
    if (next)
        m_wake(next, 0, "the lock is handed over");
}

static void m_set(int event)
{
    struct m_task *t;

    m.event++;
    m.event_is_set[event] = true;
    while ((t = m_first_waiter(EVENT, event)) != NULL)
        m_wake(t, 0, "the event was set");
}

static bool m_put(int queue, intptr_t item)
{
    struct m_task *getter = m_first_waiter(GET, queue);

    m.event++;
    if (getter) {
        getter->item = item;
        m_wake(getter, 0, "an item is handed over");
        return true;
    }
    if (m.queue[queue].is_full)
        return false;
    m.queue[queue] = (struct m_queue){ item, true };
    return true;
}

static bool m_get(int queue, intptr_t *item)
{
    struct m_task *putter = m_first_waiter(PUT, queue);

    m.event++;
    if (!m.queue[queue].is_full)
        return false;
    *item = m.queue[queue].item;
    m.queue[queue].is_full = false;
    if (putter) {
        m.queue[queue] = (struct m_queue){ putter->item, true };
        m_wake(putter, 0, "there is room in the queue");
    }
    return true;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

/* The pointer of a member of a group is known once it has begun. */
static bool m_is_known(int who)
{
    return who >= 0 && (m.tasks[who].began || !m.tasks[who].grouped);
}

/* A member of a group that has ended is gone. */
static bool m_is_there(int who)
{
    return m_is_known(who) && !(m.tasks[who].grouped && m.tasks[who].state == M_ENDED);
}

/* Whom the op is about: one task, or those of my own that were started. How many. */
static int m_targets(const struct m_task *t, const struct op *op, int *targets)
{
    int n = 0, me = (int)(t - m.tasks);

    for (int i = 0; i < m.p->tasks; i++) {
        int who = m.latest[i];
        bool mine = who >= 0 && m.tasks[who].parent == me && !m.tasks[who].grouped;

        if (op->kind == JOIN || op->kind == SHIELD ? op->who == i && m_is_there(who)
                                                   : (op->several & 1 << i) && mine)
            targets[n++] = who;
    }
    return n;
}

static const struct op *m_base(int op)
{
    while (m.p->ops[op].kind == WITHIN)
        op = m.p->ops[op].inside;
    return &m.p->ops[op];
}

static bool m_is_possible(const struct m_task *t, int statement)
{
    const struct op *op = m_base(statement);
    int targets[MAX_TASKS];

    if (op->kind == LOCK)
        return m.owner[op->who] != (int)(t - m.tasks);
    return op->kind < SHIELD || op->kind > GATHER || m_targets(t, op, targets) > 0;
}

/* The op completes at once: true, and the result stands in the task. */
static bool m_done(struct m_task *t, intptr_t result, const char *rule)
{
    t->result = t->also = result;
    t->rule = rule;
    t->at_once++;
    return true;
}

/* An op that a request takes back: it begins with the outermost request. */
static bool m_done_by_cancel(struct m_task *t)
{
    int scope = m_asked(t);

    const char *why;

    if (scope < 0)
        return false;
    why = m_why(t, scope);
    m_meet(t, scope);
    return m_done(t, -ECANCELED, why);
}

static bool m_begin_own(struct m_task *t, const struct op *op)
{
    t->item = (t - m.tasks) * 256 + (op - m.p->ops);
    if (op->kind == PAUSE) {
        int scope = m_asked(t);

        t->paused = true;
        t->pause_met = false;
        if (scope >= 0 && m.choices.pause_is_met_at_once) {
            m_meet(t, scope);
            t->pause_met = true;
        }
        m_wake(t, 0, "it paused");
        return false;
    }
    if (m_done_by_cancel(t))
        return true;
    if (op->kind == SLEEP && op->ns == 0)
        return m_wake(t, 0, "it let the others run"), false;
    if (op->kind == EVENT && m.event_is_set[op->who])
        return m_done(t, 0, "the event is set");
    if (op->kind == GET && m_get(op->who, &t->item))
        return m_done(t, 0, "there is an item");
    if (op->kind == PUT && m_put(op->who, t->item))
        return m_done(t, 0, "there is room");
    if (op->kind == LOCK && m.owner[op->who] < 0) {
        m.owner[op->who] = (int)(t - m.tasks);
        return m_done(t, 0, "the lock is free");
    }
    t->state = M_WAITING;
    if (op->kind == SLEEP)
        t->wake_at = m.now + time_of(op, (int)(t - m.tasks));
    return false;
}

/* shield, wait_any, wait_tasks. */
static bool m_begin_alone(struct m_task *t, const struct op *op)
{
    bool over = op->kind == SHIELD ? m_ended_of(t) > 0 : m_is_satisfied(t, op);
    bool end_first = op->kind == SHIELD ? m.choices.shield_sees_end_first
                                        : m.choices.any_sees_end_first;
    bool later = op->kind == SHIELD ? m.choices.shield_is_met_later : m.choices.any_is_met_later;
    int scope = m_asked(t);

    if (!over && scope >= 0 && later) {
        const char *why = m_why(t, scope);

        t->state = M_WAITING;                       /* so that further requests are merged */
        m_meet(t, scope);
        m_wake(t, -ECANCELED, why);
        return false;
    }
    if (!(over && end_first) && m_done_by_cancel(t))
        return true;
    if (!over) {
        t->state = M_WAITING;
        return false;
    }
    if (op->kind == SHIELD)
        return m_done(t, m.tasks[t->on[0]].result, "the task had ended");
    for (int i = 0; i < t->on_count && op->kind == ANY; i++)
        if (m.tasks[t->on[i]].state == M_ENDED)
            return m_done(t, i, "the lowest that had ended");
    return m_done(t, m_ended_of(t), "how many had ended");
}

/* R6: the tasks had all ended before the await. */
static bool m_done_by_ended(struct m_task *t, intptr_t result)
{
    int scope = m_asked(t);

    if (result == -ECANCELED && scope >= 0 && m.lie != R6_ENDED_MEETS_NOBODY) {
        m_meet(t, scope);
        return m_done(t, result, "R6: tasks that had ended as cancelled meet the request");
    }
    return m_done(t, result, "R6: the result of tasks that had ended; a request stays");
}

static bool m_begin_for_tasks(struct m_task *t, const struct op *op)
{
    static int queue[WALK_ROOM];

    if (op->kind == GROUP && t->group.count == 0) {
        intptr_t failure = t->group.failure;
        t->group.failure = 0;
        t->group.cancelled = false;
        return m_done_by_ended(t, failure);
    }
    if (op->kind == JOIN && m_ended_of(t) == 1)
        return m_done_by_ended(t, m.tasks[t->on[0]].result);
    if (op->kind == GATHER && m_ended_of(t) == t->on_count)
        return m_done_by_ended(t, t->first);
    t->state = M_WAITING;
    m.event++;
    if (m_lend(t))
        m_walk(queue, m_pass_on(t, queue, 0));
    return false;
}

/* Makes the op below the deadlines of a statement. True: it is complete. */
static bool m_make(struct m_task *t, int statement)
{
    const struct op *op = m_base(statement);

    t->op = (int)(op - m.p->ops);
    t->ticket = ++m.tickets;
    t->on_count = 0;
    t->first = t->other = 0;
    t->paused = false;
    if (op->kind < SHIELD)
        return m_begin_own(t, op);
    if (op->kind != GROUP)
        t->on_count = m_targets(t, op, t->on);
    for (int i = 0; i < t->on_count; i++)
        m_note_failure(t, m.tasks[t->on[i]].state == M_ENDED ? m.tasks[t->on[i]].result : 0);
    return op->kind < JOIN ? m_begin_alone(t, op) : m_begin_for_tasks(t, op);
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

static void m_push(struct m_task *t, struct m_frame frame)
{
    if (t->depth == MAX_FRAMES)
        m.given_up = true;
    else
        t->frames[t->depth++] = frame;
}

/* The deadlines of a statement begin, the outermost first, around an op that was made before. */
static void m_begin_deadlines(struct m_task *t, int statement, bool is_call)
{
    const struct op *op = &m.p->ops[statement];
    bool waits = is_call ? m.choices.zero_call_waits : m.choices.zero_waits_a_turn;
    int first = t->scope_count;
    bool early = t->scopes[0].state != NONE;

    for (; op->kind == WITHIN; op = &m.p->ops[op->inside]) {
        if (t->scope_count == MAX_SCOPES) {
            m.given_up = true;
            return;
        }
        t->scopes[t->scope_count++] = (struct m_scope){
            .when = m.now + time_of(op, (int)(t - m.tasks)), .early = early
        };
        m_push(t, (struct m_frame){ .is_edge = true });
    }
    for (int i = first; i < t->scope_count && !waits; i++) {
        if (t->scopes[i].when == m.now) {
            t->scopes[i].when = INT64_MAX;
            m_ask(t, i);
        }
    }
}

/* ---- Tasks run ------------------------------------------------------------------------------- */

static int m_new_task(int of, int parent, bool grouped)
{
    struct m_task *t = &m.tasks[m.count];

    *t = (struct m_task){ .of = of, .parent = parent, .grouped = grouped, .state = M_READY,
                          .ready_since = ++m.event, .wake_at = INT64_MAX, .scope_count = 1 };
    t->scopes[0].when = INT64_MAX;
    m.latest[of] = m.count;
    if (grouped)
        m.tasks[parent].group.count++;
    return m.count++;
}

static void m_cancel_group_of(int who)
{
    m.event++;
    if (who >= 0 && m.tasks[who].group.count > 0
        && !(m.choices.group_cancels_once && m.tasks[who].group.cancelled))
        m_ask_group(&m.tasks[who], NULL);
}

/* co_cancel: 1, or 0 of one that has ended; -1 if there is no such task. */
static intptr_t m_cancel(int who)
{
    if (!m_is_there(who))
        return -1;
    if (m.tasks[who].state == M_ENDED)
        return 0;
    m_ask(&m.tasks[who], 0);
    return 1;
}

static intptr_t m_start(const struct m_task *t, const struct op *op)
{
    int owner = op->kind == SIBLING ? t->grouped ? t->parent : -1 : (int)(t - m.tasks);

    if (m.count == MAX_INSTANCES || owner < 0)
        return -1;
    if (op->kind != SPAWN && m.tasks[owner].group.cancelled)
        return -ECANCELED;
    m_new_task(op->who, owner, op->kind != SPAWN);
    return 0;
}

static intptr_t m_call(struct m_task *t, const struct op *op)
{
    int me = (int)(t - m.tasks);

    switch (op->kind) {
    case SPAWN: case GO: case SIBLING: return m_start(t, op);
    case CANCEL: return m_cancel(op->who == t->of ? me : m.latest[op->who]);
    case CANCEL_SELF: return m_cancel(me);
    case CANCEL_GROUP: m_cancel_group_of(me); return 0;
    case CANCEL_OWN_GROUP: m_cancel_group_of(t->grouped ? t->parent : -1); return 0;
    case SET: m_set(op->who); return 0;
    case CLEAR: m.event_is_set[op->who] = false; return 0;
    case OFFER: return m_put(op->who, me * 256 + (op - m.p->ops)) ? 0 : -1;
    default:
        if (m.owner[op->who] != me)
            return -1;
        m_unlock(op->who);
        return 0;
    }
}

/* How a reaction turns a result into a way to leave; 0: it goes on. */
static intptr_t leaves_with(const struct op *op, intptr_t result)
{
    if (result >= 0 || op->on_error == GO_ON
        || (op->on_error == LEAVE_IF_CANCELLED && result != -ECANCELED))
        return 0;
    return op->on_error == FAIL ? -3000 - op->who : result;
}

/* Body, clean-up, the end of its group. False: the task has ended. */
static bool m_next_phase(struct m_task *t)
{
    const struct task_of_program *task = &m.p->task[t->of];
    intptr_t result = task->value;
    int head = t->phase == 0 ? task->body : t->phase == 1 ? task->clean_up : END_GROUP;

    if (t->phase == 1)
        t->left_with = t->result;
    if (t->phase == 3 || (t->phase == 2 && t->group.count == 0)) {
        if (t->left_with < 0)
            result = task->on_left == GO_ON ? 0 : task->on_left == LEAVE ? t->left_with
                                                                         : -2000 - t->of;
        m_end(t, result);
        return false;
    }
    t->phase++;
    m_push(t, (struct m_frame){ .head = head, .at = head, .times = 1 });
    t->returning = false;
    return true;
}

/* The result of an await arrives at the frame on top. */
static void m_return(struct m_task *t)
{
    struct m_frame *f = &t->frames[t->depth - 1];
    intptr_t leave;

    if (f->is_edge) {
        t->result = m_edge(t, t->result);
        if (t->result < 0)
            t->also = t->result;
        t->depth--;
        return;
    }
    m_record(AWAITED, t, f->at, t->result, t->rule);
    if (m.record_count > 0) {
        m.records[m.record_count - 1].also = t->also;
        m.records[m.record_count - 1].item = m_base(f->at)->kind == GET && t->result == 0 ? t->item
                                                                                          : 0;
    }
    leave = leaves_with(&m.p->ops[f->at], t->result);
    f->at = m.p->ops[f->at].next;
    t->returning = leave < 0;
    if (leave < 0) {
        t->result = t->also = leave;
        t->rule = "a call gives what it was left with";
        t->depth--;
    }
}

/* One step of a running task. False: it suspended or ended. */
static bool m_step(struct m_task *t)
{
    struct m_frame *f;
    int statement;

    if (t->depth == 0)
        return m_next_phase(t);
    if (t->returning)
        return m_return(t), true;
    f = &t->frames[t->depth - 1];
    statement = f->at;
    if (statement < 0) {
        if (--f->times > 0) {
            f->at = f->head;
            return true;
        }
        t->result = t->also = 0;
        t->rule = "a call ended";
        t->returning = true;
        t->depth--;
        return true;
    }
    const struct op *op = &m.p->ops[statement], *base = m_base(statement);
    if (op->kind >= SPAWN) {
        m.event++;
        m_record(CALLED, t, statement, m_call(t, op), "a plain call");
        f->at = op->next;
    } else if (!m_is_possible(t, statement)) {
        f->at = op->next;
    } else if (base->kind == CALL) {
        m_begin_deadlines(t, statement, true);
        m_push(t, (struct m_frame){ .head = base->inside, .at = base->inside,
                                    .times = base->times });
    } else if (m_make(t, statement)) {
        t->returning = true;
    } else {
        t->returning = true;
        m_begin_deadlines(t, statement, base->kind == PAUSE);
        return false;
    }
    return !m.given_up && t->at_once < 100;
}

/* The task runs until it suspends: what it does stands in m.records. */
static void m_run(struct m_task *t)
{
    m.event++;
    m.record_count = 0;
    t->in_batch = false;
    t->state = M_RUNNING;
    t->at_once = 0;
    if (t->scopes[0].state == UNSEEN)
        t->scopes[0].state = NONE;
    if (!t->began) {
        t->began = true;
        m_record(BEGAN, t, 0, 0, "");
    } else if (t->paused) {
        int scope = m_asked(t);

        if (t->pause_met || (scope >= 0 && !m.choices.pause_is_met_at_once)) {
            t->rule = "R1: a pause meets the request";
            if (!t->pause_met) {
                t->rule = m_why(t, scope);
                m_meet(t, scope);
            }
            t->result = t->also = -ECANCELED;
        }
        t->paused = false;
    }
    while (m_step(t)) { }
    if (t->at_once >= 100)
        m.given_up = true;
}

/* ---- Turns ----------------------------------------------------------------------------------- */

static void m_begin(const struct program *p, const struct choices *choices, enum lie lie)
{
    m.p = p;
    m.now = 0;
    m.count = m.record_count = 0;
    m.event = m.tickets = 0;
    m.given_up = false;
    m.choices = *choices;
    m.lie = lie;
    for (int i = 0; i < MAX_TASKS; i++)
        m.latest[i] = -1;
    for (int i = 0; i < OBJECTS; i++) {
        m.event_is_set[i] = false;
        m.queue[i].is_full = false;
        m.owner[i] = -1;
    }
    for (int i = 0; i < p->outside_count; i++)
        m.outside_at[i] = p->outside[i].ns > 0 ? p->outside[i].ns : INT64_MAX;
    for (int i = 0; i < p->roots; i++)
        m_new_task(i, -1, false);
}

static void m_from_outside(const struct outside *outside)
{
    m.event++;
    if (outside->kind == CANCEL)
        m_cancel(m.latest[outside->who]);
    else if (outside->kind == CANCEL_GROUP)
        m_cancel_group_of(m.latest[outside->who]);
    else if (outside->kind == SET)
        m_set(outside->who);
    else
        m_put(outside->who, -1 - (outside - m.p->outside));
}

/* Nothing can happen any more: whoever is left is cancelled. */
static void m_cancel_all(void)
{
    for (int i = 0; i < m.count; i++)
        if (m_is_there(i) && m.tasks[i].state != M_ENDED)
            m_cancel(i);
}

struct m_timer { int64_t when; int task, scope, outside; };

/* The earliest timer. Times that are equal leave open who is first, where it matters. */
static struct m_timer m_earliest(void)
{
    struct m_timer first = { INT64_MAX, -1, -1, -1 };

    for (int i = 0; i < m.count; i++) {
        struct m_task *t = &m.tasks[i];

        if (t->state == M_ENDED)
            continue;
        if (t->wake_at < first.when)
            first = (struct m_timer){ t->wake_at, i, -1, -1 };
        for (int k = 1; k < t->scope_count; k++) {
            if (t->scopes[k].when == first.when && first.when <= m.now)
                m.given_up = true;
            if (t->scopes[k].when < first.when)
                first = (struct m_timer){ t->scopes[k].when, i, k, -1 };
        }
    }
    for (int i = 0; i < m.p->outside_count; i++)
        if (m.outside_at[i] < first.when)
            first = (struct m_timer){ m.outside_at[i], -1, -1, i };
    return first;
}

/* Timers fire by time; then a turn's batch is known. */
static void m_turn_begins(int64_t now)
{
    int64_t last = -1;

    m.now = now;
    for (;;) {
        struct m_timer timer = m_earliest();

        if (timer.when > now)
            break;
        m.event += timer.when != last;
        last = timer.when;
        if (timer.outside >= 0) {
            m.outside_at[timer.outside] = INT64_MAX;
            m_from_outside(&m.p->outside[timer.outside]);
        } else if (timer.scope > 0) {
            m.tasks[timer.task].scopes[timer.scope].when = INT64_MAX;
            m_ask(&m.tasks[timer.task], timer.scope);
        } else {
            m_wake(&m.tasks[timer.task], 0, "it slept");
        }
    }
    for (int i = 0; i < m.count; i++)
        m.tasks[i].in_batch = m.tasks[i].state == M_READY;
}

/* Whether nobody else in the batch became ready before [t]. */
static bool m_is_first(const struct m_task *t)
{
    for (int i = 0; i < m.count; i++)
        if (m.tasks[i].in_batch && m.tasks[i].ready_since < t->ready_since)
            return false;
    return true;
}

/* When the next turn is due: now, at a time, or INT64_MAX: never by itself. */
static int64_t m_next_turn(void)
{
    for (int i = 0; i < m.count; i++)
        if (m.tasks[i].state == M_READY)
            return 0;
    return m_earliest().when;
}

#endif
