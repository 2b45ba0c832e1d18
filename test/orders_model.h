/* SPDX-License-Identifier: BSD-2-Clause
 * orders_model.h: what every primitive must do, said once more in the plainest way, in numbers
 * and lists, for test/orders.c: what each op must give, whom it wakes, and what is left in it.
 * What it says of cancel and deadlines was written from the promise and its rules, which are told
 * at the head of cancel.c, and not from the code below them. */
#ifndef ORDERS_MODEL_H
#define ORDERS_MODEL_H
#include "test.h"
#include "../group.h"
#include "../sync.h"

#ifndef EIO
#define EIO 5
#endif

/* Actors 0 to 3, and the tasks of the group, which are kids. */
enum { ACTORS = 4, KIDS = 3, ALL = ACTORS + KIDS, NOBODY = ALL, ITEMS = 32, ROOM = 4 };
enum { BLOCKED = 1 << 20 };
#define SECOND INT64_C(1000000000)

/* First in, first out, all of them. WOKEN: those whose wait is over and who have not run since.
 * WALK: those who hear of a request, each at most once. */
enum line_name { EVENT, LOCK, SEMAPHORE, CONDITION, BARRIER, GETTERS, PUTTERS, JOINERS, JOINS,
                 EACH, GROUP, WOKEN, WALK, LINES };
struct line { uint8_t n, who[ALL]; };

/* How a wait is taken back. */
enum wait_kind { IN_A_LINE, IN_A_CONDITION, FOR_ITS_LOCK, FOR_AN_END, SHIELDED, IN_A_GATHER,
                 FOR_A_SET, FOR_THE_NEXT, FOR_A_GROUP, ASLEEP };

/* What can be asked to end: the person itself, and each deadline that it stands in, from the
 * outermost in: those of brackets, and that of its op. */
enum scope_state { NONE, ASKED, LENT, BACK, LENT_AGAIN, UNSEEN };
enum { SELF, BRACKETS = 2, SCOPES = 1 + BRACKETS + 1 };
struct scope {
    int64_t when;                           /* a deadline that has not expired; 0: none */
    uint8_t state;                          /* enum scope_state */
    uint8_t met, overruled;                 /* of a deadline: it was met; one around it was */
};

struct person {
    struct scope scope[SCOPES];
    intptr_t gives;                         /* what its op must give; BLOCKED: it waits */
    intptr_t note;                          /* of a wait for the lock: what it will give */
    intptr_t first, failure;                /* of a gather: failures in time: of any kind, and
                                             * the first that is no cancel */
    intptr_t result;                        /* in the end */
    int64_t when;                           /* it sleeps till then; 0: it does not */
    int item, gets;                         /* to be put; that it must have got */
    char op;
    uint8_t scopes;                         /* how many there are now */
    uint8_t under;                          /* the innermost one is of its op */
    uint8_t kind, line;                     /* enum wait_kind; which line, if it is in one */
    uint8_t ended, left, given;             /* of a set: not ended; whom completed gave */
    uint8_t each;                           /* enum each_state */
    uint8_t set;                            /* whose member it is; NOBODY */
};
enum each_state { NEW, ON, OVER };

struct model {
    struct person of[ALL];
    struct line line[LINES];
    int64_t now;
    uint64_t trace;
    int turns, actors;
    int is_set, owner, value, bound, parties, arrived, broken;
    int room, order, closed, unfinished, count;
    uint8_t items[ITEMS];
    struct { int cancelled, waiter, over_for, over_turn; intptr_t failure; } group;
};

/* What only looks, which is the better part of the time, the sanitizers leave alone. */
#define UNCHECKED CO_ATTRIBUTE_(no_sanitize("address", "undefined"))

static inline struct model *model_now(void);
#define M (model_now())
#define OF(x) (&model_now()->of[x])
#define LINE(name) (&model_now()->line[name])

/* ---- Lines ----------------------------------------------------------------------------------- */

static inline void line_add(struct line *line, int x)
{
    line->who[line->n++] = (uint8_t)x;
}

static inline bool line_drop(struct line *line, int x)
{
    int k = 0;

    while (k < line->n && line->who[k] != x)
        k++;
    if (k == line->n)
        return false;
    line->n--;
    for (; k < line->n; k++)
        line->who[k] = line->who[k + 1];
    return true;
}

static inline int line_take(struct line *line)
{
    int x = line->n ? line->who[0] : NOBODY;

    line_drop(line, x);
    return x;
}

/* ---- Waits and wakes ------------------------------------------------------------------------- */

static void block(int x, enum wait_kind kind)
{
    OF(x)->gives = BLOCKED;
    OF(x)->kind = (uint8_t)kind;
}

static void block_in(int x, enum line_name name)
{
    block(x, IN_A_LINE);
    OF(x)->line = (uint8_t)name;
    line_add(LINE(name), x);
}

static void wakes(int x, intptr_t result)
{
    OF(x)->gives = result;
    line_add(LINE(WOKEN), x);
}

static void wakes_all(enum line_name name, intptr_t result)
{
    while (LINE(name)->n)
        wakes(line_take(LINE(name)), result);
}

/* ---- Scopes ---------------------------------------------------------------------------------- */

static inline bool is_asked(const struct scope *scope)
{
    return scope->state == ASKED || scope->state == BACK;
}

static inline bool is_lent(const struct scope *scope)
{
    return scope->state == LENT || scope->state == LENT_AGAIN;
}

/* Scope [i] of [x] is met by a -ECANCELED, which [x] sees when it runs; those inside are overruled
 * for good. */
static void is_met(int x, int i, bool waits)
{
    struct person *who = OF(x);

    who->scope[i].state = i == SELF && waits ? UNSEEN : NONE;
    who->scope[i].met = 1;
    for (int k = i + 1; k < who->scopes; k++)
        who->scope[k].overruled = 1;
}

/* One -ECANCELED meets one scope, the outermost that is asked. Whether there was one. */
static bool meets_outermost(int x, bool waits)
{
    struct person *who = OF(x);
    int i = SELF;

    while (i < who->scopes && !is_asked(&who->scope[i]))
        i++;
    if (i == who->scopes)
        return false;
    is_met(x, i, waits);
    return true;
}

/* An op begins, which gives a request that is pending at once. */
static inline bool meets_request(int x)
{
    bool met = meets_outermost(x, false);

    if (met)
        OF(x)->gives = -ECANCELED;
    return met;
}

/* The tasks that it waits for had all ended before it came. */
static void had_ended(int x, intptr_t result)
{
    OF(x)->gives = result;
    if (result == -ECANCELED)
        meets_outermost(x, false);
}

/* The tasks that [x] waited for have ended, with that [result]: what its await gives, and whether
 * that meets what was lent to this wait. */
static void tasks_have_ended(int x, intptr_t result)
{
    struct person *who = OF(x);

    for (int i = 0; i < who->scopes; i++)
        if (who->scope[i].state == LENT_AGAIN)
            result = -ECANCELED;
    for (int i = 0; i < who->scopes; i++) {
        if (!is_lent(&who->scope[i]))
            continue;
        if (result == -ECANCELED)
            is_met(x, i, true);
        else
            who->scope[i].state = BACK;
    }
    wakes(x, result);
}

static bool has_lent(int x)
{
    for (int i = 0; i < OF(x)->scopes; i++)
        if (is_lent(&OF(x)->scope[i]))
            return true;
    return false;
}

/* A deadline begins around what [x] does next, or around the op that waits. No two are due at one
 * time, for that would leave open which comes first. */
static inline int64_t later_by(int x)
{
    return SECOND + x + ACTORS * OF(x)->scopes;
}

static void must_open(int x)
{
    OF(x)->scope[OF(x)->scopes] = (struct scope){ .when = M->now + later_by(x) };
    OF(x)->scopes++;
}

/* The innermost deadline of [x] ends, and what it is around gave [result]: what its edge gives. */
static intptr_t must_close(int x, intptr_t result)
{
    struct person *who = OF(x);
    const struct scope *deadline = &who->scope[--who->scopes];

    if (result != -ECANCELED || !deadline->met || deadline->overruled)
        return result;
    if (!is_asked(&who->scope[SELF]))
        return -ETIMEDOUT;
    is_met(x, SELF, false);
    return -ECANCELED;
}

/* ---- Lock and condition ---------------------------------------------------------------------- */

static void lock_passes_on(void)
{
    M->owner = line_take(LINE(LOCK));
    if (M->owner != NOBODY)
        wakes(M->owner, OF(M->owner)->note);
}

static void waits_for_the_lock(int x, intptr_t note)
{
    OF(x)->kind = FOR_ITS_LOCK;
    OF(x)->note = note;
    line_add(LINE(LOCK), x);
    if (M->owner == NOBODY)
        lock_passes_on();
}

static intptr_t must_notify(int x, int n)
{
    if (M->owner != x)
        return -EPERM;
    while (n-- > 0 && LINE(CONDITION)->n)
        waits_for_the_lock(line_take(LINE(CONDITION)), 0);
    return 0;
}

/* ---- Queue ----------------------------------------------------------------------------------- */

static inline int key_of(int item)
{
    return item * 11 & 63;
}

/* Where the item stands that is got next. */
static int next_item(void)
{
    int next = M->order == CO_QUEUE_LIFO ? M->count - 1 : 0;

    for (int i = 1; M->order == CO_QUEUE_PRIORITY && i < M->count; i++)
        if (key_of(M->items[i]) < key_of(M->items[next]))
            next = i;
    return next;
}

static intptr_t must_put(int item)
{
    int getter;

    if (M->closed)
        return -EPIPE;
    getter = line_take(LINE(GETTERS));
    if (getter == NOBODY && M->count == M->room)
        return -EAGAIN;
    M->unfinished++;
    if (getter == NOBODY) {
        M->items[M->count++] = (uint8_t)item;
    } else {
        OF(getter)->gets = item;
        wakes(getter, 0);
    }
    return 0;
}

static intptr_t must_get(int x)
{
    int next = next_item(), putter;

    if (M->count == 0 && LINE(PUTTERS)->n == 0)
        return M->closed ? -EPIPE : -EAGAIN;
    if (M->count > 0) {
        OF(x)->gets = M->items[next];
        for (M->count--; next < M->count; next++)
            M->items[next] = M->items[next + 1];
    }
    putter = line_take(LINE(PUTTERS));
    if (putter == NOBODY)
        return 0;
    if (M->room == 0)
        OF(x)->gets = OF(putter)->item;
    else
        M->items[M->count++] = (uint8_t)OF(putter)->item;
    M->unfinished++;
    wakes(putter, 0);
    return 0;
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

static inline int last_actor(void)
{
    return M->actors - 1;
}

/* The set that every wait of several is about: the last two actors. */
static inline int member(int i)
{
    return M->actors - 2 + i;
}

static void set_is_left(int x)
{
    for (int i = 0; i < 2; i++)
        if (OF(member(i))->set == x)
            OF(member(i))->set = NOBODY;
}

static void must_hear(int x)
{
    struct line *walk = LINE(WALK);

    for (int i = 0; i < walk->n; i++)
        if (walk->who[i] == x)
            return;
    line_add(walk, x);
}

/* A request to [x] itself. One that is there, or that it has not seen yet, is the same; one that
 * was lent to its wait goes to the tasks once more. */
static void must_ask(int x)
{
    struct scope *self = &OF(x)->scope[SELF];

    if (OF(x)->ended)
        return;
    if (self->state == NONE)
        self->state = ASKED;
    else if (!is_lent(self))
        return;
    if (OF(x)->gives == BLOCKED)
        must_hear(x);
}

/* The wait of [x] is for tasks, and these were asked. */
static void lends(int x)
{
    for (int i = 0; i < OF(x)->scopes; i++) {
        struct scope *scope = &OF(x)->scope[i];

        if (is_asked(scope))
            scope->state = scope->state == BACK ? LENT_AGAIN : LENT;
    }
}

static void group_is_asked(void)
{
    struct line kids = *LINE(GROUP);

    M->group.cancelled = 1;
    while (kids.n)
        must_ask(line_take(&kids));
}

/* It must have the lock again first; one who was notified leaves that to the next. What comes
 * after the first request is not for this wait. */
static void condition_is_left(int x)
{
    int next;

    if (OF(x)->kind == IN_A_CONDITION) {
        meets_outermost(x, true);
        line_drop(LINE(CONDITION), x);
        waits_for_the_lock(x, -ECANCELED);
    } else if (OF(x)->note == 0) {
        meets_outermost(x, true);
        OF(x)->note = -ECANCELED;
        next = line_take(LINE(CONDITION));
        if (next != NOBODY)
            waits_for_the_lock(next, 0);
    }
}

static void is_taken_back(int x)
{
    meets_outermost(x, true);
    wakes(x, -ECANCELED);
}

/* The wait of [x] hears that a scope of [x] is asked. */
static void hears(int x)
{
    struct person *who = OF(x);

    switch (who->kind) {
    case IN_A_LINE:
        M->arrived -= who->line == BARRIER;
        line_drop(LINE(who->line), x);
        is_taken_back(x);
        break;
    case IN_A_CONDITION: case FOR_ITS_LOCK:
        condition_is_left(x);
        break;
    case SHIELDED:
        line_drop(LINE(JOINS), x);
        is_taken_back(x);
        break;
    case FOR_A_SET:
        set_is_left(x);
        is_taken_back(x);
        break;
    case FOR_AN_END:
        must_ask(last_actor());
        lends(x);
        break;
    case IN_A_GATHER:
        for (int i = 0; i < 2; i++)
            if (OF(member(i))->set == x)
                must_ask(member(i));
        lends(x);
        break;
    case FOR_A_GROUP:
        group_is_asked();
        lends(x);
        break;
    default:
        who->when = 0;
        is_taken_back(x);
    }
}

static void must_walk(void)
{
    struct line *walk = LINE(WALK);

    for (int i = 0; i < walk->n; i++)
        if (OF(walk->who[i])->gives == BLOCKED)
            hears(walk->who[i]);
    walk->n = 0;
}

static int must_cancel(int x)
{
    must_ask(x);
    must_walk();
    return !OF(x)->ended;
}

/* All are asked before the first of them hears of it. */
static void must_cancel_all(void)
{
    struct line kids = *LINE(GROUP);

    for (int x = 0; x < M->actors; x++)
        must_ask(x);
    while (kids.n)
        must_ask(line_take(&kids));
    must_walk();
}

static void must_group_cancel(void)
{
    if (M->group.cancelled)
        return;
    group_is_asked();
    must_walk();
}

/* For waits that hear of what is pending when they have begun. */
static void hears_pending(int x)
{
    for (int i = 0; i < OF(x)->scopes; i++)
        if (is_asked(&OF(x)->scope[i]))
            must_hear(x);
    must_walk();
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* The timer that is due first: scope [i] of [x], whose own scope stands for its sleep. */
struct due { int x, i; int64_t when; };

static void due_is(struct due *first, int x, int i, int64_t when)
{
    if (when && when <= M->now && (first->x == NOBODY || when < first->when))
        *first = (struct due){ x, i, when };
}

static struct due first_due(void)
{
    struct due first = { NOBODY, SELF, 0 };

    for (int x = 0; x < M->actors; x++) {
        due_is(&first, x, SELF, OF(x)->when);
        for (int i = SELF + 1; i < OF(x)->scopes; i++)
            due_is(&first, x, i, OF(x)->scope[i].when);
    }
    return first;
}

static void fires(struct due timer)
{
    struct scope *deadline = &OF(timer.x)->scope[timer.i];

    if (timer.i == SELF) {
        OF(timer.x)->when = 0;
        wakes(timer.x, 0);
        return;
    }
    deadline->when = 0;
    deadline->state = ASKED;
    if (OF(timer.x)->gives == BLOCKED)
        must_hear(timer.x);
    must_walk();
}

/* A turn begins. */
static void must_turn(void)
{
    M->turns++;
    for (struct due timer; (timer = first_due()).x != NOBODY; )
        fires(timer);
}

/* Longer than any deadline. */
static void time_passes(void)
{
    M->now += SECOND + ACTORS * (SCOPES + 1);
}

static int timers(void)
{
    int n = 0;

    for (int x = 0; x < M->actors; x++) {
        n += OF(x)->when != 0;
        for (int i = SELF + 1; i < OF(x)->scopes; i++)
            n += OF(x)->scope[i].when != 0;
    }
    return n;
}

/* ---- Waiting for tasks ----------------------------------------------------------------------- */

static void must_join(int x, char op)
{
    if (x == last_actor()) {
        OF(x)->gives = -EDEADLK;
    } else if (OF(last_actor())->ended && op == 'h') {
        OF(x)->gives = OF(last_actor())->result;        /* it lends nothing, so nothing is met */
    } else if (OF(last_actor())->ended) {
        had_ended(x, OF(last_actor())->result);
    } else {
        block(x, op == 'h' ? SHIELDED : FOR_AN_END);
        line_add(LINE(JOINS), x);
        hears_pending(x);
    }
}

static bool is_failure(intptr_t result)
{
    return result < 0 && result != -ECANCELED;
}

/* Of the set: how many have ended; the first of them; whether one failed. Of those that have
 * failed before, the first counts as the first in time. */
struct set_look { int ended, first; bool failed; intptr_t first_failure, failure; };
static struct set_look look(void)
{
    struct set_look set = { 0, NOBODY, false, 0, 0 };

    for (int i = 1; i >= 0; i--) {
        struct person *who = OF(member(i));

        if (!who->ended)
            continue;
        set.ended++;
        set.first = i;
        set.failed |= is_failure(who->result);
        if (who->result < 0)
            set.first_failure = who->result;
        if (is_failure(who->result))
            set.failure = who->result;
    }
    return set;
}

/* Why [x] may not wait for them; 0: it may. */
static intptr_t set_refuses(int x)
{
    for (int i = 0; i < 2; i++) {
        if (member(i) == x)
            return -EDEADLK;
        if (!OF(member(i))->ended && OF(member(i))->set != NOBODY)
            return -EBUSY;
    }
    return 0;
}

static void set_is_joined(int x)
{
    OF(x)->left = 0;
    for (int i = 0; i < 2; i++)
        if (!OF(member(i))->ended) {
            OF(member(i))->set = (uint8_t)x;
            OF(x)->left++;
        }
}

/* 'm' gather; 'y' wait_any; 'l' 'x' 'z' wait_all: all, first failed, first completed. */
static bool set_is_over(char op, struct set_look set)
{
    return set.ended == 2 || (set.ended && (op == 'y' || op == 'z')) || (set.failed && op == 'x');
}

static intptr_t set_gives(char op, struct set_look set)
{
    return op == 'm' ? set.first_failure : op == 'y' ? set.first : set.ended;
}

static void must_wait_for_set(int x, char op)
{
    struct set_look set = look();

    if (set_refuses(x)) {
        OF(x)->gives = set_refuses(x);
    } else if (set_is_over(op, set)) {
        had_ended(x, set_gives(op, set));
    } else {
        block(x, op == 'm' ? IN_A_GATHER : FOR_A_SET);
        OF(x)->first = set.first_failure;
        OF(x)->failure = set.failure;
        set_is_joined(x);
        hears_pending(x);
    }
}

/* Whether the tasks that wait to be given are those of [x]: they are of one set at a time. */
static bool has_one_to_give(int x)
{
    return LINE(EACH)->n && OF(LINE(EACH)->who[0])->set == x;
}

/* They come into the set of [x]; those that have ended wait to be given. */
static void each_begins(int x)
{
    struct person *who = OF(x);

    who->gives = set_refuses(x);
    for (int i = 0; i < 2 && who->gives == 0; i++)
        if (OF(member(i))->set != NOBODY)
            who->gives = -EBUSY;
    who->each = who->gives ? OVER : ON;
    if (who->each == OVER)
        return;
    set_is_joined(x);
    for (int i = 0; i < 2; i++)
        if (OF(member(i))->ended) {
            OF(member(i))->set = (uint8_t)x;
            line_add(LINE(EACH), member(i));
        }
}

static void must_give_next(int x)
{
    struct person *who = OF(x);

    if (who->each == NEW)
        each_begins(x);
    if (who->each == OVER)
        return;
    if (has_one_to_give(x))
        who->gives = 1;
    else if (who->left == 0)
        who->each = OVER;
    else if (!meets_request(x))
        block(x, FOR_THE_NEXT);
}

/* Completed was left, by its end or a cancel. */
static void each_is_over(int x)
{
    if (OF(x)->each == ON && has_one_to_give(x))
        LINE(EACH)->n = 0;
    if (OF(x)->each == ON)
        set_is_left(x);
    OF(x)->each = OVER;
}

/* One of its tasks has ended. In the end it gives the first failure in time; if it was asked, the
 * first that is no cancel. */
static void gather_goes_on(int x, intptr_t result)
{
    struct person *gather = OF(x);

    if (result < 0 && gather->first == 0)
        gather->first = result;
    if (is_failure(result) && gather->failure == 0)
        gather->failure = result;
    if (--gather->left > 0)
        return;
    tasks_have_ended(x, !has_lent(x) ? gather->first
                     : gather->failure ? gather->failure : -ECANCELED);
}

static void member_ended(int x, int who)
{
    struct person *owner = OF(x);

    if (owner->each == ON) {
        OF(who)->set = (uint8_t)x;
        line_add(LINE(EACH), who);
        owner->left--;
        if (owner->gives == BLOCKED && owner->kind == FOR_THE_NEXT)
            wakes(x, 1);
    } else if (owner->op == 'm') {
        gather_goes_on(x, OF(who)->result);
    } else if (set_is_over(owner->op, look())) {
        set_is_left(x);
        wakes(x, set_gives(owner->op, look()));
    }
}

/* ---- Group ----------------------------------------------------------------------------------- */

static void group_is_new(void)
{
    memset(&M->group, 0, sizeof M->group);
    M->group.waiter = M->group.over_for = NOBODY;
}

static int free_kid(void)
{
    int kid = ACTORS;

    while (kid < ALL && !OF(kid)->ended)
        kid++;
    return kid;
}

/* Its last task ended and its waiter is still to go on: it is nobody else's in that turn. */
static bool group_is_over(int x)
{
    return M->group.over_for != NOBODY && M->turns <= M->group.over_turn
        && x != M->group.over_for;
}

static void must_group_go(int x, int kid)
{
    if (group_is_over(x) || M->group.cancelled) {
        OF(x)->gives = -ECANCELED;
        return;
    }
    *OF(kid) = (struct person){ .scopes = 1, .set = NOBODY };
    line_add(LINE(GROUP), kid);
}

static void must_wait_for_group(int x)
{
    if (M->group.waiter != NOBODY || group_is_over(x)) {
        OF(x)->gives = -EBUSY;
    } else if (LINE(GROUP)->n == 0) {
        had_ended(x, M->group.failure);
        group_is_new();
    } else {
        M->group.waiter = x;
        block(x, FOR_A_GROUP);
        hears_pending(x);
    }
}

static void kid_ended(int kid)
{
    int waiter = M->group.waiter;

    line_drop(LINE(GROUP), kid);
    if (is_failure(OF(kid)->result) && M->group.failure == 0) {
        M->group.failure = OF(kid)->result;
        must_group_cancel();
    }
    if (LINE(GROUP)->n || waiter == NOBODY)
        return;
    tasks_have_ended(waiter, M->group.failure ? M->group.failure
                     : has_lent(waiter) ? -ECANCELED : 0);
    group_is_new();
    M->group.over_for = waiter;
    M->group.over_turn = M->turns + 1;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

/* A request that it has not met ends with it. */
static void must_end(int x, intptr_t result)
{
    int owner = OF(x)->set;

    OF(x)->ended = 1;
    OF(x)->result = result;
    while (x == last_actor() && LINE(JOINS)->n)
        tasks_have_ended(line_take(LINE(JOINS)), result);
    if (x >= ACTORS)
        kid_ended(x);
    else if (owner != NOBODY) {
        OF(x)->set = NOBODY;
        member_ended(owner, x);
    }
}

static void must_arrive(int x)
{
    if (M->parties == 0) {
        OF(x)->gives = -EINVAL;
    } else if (M->broken) {
        OF(x)->gives = -EPIPE;
    } else if (++M->arrived < M->parties) {
        block_in(x, BARRIER);
    } else {
        for (int i = 0; LINE(BARRIER)->n; i++)
            wakes(line_take(LINE(BARRIER)), i);
        OF(x)->gives = M->parties - 1;
        M->arrived = 0;
    }
}

static void must_release_semaphore(int x)
{
    int next = line_take(LINE(SEMAPHORE));

    if (next != NOBODY)
        wakes(next, 0);
    else if (M->value == M->bound)
        OF(x)->gives = -ERANGE;
    else
        M->value++;
}

static void barrier_is_new(int broken)
{
    wakes_all(BARRIER, -EPIPE);
    M->arrived = 0;
    M->broken = broken;
}

/* Calls that never wait. */
static void must_call(int x, char op)
{
    struct person *who = OF(x);

    switch (op) {
    case '0': case '1': case '2': case '3': who->gives = must_cancel(op - '0'); break;
    case 'C': must_cancel_all(); break;
    case 's': M->is_set = 1; wakes_all(EVENT, 0); break;
    case 'c': M->is_set = 0; break;
    case 'r':
        if (M->owner == x)
            lock_passes_on();
        else
            who->gives = -EPERM;
        break;
    case 'R': must_release_semaphore(x); break;
    case 'n': who->gives = must_notify(x, 1); break;
    case 'N': who->gives = must_notify(x, ALL); break;
    case 'B': barrier_is_new(1); break;
    case 'Z': barrier_is_new(0); break;
    case 'P': who->gives = must_put(who->item); break;
    case 'G': who->gives = must_get(x); break;
    case 'q': M->closed = 1; wakes_all(GETTERS, -EPIPE); wakes_all(PUTTERS, -EPIPE); break;
    case 'd':
        if (M->unfinished == 0)
            who->gives = -ERANGE;
        else if (--M->unfinished == 0)
            wakes_all(JOINERS, 0);
        break;
    case '+': case '-': case '*':
        if (free_kid() < ALL)
            must_group_go(x, free_kid());
        break;
    case 'k': must_group_cancel(); break;
    case 'T': time_passes(); break;
    default: break;
    }
}

static void must_acquire(int x)
{
    if (M->owner == x) {
        OF(x)->gives = -EDEADLK;
    } else if (M->owner == NOBODY) {
        M->owner = x;
    } else {
        block_in(x, LOCK);
        OF(x)->note = 0;
    }
}

static void must_wait_in_condition(int x)
{
    if (M->owner != x) {
        OF(x)->gives = -EPERM;
        return;
    }
    block(x, IN_A_CONDITION);
    line_add(LINE(CONDITION), x);
    lock_passes_on();
}

static void waits_unless(bool over, int x, enum line_name name)
{
    if (!over)
        block_in(x, name);
}

/* Ops that meet a request when they begin. */
static void must_wait(int x, char op)
{
    struct person *who = OF(x);

    if (meets_request(x))
        return;
    switch (op) {
    case 'w': waits_unless(M->is_set, x, EVENT); break;
    case 'a': must_acquire(x); break;
    case 'A':
        waits_unless(M->value > 0, x, SEMAPHORE);
        M->value -= M->value > 0;
        break;
    case 'v': must_wait_in_condition(x); break;
    case 'b': must_arrive(x); break;
    case 'p':
        who->gives = must_put(who->item);
        waits_unless(who->gives != -EAGAIN, x, PUTTERS);
        break;
    case 'g':
        who->gives = must_get(x);
        waits_unless(who->gives != -EAGAIN, x, GETTERS);
        break;
    case 'J': waits_unless(M->unfinished == 0, x, JOINERS); break;
    default:
        block(x, ASLEEP);
        who->when = M->now + later_by(x);
    }
}

/* What stands under a deadline, for 'W' and so on; else the op itself. */
static inline char inner(char op)
{
    switch (op) {
    case 'W': return 'w';
    case 'H': return 'g';
    case 'L': return 'a';
    case 'V': return 'v';
    case 'M': case 'f': return 'j';
    case 'U': return 'm';
    case 'K': return 'o';
    default:  return op;
    }
}

/* [x] begins [op]: what it must do, and give. Whether the op is one that may wait. Only one that
 * waits is under its deadline. */
static bool must_begin(int x, char op, int item)
{
    struct person *who = OF(x);
    bool waits = true;

    who->op = inner(op);
    who->gives = 0;
    who->item = item;
    who->gets = -1;
    switch (who->op) {
    case 'w': case 'a': case 'A': case 'v': case 'b': case 'p': case 'g': case 'J': case 't':
        must_wait(x, who->op);
        break;
    case 'j': case 'h': must_join(x, who->op); break;
    case 'm': case 'y': case 'l': case 'x': case 'z': must_wait_for_set(x, who->op); break;
    case 'e': must_give_next(x); break;
    case 'o': must_wait_for_group(x); break;
    default:
        must_call(x, who->op);
        waits = false;
    }
    who->under = inner(op) != op && who->gives == BLOCKED;
    if (who->under)
        must_open(x);
    return waits;
}

/* What the op of [x] that is over gives, its deadline considered. [x] runs: it has seen what it
 * met. */
static intptr_t must_give(int x)
{
    struct person *who = OF(x);

    if (who->scope[SELF].state == UNSEEN)
        who->scope[SELF].state = NONE;
    if (who->op == 'e' && who->gives == 1) {
        who->given = (uint8_t)line_take(LINE(EACH));
        OF(who->given)->set = NOBODY;
    } else if (who->op == 'e') {
        each_is_over(x);
    }
    return who->under ? must_close(x, who->gives) : who->gives;
}

#endif
