/* SPDX-License-Identifier: BSD-2-Clause
 * promise_program.h: the random programs of promise.c: what they are made of, how a seed makes one,
 * and how one is printed. It knows nothing of tasks; the world runs a program with the library and
 * the model runs it by the rules.
 *
 * A program has up to eight tasks, each with a body and a clean-up. Both are sequences of ops: an
 * index into program.ops, chained by [next]; WITHIN has one op inside, CALL has a sequence. A task
 * starts and awaits only tasks of a higher number, so that nobody waits in a ring; it may cancel
 * anybody. No two times are equal, so that the order in which timers fire is known. */
#ifndef PROMISE_PROGRAM_H
#define PROMISE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum kind {
    SLEEP, PAUSE, EVENT, GET, PUT, LOCK,        /* awaits of the task's own */
    SHIELD, ANY, TASKS,                         /* of tasks, which a cancel leaves alone */
    JOIN, GATHER, GROUP,                        /* of tasks, which are asked instead */
    WITHIN, CALL,                               /* with something inside */
    SPAWN, GO, SIBLING, CANCEL, CANCEL_SELF, CANCEL_GROUP, CANCEL_OWN_GROUP, SET, CLEAR, OFFER,
    UNLOCK                                      /* plain calls */
};
enum on_error { GO_ON, LEAVE, LEAVE_IF_CANCELLED, FAIL };
enum { MAX_TASKS = 8, MAX_OPS = 120, MAX_OUTSIDE = 4, OBJECTS = 2, END_GROUP = MAX_OPS - 1 };

struct op {
    uint8_t kind, on_error;
    uint8_t who;                    /* a task, or one of the events, queues, locks */
    uint8_t several;                /* a set of tasks */
    uint8_t policy;                 /* of TASKS */
    uint8_t times;                  /* of CALL */
    int8_t next, inside;
    int64_t ns;
};

struct task_of_program {
    int8_t body, clean_up;
    uint8_t on_left;                /* GO_ON: it swallows what it left with; LEAVE; FAIL */
    uint8_t collect;                /* its group does */
    intptr_t value;                 /* its result, if it was not left */
};

/* What comes from no task: before a turn, or by a timer. */
struct outside { uint8_t kind, who; int16_t turn; int64_t ns; };

struct program {
    uint64_t seed;
    int tasks, roots, op_count, outside_count;
    struct op ops[MAX_OPS];
    struct task_of_program task[MAX_TASKS];
    struct outside outside[MAX_OUTSIDE];
    int64_t grain;                  /* the clock wakes at multiples of it: several timers at once */
    int64_t creep;                  /* time passes in each turn, though tasks are ready */
};

/* ---- A seed makes a program ------------------------------------------------------------------ */

struct dice { uint64_t state; };

static uint64_t dice_roll(struct dice *dice)            /* splitmix64 */
{
    uint64_t x = dice->state += UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static int below(struct dice *dice, int n) { return (int)(dice_roll(dice) % (uint64_t)n); }
static bool one_in(struct dice *dice, int n) { return below(dice, n) == 0; }

/* Up to some 69 s, a third of them short, in single nanoseconds: two times are never equal. */
static int64_t some_time(struct dice *dice)
{
    int64_t ns = 1 + (int64_t)(dice_roll(dice) >> 28);

    return one_in(dice, 3) ? 1 + ns / 64 : ns;
}

/* How long an op of the task that was started as the [who]th takes. Two that run the same op begun
 * in the same turn end at different times, too. */
static int64_t time_of(const struct op *op, int who) { return op->ns > 0 ? op->ns + who : 0; }

struct maker {
    struct program *p;
    struct dice dice;
    int me, depth;
    uint8_t spawned, grouped;           /* my children, by how they are started */
};

static int new_op(struct maker *m, enum kind kind)
{
    struct program *p = m->p;
    static const uint8_t reactions[] = { GO_ON, GO_ON, GO_ON, LEAVE, LEAVE, LEAVE_IF_CANCELLED,
                                         FAIL };

    if (p->op_count == END_GROUP)
        return -1;
    p->ops[p->op_count] = (struct op){
        .kind = (uint8_t)kind, .next = -1, .inside = -1, .times = 1,
        .on_error = reactions[below(&m->dice, sizeof reactions)]
    };
    return p->op_count++;
}

static uint8_t someone_above(struct maker *m)
{
    return (uint8_t)(m->me + 1 + below(&m->dice, m->p->tasks - m->me - 1));
}

/* A wait for tasks, or for one: JOIN as often as a set. -1 if there is nobody to wait for. */
static int make_wait_for_tasks(struct maker *m)
{
    static const uint8_t kinds[] = { JOIN, JOIN, JOIN, GATHER, GATHER, GATHER, GROUP, GROUP, GROUP,
                                     SHIELD, ANY, TASKS };
    int op, kind = kinds[below(&m->dice, sizeof kinds)];
    uint8_t several = m->spawned & (uint8_t)dice_roll(&m->dice);

    if (kind == GROUP ? !m->grouped : m->me == m->p->tasks - 1)
        kind = m->grouped ? GROUP : m->spawned ? GATHER : -1;
    if ((kind == GATHER || kind == ANY || kind == TASKS) && !several)
        several = m->spawned;
    if (kind < 0 || ((kind == GATHER || kind == ANY || kind == TASKS) && !several))
        return -1;
    op = new_op(m, (enum kind)kind);
    if (op >= 0) {
        m->p->ops[op].several = several;
        m->p->ops[op].policy = (uint8_t)below(&m->dice, 3);
        if (kind == JOIN || kind == SHIELD)
            m->p->ops[op].who = someone_above(m);
    }
    return op;
}

static int make_await(struct maker *m);
static int8_t make_sequence(struct maker *m, int count);

static int make_within(struct maker *m)
{
    int inside, op;

    m->depth++;
    inside = make_await(m);
    m->depth--;
    op = inside < 0 ? -1 : new_op(m, WITHIN);
    if (op < 0)
        return inside;
    m->p->ops[op].inside = (int8_t)inside;
    m->p->ops[op].ns = one_in(&m->dice, 9) ? 0 : some_time(&m->dice);
    return op;
}

static int make_call(struct maker *m)
{
    int op = new_op(m, CALL);

    if (op < 0)
        return -1;
    m->depth++;
    m->p->ops[op].inside = make_sequence(m, 1 + below(&m->dice, 4));
    m->depth--;
    m->p->ops[op].times = (uint8_t)(one_in(&m->dice, 3) ? 2 + below(&m->dice, 2) : 1);
    return op;
}

static int make_await(struct maker *m)
{
    static const uint8_t own[] = { SLEEP, SLEEP, SLEEP, SLEEP, PAUSE, PAUSE, EVENT, GET, PUT,
                                   LOCK };
    int op = -1, roll = below(&m->dice, 16);

    if (m->depth < 4 && roll < 5)
        return make_within(m);
    if (m->depth < 3 && roll < 7)
        return make_call(m);
    if (roll < 12)
        op = make_wait_for_tasks(m);
    if (op < 0)
        op = new_op(m, (enum kind)own[below(&m->dice, sizeof own)]);
    if (op >= 0 && m->p->ops[op].kind <= LOCK) {
        m->p->ops[op].who = (uint8_t)below(&m->dice, OBJECTS);
        m->p->ops[op].ns = one_in(&m->dice, 6) ? 0 : some_time(&m->dice);
    }
    return op;
}

static int make_call_that_is_plain(struct maker *m)
{
    static const uint8_t kinds[] = { CANCEL, CANCEL, CANCEL, CANCEL, CANCEL_SELF, CANCEL_SELF,
                                     CANCEL_SELF, CANCEL_GROUP, CANCEL_OWN_GROUP, SET, SET, CLEAR,
                                     OFFER, UNLOCK, UNLOCK };
    int op = new_op(m, (enum kind)kinds[below(&m->dice, sizeof kinds)]);

    if (op >= 0)
        m->p->ops[op].who = (uint8_t)below(&m->dice, m->p->ops[op].kind == CANCEL
                                                         ? m->p->tasks : OBJECTS);
    return op;
}

/* Starts one of my children, or, a member, somebody beside me. */
static int make_start(struct maker *m)
{
    uint8_t who = m->me < m->p->tasks - 1 ? someone_above(m) : 0;
    int op = -1;

    if (m->spawned & 1 << who)
        op = new_op(m, SPAWN);
    else if (m->grouped & 1 << who)
        op = new_op(m, GO);
    else if (who && one_in(&m->dice, 3))
        op = new_op(m, SIBLING);
    if (op >= 0)
        m->p->ops[op].who = who;
    return op;
}

struct chain { int8_t head, last; };

static void append(struct maker *m, struct chain *chain, int op)
{
    if (op < 0)
        return;
    if (chain->last < 0)
        chain->head = (int8_t)op;
    else
        m->p->ops[chain->last].next = (int8_t)op;
    chain->last = (int8_t)op;
}

static void append_about(struct maker *m, struct chain *chain, enum kind kind, uint8_t who)
{
    int op = new_op(m, kind);

    if (op >= 0) {
        m->p->ops[op].who = who;
        m->p->ops[op].several = (uint8_t)(1 << who);
    }
    append(m, chain, op);
}

/* What chance alone makes too seldom: a task asks for its own cancel and awaits one that has just
 * begun, or one that was cancelled some time ago; now and then in a deadline that has struck. */
static void make_phrase(struct maker *m, struct chain *chain)
{
    static const uint8_t kinds[] = { JOIN, GATHER };
    enum kind kind = (enum kind)kinds[below(&m->dice, 2)];
    struct chain inside = { -1, -1 };
    bool is_old = one_in(&m->dice, 2);
    uint8_t who;
    int within, call;

    if (m->me == m->p->tasks - 1)
        return;
    who = someone_above(m);
    append_about(m, chain, SPAWN, who);
    if (is_old) {
        append_about(m, chain, PAUSE, 0);
        append_about(m, chain, CANCEL, who);
        append_about(m, chain, PAUSE, 0);
    }
    append_about(m, &inside, CANCEL_SELF, 0);
    append_about(m, &inside, kind, who);
    append_about(m, &inside, PAUSE, 0);
    call = one_in(&m->dice, 2) ? -1 : new_op(m, CALL);
    within = call < 0 ? -1 : new_op(m, WITHIN);
    if (within < 0) {
        append(m, chain, inside.head);
        chain->last = inside.last >= 0 ? inside.last : chain->last;
        return;
    }
    m->p->ops[call].inside = inside.head;
    m->p->ops[within].inside = (int8_t)call;
    append(m, chain, within);
}

/* [count] ops, the head of their chain. */
static int8_t make_sequence(struct maker *m, int count)
{
    struct chain chain = { -1, -1 };

    while (count-- > 0) {
        int roll = below(&m->dice, 14);

        if (roll < 2)
            append(m, &chain, make_call_that_is_plain(m));
        else if (roll < 3)
            append(m, &chain, make_start(m));
        else if (roll < 4)
            append(m, &chain, new_op(m, CANCEL_SELF));
        else if (roll < 5)
            make_phrase(m, &chain);
        else
            append(m, &chain, make_await(m));
    }
    return chain.head;
}

/* The body of a task starts each of its children somewhere, mostly first. */
static void make_task(struct maker *m)
{
    struct task_of_program *task = &m->p->task[m->me];
    static const uint8_t lefts[] = { GO_ON, LEAVE, LEAVE, LEAVE, FAIL };
    int8_t starts = -1;

    for (int i = m->me + 1; i < m->p->tasks; i++) {
        if (!((m->spawned | m->grouped) & 1 << i))
            continue;
        int op = new_op(m, m->spawned & 1 << i ? SPAWN : GO);
        if (op < 0)
            continue;
        m->p->ops[op].who = (uint8_t)i;
        m->p->ops[op].next = starts;
        starts = (int8_t)op;
    }
    task->body = make_sequence(m, below(&m->dice, 5));
    task->clean_up = make_sequence(m, one_in(&m->dice, 2) ? 1 + below(&m->dice, 2) : 0);
    task->on_left = lefts[below(&m->dice, sizeof lefts)];
    task->collect = one_in(&m->dice, 3);
    task->value = one_in(&m->dice, 5) ? -1000 - m->me : one_in(&m->dice, 2) ? 0 : 100 + m->me;
    if (starts >= 0) {
        int last = starts;
        while (m->p->ops[last].next >= 0)
            last = m->p->ops[last].next;
        m->p->ops[last].next = task->body;
        task->body = starts;
    }
}

static void make_outside(struct program *p, struct dice *dice)
{
    static const uint8_t kinds[] = { CANCEL, CANCEL, CANCEL, CANCEL_GROUP, SET, OFFER };

    p->outside_count = one_in(dice, 3) ? 0 : 1 + below(dice, MAX_OUTSIDE);
    for (int i = 0; i < p->outside_count; i++) {
        uint8_t kind = kinds[below(dice, sizeof kinds)];
        p->outside[i] = (struct outside){
            .kind = kind,
            .who = (uint8_t)below(dice, kind == CANCEL || kind == CANCEL_GROUP ? p->tasks
                                                                               : OBJECTS),
            .turn = (int16_t)below(dice, 12),
            .ns = one_in(dice, 2) ? some_time(dice) : 0
        };
    }
}

static void make_program(struct program *p, uint64_t seed)
{
    struct maker m = { .p = p, .dice = { seed * UINT64_C(0xD1342543DE82EF95) + 1 } };
    uint8_t spawned[MAX_TASKS] = { 0 }, grouped[MAX_TASKS] = { 0 };

    memset(p, 0, sizeof *p);
    p->seed = seed;
    p->tasks = 2 + below(&m.dice, MAX_TASKS - 1);
    p->roots = 1 + below(&m.dice, p->tasks < 3 ? p->tasks : 3);
    p->grain = one_in(&m.dice, 2) ? 1 : INT64_C(1) << (30 + below(&m.dice, 6));
    p->creep = one_in(&m.dice, 4) ? INT64_C(1) << (28 + below(&m.dice, 6)) : 0;
    for (int i = p->roots; i < p->tasks; i++)
        (one_in(&m.dice, 2) ? spawned : grouped)[below(&m.dice, i)] |= (uint8_t)(1 << i);
    p->ops[END_GROUP] = (struct op){ .kind = GROUP, .next = -1, .inside = -1 };
    for (m.me = 0; m.me < p->tasks; m.me++) {
        m.spawned = spawned[m.me];
        m.grouped = grouped[m.me];
        make_task(&m);
    }
    make_outside(p, &m.dice);
}

/* ---- Print ----------------------------------------------------------------------------------- */

static const char *kind_name(int kind)
{
    static const char *const names[] = {
        "sleep", "pause", "event_wait", "queue_get", "queue_put", "lock_acquire", "shield",
        "wait_any", "wait_tasks", "join", "gather", "group_wait", "within", "call", "spawn",
        "group_go into its own group", "group_go into the group it is in", "cancel",
        "cancel itself", "group_cancel of its own group", "group_cancel of the group it is in",
        "event_set", "event_clear", "queue_put_now", "lock_release"
    };

    return names[kind];
}

static void print_ns(int64_t ns) { printf(" %.9f s", (double)ns * 1e-9); }

static void print_op(const struct program *p, int i)
{
    const struct op *op = &p->ops[i];

    printf("%s", kind_name(op->kind));
    if (op->kind == SLEEP || op->kind == WITHIN)
        print_ns(op->ns);
    if (op->kind == SHIELD || op->kind == JOIN || op->kind == SPAWN || op->kind == GO
        || op->kind == SIBLING || op->kind == CANCEL)
        printf(" T%d", op->who);
    if (op->kind == GATHER || op->kind == ANY || op->kind == TASKS) {
        for (int k = 0; k < p->tasks; k++)
            if (op->several & 1 << k)
                printf(" T%d", k);
        if (op->kind == TASKS)
            printf(", policy %d", op->policy);
    }
    if (op->kind == EVENT || op->kind == GET || op->kind == PUT || op->kind == LOCK
        || op->kind == SET || op->kind == CLEAR || op->kind == OFFER || op->kind == UNLOCK)
        printf(" %c", 'A' + op->who);
    if (op->kind == WITHIN) {
        printf(": ");
        print_op(p, op->inside);
    }
}

static void print_sequence(const struct program *p, int head, int indent);

static void print_statement(const struct program *p, int i, int indent)
{
    static const char *const reactions[] = { "", "; on an error it leaves",
                                             "; on -ECANCELED it leaves",
                                             "; on an error it fails" };
    const struct op *base = &p->ops[i];

    printf("%*s[%d] ", indent, "", i);
    print_op(p, i);
    printf("%s\n", p->ops[i].kind < SPAWN ? reactions[p->ops[i].on_error] : "");
    while (base->kind == WITHIN)
        base = &p->ops[base->inside];
    if (base->kind == CALL) {
        if (base->times > 1)
            printf("%*s%d times\n", indent + 4, "", base->times);
        print_sequence(p, base->inside, indent + 4);
    }
}

static void print_sequence(const struct program *p, int head, int indent)
{
    for (; head >= 0; head = p->ops[head].next)
        print_statement(p, head, indent);
}

static void print_outside(const struct outside *outside)
{
    if (outside->ns > 0) {
        printf("outside, at");
        print_ns(outside->ns);
    } else {
        printf("outside, before turn %d", outside->turn);
    }
    printf(": %s %c%c\n", kind_name(outside->kind),
           outside->kind == CANCEL || outside->kind == CANCEL_GROUP ? 'T' : ' ',
           (outside->kind == CANCEL || outside->kind == CANCEL_GROUP ? '0' : 'A') + outside->who);
}

static void print_program(const struct program *p)
{
    printf("the program: T0%s", p->roots > 1 ? "" : " is");
    for (int i = 1; i < p->roots; i++)
        printf(" T%d", i);
    printf("%s there from the beginning; the clock wakes at multiples of %lld ns", p->roots > 1
           ? " are" : "", (long long)p->grain);
    if (p->creep)
        printf(", each turn takes %lld ns", (long long)p->creep);
    printf("\n");
    for (int i = 0; i < p->tasks; i++) {
        const struct task_of_program *task = &p->task[i];

        printf("T%d:\n", i);
        print_sequence(p, task->body, 4);
        if (task->clean_up >= 0) {
            printf("  clean-up:\n");
            print_sequence(p, task->clean_up, 4);
        }
        printf("  ends with %ld; left by an error, with %s%s\n", (long)task->value,
               task->on_left == GO_ON ? "0: it swallows it" : task->on_left == LEAVE
               ? "the error" : "a failure of its own", task->collect ? "; its group collects" : "");
    }
    for (int i = 0; i < p->outside_count; i++)
        print_outside(&p->outside[i]);
}

#endif
