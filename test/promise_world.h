/* SPDX-License-Identifier: BSD-2-Clause
 * promise_world.h: runs a program of promise_program.h with the library, on a virtual clock, turn
 * by turn, and compares with the model after each of them: what every await gave and when, and when
 * the next turn is due. */
#ifndef PROMISE_WORLD_H
#define PROMISE_WORLD_H

#include "task_test.h"

#include "../group.h"
#include "../sync.h"
#include "promise_ledger.h"
#include "promise_model.h"

enum { MAX_TURNS = 5000, MAX_SEEN = 4000 };

struct script { co_frame; int who, head, at, times; intptr_t result; };
struct pauser { co_frame; };
struct runner { co_frame; int who; struct script script; intptr_t result; };

/* One start of a task of the program, with the storage that its ops need while they are awaited. */
struct instance {
    int of, parent;
    bool grouped, began, ended;
    struct co_task *task;
    struct co_group group;
    struct co_within slots[MAX_OPS];
    union { struct script script; struct pauser pauser; } called[MAX_OPS];
    struct co_task *lists[MAX_OPS][MAX_TASKS];
    int64_t items[MAX_OPS];
};

enum fault { NO_FAULT, WRONG_RESULT, WRONG_TASK, NOT_RUN, WRONG_TIME, BROKEN_PROMISE, HANGS, LEFT };

static struct world {
    const struct program *p;
    struct sim sim;
    struct instance all[MAX_INSTANCES];
    int count, latest[MAX_TASKS];
    struct co_event event[OBJECTS];
    struct co_queue queue[OBJECTS];
    int64_t room[OBJECTS];
    struct co_lock lock[OBJECTS];
    struct { struct co_timer timer; const struct outside *outside; } alarms[MAX_OUTSIDE];
    struct record seen[MAX_SEEN];           /* in this turn */
    int seen_count;
    long turn;
    bool verbose;
    enum fault fault;                       /* the first, when, and what it was about */
    long fault_turn;
    struct record got, expected;
} w;

static void see(enum what what, int who, int op, intptr_t result, intptr_t item)
{
    ledger_runs();
    if (w.seen_count < MAX_SEEN)
        w.seen[w.seen_count++] = (struct record){ what, who, op, result, item, result, NULL };
}

/* ---- The program, as coroutines -------------------------------------------------------------- */

static co_declare(runner);

static bool is_there(int who)
{
    return who >= 0 && (!w.all[who].grouped || (w.all[who].began && !w.all[who].ended));
}

static int base_of(int op)
{
    while (w.p->ops[op].kind == WITHIN)
        op = w.p->ops[op].inside;
    return op;
}

/* The instances that an op is about. How many. */
static int targets_of(int me, const struct op *op, int *list)
{
    int n = 0;

    for (int i = 0; i < w.p->tasks; i++) {
        int who = w.latest[i];
        bool mine = who >= 0 && w.all[who].parent == me && !w.all[who].grouped;

        if (op->kind == JOIN || op->kind == SHIELD ? op->who == i && is_there(who)
                                                   : (op->several & 1 << i) && mine)
            list[n++] = who;
    }
    return n;
}

static bool is_possible(int me, int statement)
{
    const struct op *op = &w.p->ops[base_of(statement)];
    int targets[MAX_TASKS];

    if (op->kind == LOCK)
        return w.lock[op->who].owner != w.all[me].task;
    return op->kind < SHIELD || op->kind > GATHER || targets_of(me, op, targets) > 0;
}

/* The ledger hears of an await that begins. */
static void enter_await(int me, int statement)
{
    const struct op *op = &w.p->ops[base_of(statement)];
    int targets[MAX_TASKS], n = 0;

    if (op->kind >= SHIELD && op->kind <= GATHER)
        n = targets_of(me, op, targets);
    ledger_await(me, w.p, statement, targets, n);
}

static co_define(pauser) {
    co_begin;
    co_pause;
    co_end;
}

static co_declare(script);

/* Exact to the nanosecond: a time of a program has 37 bits. */
static double seconds_of(const struct op *op, int me) { return (double)time_of(op, me) * 1e-9; }

static co_op make(int me, int i)
{
    struct instance *self = &w.all[me];
    const struct op *op = &w.p->ops[i];
    struct co_task **list = self->lists[i];
    int targets[MAX_TASKS];
    size_t n = op->kind >= SHIELD && op->kind <= GATHER ? (size_t)targets_of(me, op, targets) : 0;

    for (size_t k = 0; k < n; k++)
        list[k] = w.all[targets[k]].task;
    self->items[i] = me * 256 + i;
    switch (op->kind) {
    case SLEEP: return co_sleep(seconds_of(op, me));
    case PAUSE: return co_call(&self->called[i].pauser, pauser);
    case EVENT: return co_event_wait(&w.event[op->who]);
    case GET: return co_queue_get(&w.queue[op->who], &self->items[i]);
    case PUT: return co_queue_put(&w.queue[op->who], &self->items[i]);
    case LOCK: return co_lock_acquire(&w.lock[op->who]);
    case SHIELD: return co_shield(list[0]);
    case ANY: return co_wait_any(list, n);
    case TASKS: return co_wait_tasks(list, n, (enum co_wait_policy)op->policy);
    case JOIN: return co_join(list[0]);
    case GATHER: return co_gather(list, n);
    case GROUP: return co_group_wait(&self->group);
    case WITHIN: return co_within(&self->slots[i], seconds_of(op, me), make(me, op->inside));
    default: return co_call(&self->called[i].script, script, .who = me, .head = op->inside,
                            .times = op->times);
    }
}

static int new_instance(int of, int parent, bool grouped)
{
    struct instance *i = &w.all[w.count];
    struct co_group_options options = { .collect = w.p->task[of].collect };

    i->of = of;
    i->parent = parent;
    i->grouped = grouped;
    i->began = i->ended = false;
    i->task = NULL;
    co_group_init(&i->group, &options);
    w.latest[of] = w.count;
    ledger_task(parent, grouped, options.collect != 0);
    return w.count++;
}

static intptr_t start(int me, const struct op *op)
{
    int owner = op->kind != SIBLING ? me : w.all[me].grouped ? w.all[me].parent : -1;
    int before = w.latest[op->who], who, r;

    if (w.count == MAX_INSTANCES || owner < 0)
        return -1;
    who = new_instance(op->who, owner, op->kind != SPAWN);
    if (op->kind == SPAWN) {
        w.all[who].task = co_spawn(runner, .who = who);
        return 0;
    }
    r = co_group_go(&w.all[owner].group, runner, .who = who);
    if (r < 0) {                            /* it never was */
        w.count--;
        w.latest[op->who] = before;
        ledger_task_refused();
    }
    return r;
}

static void cancel_group_of(int who)
{
    if (who < 0 || w.all[who].group.count == 0)
        return;
    if (!(m.choices.group_cancels_once && ledger.tasks[who].group.cancelled))
        ledger_ask_group(who, -1);
    co_group_cancel(&w.all[who].group);
}

static intptr_t cancel(int who)
{
    if (!is_there(who))
        return -1;
    if (!w.all[who].ended)
        ledger_ask(who, 0);
    return co_cancel(w.all[who].task);
}

static intptr_t call(int me, int at)
{
    const struct op *op = &w.p->ops[at];
    int64_t item = me * 256 + at;

    switch (op->kind) {
    case SPAWN: case GO: case SIBLING: return start(me, op);
    case CANCEL: return cancel(op->who == w.all[me].of ? me : w.latest[op->who]);
    case CANCEL_SELF: return co_current() == w.all[me].task ? cancel(me) : -99;
    case CANCEL_GROUP: cancel_group_of(me); return 0;
    case CANCEL_OWN_GROUP: cancel_group_of(w.all[me].grouped ? w.all[me].parent : -1); return 0;
    case SET: co_event_set(&w.event[op->who]); return 0;
    case CLEAR: co_event_clear(&w.event[op->who]); return 0;
    case OFFER: return co_queue_put_now(&w.queue[op->who], &item) == 0 ? 0 : -1;
    default:
        return co_lock_release(&w.lock[op->who]) == 0 ? 0 : -1;
    }
}

static co_define(script) {
    co_begin;
    for (; self->times > 0; self->times--) {
        for (self->at = self->head; self->at >= 0; self->at = w.p->ops[self->at].next) {
            if (w.p->ops[self->at].kind >= SPAWN) {
                self->result = call(self->who, self->at);
                see(CALLED, self->who, self->at, self->result, 0);
                continue;
            }
            if (!is_possible(self->who, self->at))
                continue;
            enter_await(self->who, self->at);
            co_await(self->result, make(self->who, self->at));
            see(AWAITED, self->who, self->at, self->result,
                self->result == 0 && w.p->ops[base_of(self->at)].kind == GET
                    ? (intptr_t)w.all[self->who].items[base_of(self->at)] : 0);
            ledger_gave(self->who, w.p, self->at, self->result);
            self->result = leaves_with(&w.p->ops[self->at], self->result);
            ledger_returned(self->who, self->result);
            if (self->result < 0)
                co_return(self->result);
        }
    }
    ledger_returned(self->who, 0);
    co_end;
}

static co_define(runner) {
    struct instance *me;
    const struct task_of_program *task;

    co_begin;
    w.all[self->who].began = true;
    w.all[self->who].task = co_current();
    see(BEGAN, self->who, 0, 0, 0);
    co_await(self->result, co_call(&self->script, script, .who = self->who, .times = 1,
                                   .head = w.p->task[w.all[self->who].of].body));
    co_await(co_call(&self->script, script, .who = self->who, .times = 1,
                     .head = w.p->task[w.all[self->who].of].clean_up));
    if (w.all[self->who].group.count > 0)
        co_await(co_call(&self->script, script, .who = self->who, .times = 1, .head = END_GROUP));
    me = &w.all[self->who];
    task = &w.p->task[me->of];
    for (int i = 0; i < OBJECTS; i++)
        if (w.lock[i].owner == me->task)
            (void)co_lock_release(&w.lock[i]);
    if (self->result == 0)
        self->result = task->value;
    else if (task->on_left != LEAVE)
        self->result = task->on_left == GO_ON ? 0 : -2000 - me->of;
    me->ended = true;
    see(ENDED, self->who, 0, self->result, 0);
    ledger_ended(self->who, self->result);
    co_return(self->result);
    co_end;
}

/* ---- Outside --------------------------------------------------------------------------------- */

static void from_outside(const struct outside *outside)
{
    int64_t item = -1 - (outside - w.p->outside);

    if (outside->kind == CANCEL)
        (void)cancel(w.latest[outside->who]);
    else if (outside->kind == CANCEL_GROUP)
        cancel_group_of(w.latest[outside->who]);
    else if (outside->kind == SET)
        co_event_set(&w.event[outside->who]);
    else
        (void)co_queue_put_now(&w.queue[outside->who], &item);
}

static void alarm_fires(struct co_timer *timer)
{
    for (int i = 0; i < MAX_OUTSIDE; i++)
        if (timer == &w.alarms[i].timer) {
            ledger_strike(w.alarms[i].outside->ns);
            from_outside(w.alarms[i].outside);
        }
}

static void cancel_all(void)
{
    for (int i = 0; i < w.count; i++)
        if (!w.all[i].ended && is_there(i))
            (void)cancel(i);
}

static void world_begin(const struct program *p)
{
    w.p = p;
    w.count = w.seen_count = 0;
    w.turn = 0;
    w.fault = NO_FAULT;
    sim_begin(&w.sim);
    ledger_begin();
    for (int i = 0; i < MAX_TASKS; i++)
        w.latest[i] = -1;
    for (int i = 0; i < OBJECTS; i++) {
        w.event[i] = (struct co_event){ 0 };
        w.lock[i] = (struct co_lock){ 0 };
        co_queue_init(&w.queue[i], &w.room[i], 1, sizeof *w.room);
    }
    for (int i = 0; i < p->roots; i++) {
        int who = new_instance(i, -1, false);

        w.all[who].task = co_spawn(runner, .who = who);
    }
    for (int i = 0; i < p->outside_count; i++) {
        w.alarms[i].timer = (struct co_timer){ .fire = alarm_fires };
        w.alarms[i].outside = &p->outside[i];
        if (p->outside[i].ns > 0)
            assert_int_equal(co_timer_start(&w.alarms[i].timer, p->outside[i].ns), 0);
    }
}

static void world_end(void)
{
    for (int i = 0; i < w.p->outside_count; i++)
        co_timer_stop(&w.alarms[i].timer);
    for (int i = 0; i < w.count; i++)
        if (!w.all[i].grouped) {
            (void)co_task_result(w.all[i].task);        /* else CO_DEBUG tells of each failure */
            co_task_free(w.all[i].task);
        }
    if (w.fault == NO_FAULT
        && (w.sim.scheduler.timer_count > 0 || w.sim.blocks > (w.sim.scheduler.timers != NULL)))
        w.fault = LEFT;
    co_scheduler_free(&w.sim.scheduler);
}

/* ---- Compare --------------------------------------------------------------------------------- */

static void fault(enum fault kind, const struct record *got, const struct record *expected)
{
    static const struct record nothing = { .who = -1 };

    if (w.fault != NO_FAULT)
        return;
    w.fault = kind;
    w.fault_turn = w.turn;
    w.got = got ? *got : nothing;
    w.expected = expected ? *expected : nothing;
}

static void print_record(const struct record *r)
{
    static const char *const words[] = { "begins", "gives", "gives", "ends with" };

    printf("T%d", m.tasks[r->who].of);
    if (r->what == AWAITED || r->what == CALLED) {
        printf(" [%d] ", r->op);
        print_op(w.p, r->op);
    }
    printf(" %s", words[r->what]);
    if (r->what != BEGAN)
        printf(" %ld%s", (long)r->result, r->result == -ECANCELED ? " (-ECANCELED)"
               : r->result == -ETIMEDOUT ? " (-ETIMEDOUT)" : "");
    if (r->item)
        printf(", item %ld", (long)r->item);
}

static bool is_same(const struct record *got, const struct record *expected)
{
    return got->what == expected->what && got->who == expected->who && got->op == expected->op
           && (got->result == expected->result || got->result == expected->also)
           && got->item == expected->item;
}

/* One run of a task: from [seen] on. How many records it had. */
static int compare_run(const struct record *seen, int left)
{
    struct m_task *t = &m.tasks[seen->who];

    if (seen->who >= m.count || !t->in_batch || !m_is_first(t)) {
        fault(WRONG_TASK, seen, NULL);
        return left;
    }
    m_run(t);
    for (int i = 0; i < m.record_count; i++) {
        if (i >= left || !is_same(&seen[i], &m.records[i])) {
            fault(WRONG_RESULT, i < left ? &seen[i] : NULL, &m.records[i]);
            return left;
        }
        if (w.verbose) {
            printf("  turn %ld, %.9f s: ", w.turn, (double)m.now * 1e-9);
            print_record(&seen[i]);
            printf("   %s\n", m.records[i].rule);
        }
    }
    return m.record_count;
}

static void compare_turn(void)
{
    m_turn_begins(w.sim.now);
    for (int i = 0; i < w.seen_count && w.fault == NO_FAULT && !m.given_up; )
        i += compare_run(&w.seen[i], w.seen_count - i);
    for (int i = 0; i < m.count && w.fault == NO_FAULT && !m.given_up; i++) {
        if (m.tasks[i].in_batch) {
            m_run(&m.tasks[i]);
            fault(NOT_RUN, NULL, &m.records[0]);
        }
    }
    if (w.fault == NO_FAULT && !m.given_up && m_next_turn() != co_scheduler_next(&w.sim.scheduler))
        fault(WRONG_TIME, NULL, NULL);
    if (w.fault == NO_FAULT && !m.given_up && ledger.broken)
        fault(BROKEN_PROMISE, NULL, NULL);
}

/* ---- Run ------------------------------------------------------------------------------------- */

/* One turn, of the library and, as long as they agree, of the model. */
static void turn(void)
{
    bool compare = w.fault == NO_FAULT && !m.given_up;

    for (int i = 0; i < w.p->outside_count; i++) {
        if (w.p->outside[i].ns > 0 || w.p->outside[i].turn != w.turn)
            continue;
        from_outside(&w.p->outside[i]);
        if (compare)
            m_from_outside(&w.p->outside[i]);
    }
    w.seen_count = 0;
    ledger_turn(w.sim.now);
    co_scheduler_turn(&w.sim.scheduler);
    if (compare)
        compare_turn();
    w.turn++;
}

/* The clock of the driver goes on to the next turn; where nothing comes any more, all are
 * cancelled. */
static void go_on(void)
{
    int64_t next = co_scheduler_next(&w.sim.scheduler);

    if (next == INT64_MAX) {
        cancel_all();
        if (w.fault == NO_FAULT && !m.given_up)
            m_cancel_all();
    } else if (next > w.sim.now) {
        w.sim.now = (next + w.p->grain - 1) / w.p->grain * w.p->grain;
    }
    w.sim.now += w.p->creep;
}

/* Runs [p] to its end. False: the library and the model differ, see w.fault. */
static bool run_program(const struct program *p, const struct choices *choices, enum lie lie)
{
    m_begin(p, choices, lie);
    world_begin(p);
    while (w.sim.scheduler.count > 0 && w.turn < MAX_TURNS) {
        turn();
        if (w.sim.scheduler.count > 0)
            go_on();
    }
    if (w.sim.scheduler.count > 0) {                /* its memory is lost */
        w.fault = w.fault == NO_FAULT ? HANGS : w.fault;
        co_scheduler_set(NULL);
        return false;
    }
    ledger_close();
    if (!m.given_up && ledger.broken)
        fault(BROKEN_PROMISE, NULL, NULL);
    world_end();
    return w.fault == NO_FAULT;
}

#endif
