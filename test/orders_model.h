/* SPDX-License-Identifier: BSD-2-Clause
 * orders_model.h: what every primitive must do, said once more in the plainest way, in numbers
 * and lists, for test/orders.c: what each op must give, whom it wakes, and what is left in it. */
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

/* First in, first out, all of them. WOKEN: those whose wait is over and who have not run since. */
enum line_name { EVENT, LOCK, SEMAPHORE, CONDITION, BARRIER, GETTERS, PUTTERS, JOINERS, JOINS,
                 EACH, GROUP, WOKEN, LINES };
struct line { uint8_t n, who[ALL]; };

/* How a wait is taken back. */
enum wait_kind { IN_A_LINE, IN_A_CONDITION, FOR_ITS_LOCK, FOR_AN_END, SHIELDED, IN_A_GATHER,
                 FOR_A_SET, FOR_THE_NEXT, FOR_A_GROUP, ASLEEP };

struct person {
    intptr_t gives;                         /* what its op must give; BLOCKED: it waits */
    intptr_t note;                          /* of a wait for the lock, of a gather */
    intptr_t result;                        /* in the end */
    int64_t when;                           /* of its timer; 0: none */
    int item, gets;                         /* to be put; that it must have got */
    int asked;                              /* cancels since its op began */
    char op;
    uint8_t kind, line;                     /* enum wait_kind; which line, if it is in one */
    uint8_t pending, told;                  /* a cancel to be met; one met, and not seen yet */
    uint8_t handed, expired;                /* a join's own request; a deadline's: went down */
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
    struct { int count, cancelled, asked, waiter, over_for, over_turn; intptr_t failure; } group;
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

/* An op begins: a request that is pending is met by it. */
static inline bool meets_request(int x)
{
    bool pending = OF(x)->pending;

    if (pending)
        OF(x)->gives = -ECANCELED;
    OF(x)->pending = 0;
    return pending;
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

static int must_cancel(int x);
static void must_group_cancel(void);

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

static void taken_back(int x, int by_deadline)
{
    OF(x)->told = !by_deadline;
    wakes(x, -ECANCELED);
}

static void goes_down(int x, int by_deadline)
{
    if (OF(x)->op == 'f') {                 /* a wait_for becomes a join */
        OF(x)->when = 0;
        OF(x)->expired = 0;
        OF(x)->op = 'j';
    }
    OF(x)->handed |= !by_deadline;
    must_cancel(last_actor());
}

static void condition_is_left(int x, int by_deadline)
{
    int next;

    if (OF(x)->kind == IN_A_CONDITION) {
        OF(x)->told = !by_deadline;
        line_drop(LINE(CONDITION), x);
        waits_for_the_lock(x, -ECANCELED);
    } else if (OF(x)->note < 0) {
        OF(x)->pending |= !by_deadline;
    } else {                                /* notified: that goes to the next */
        OF(x)->told = !by_deadline;
        OF(x)->note = -ECANCELED;
        next = line_take(LINE(CONDITION));
        if (next != NOBODY)
            waits_for_the_lock(next, 0);
    }
}

/* The wait of [x] meets a request: its own, or a deadline's. */
static void meets(int x, int by_deadline)
{
    struct person *who = OF(x);

    switch (who->kind) {
    case IN_A_LINE:
        M->arrived -= who->line == BARRIER;
        line_drop(LINE(who->line), x);
        taken_back(x, by_deadline);
        break;
    case IN_A_CONDITION: case FOR_ITS_LOCK:
        condition_is_left(x, by_deadline);
        break;
    case FOR_AN_END:
        goes_down(x, by_deadline);
        break;
    case SHIELDED:
        line_drop(LINE(JOINS), x);
        taken_back(x, by_deadline);
        break;
    case IN_A_GATHER:
        for (int i = 0; i < 2; i++)
            if (OF(member(i))->set == x)
                must_cancel(member(i));
        break;
    case FOR_A_GROUP:
        M->group.asked = 1;
        M->group.cancelled = 0;
        must_group_cancel();
        break;
    case FOR_A_SET:
        set_is_left(x);
        taken_back(x, by_deadline);
        break;
    default:
        who->when = 0;
        taken_back(x, by_deadline);
    }
}

/* Two requests that come before the first was seen are one. */
static int must_cancel(int x)
{
    if (OF(x)->ended)
        return 0;
    OF(x)->asked++;
    if (OF(x)->pending || OF(x)->told)
        return 1;
    if (OF(x)->gives == BLOCKED)
        meets(x, 0);
    else
        OF(x)->pending = 1;
    return 1;
}

/* For ops that hand a pending request down. */
static void meets_pending(int x)
{
    if (!OF(x)->pending)
        return;
    OF(x)->pending = 0;
    meets(x, 0);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void fires(int x)
{
    struct person *who = OF(x);

    if (who->op == 'f') {
        who->expired = 1;
        must_cancel(last_actor());
    } else if (who->gives == BLOCKED && who->kind == ASLEEP) {
        wakes(x, 0);
    } else if (who->gives == BLOCKED && !(who->kind == FOR_ITS_LOCK && who->note < 0)) {
        who->expired = 1;
        meets(x, 1);
    }
}

/* No two are due at one time, for that would leave open which comes first. */
static inline int64_t later(int x)
{
    return M->now + SECOND + x;
}

static int first_due(void)
{
    int first = NOBODY;

    for (int x = 0; x < M->actors; x++)
        if (OF(x)->when && OF(x)->when <= M->now
            && (first == NOBODY || OF(x)->when < OF(first)->when))
            first = x;
    return first;
}

/* A turn begins. */
static void must_turn(void)
{
    M->turns++;
    for (int x; (x = first_due()) != NOBODY; fires(x))
        OF(x)->when = 0;
}

/* ---- Waiting for tasks ----------------------------------------------------------------------- */

static void must_join(int x, char op)
{
    if (OF(last_actor())->ended) {
        OF(x)->gives = OF(last_actor())->result;
        return;
    }
    block(x, op == 'h' ? SHIELDED : FOR_AN_END);
    line_add(LINE(JOINS), x);
    if (op == 'f')
        OF(x)->when = later(x);
    meets_pending(x);
}

static bool is_failure(intptr_t result)
{
    return result < 0 && result != -ECANCELED;
}

/* Of the set: how many have ended; the first of them; whether one failed; who has them. */
struct set_look { int ended, first; bool failed, busy; intptr_t failure; };
static struct set_look look(void)
{
    struct set_look set = { 0, NOBODY, false, false, 0 };

    for (int i = 1; i >= 0; i--) {
        struct person *who = OF(member(i));

        set.busy |= !who->ended && who->set != NOBODY;
        if (!who->ended)
            continue;
        set.ended++;
        set.first = i;
        set.failed |= is_failure(who->result);
        if (who->result < 0)
            set.failure = who->result;
    }
    return set;
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
    return op == 'm' ? set.failure : op == 'y' ? set.first : set.ended;
}

static void must_wait_for_set(int x, char op)
{
    struct set_look set = look();

    if (set.busy) {
        OF(x)->gives = -EBUSY;
    } else if (set_is_over(op, set)) {
        OF(x)->gives = set_gives(op, set);
    } else {
        block(x, op == 'm' ? IN_A_GATHER : FOR_A_SET);
        OF(x)->note = set.failure;
        set_is_joined(x);
        meets_pending(x);
    }
}

/* Whether the tasks that wait to be given are those of [x]: they are of one set at a time. */
static bool has_one_to_give(int x)
{
    return LINE(EACH)->n && OF(LINE(EACH)->who[0])->set == x;
}

static void must_give_next(int x)
{
    struct person *who = OF(x);

    if (who->each == NEW) {
        for (int i = 0; i < 2; i++)
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

static void member_ended(int x, int who)
{
    struct person *owner = OF(x);
    intptr_t result = OF(who)->result;

    if (owner->each == ON) {
        OF(who)->set = (uint8_t)x;
        line_add(LINE(EACH), who);
        owner->left--;
        if (owner->gives == BLOCKED && owner->kind == FOR_THE_NEXT)
            wakes(x, 1);
        return;
    }
    if (owner->op == 'm') {
        owner->note = owner->note ? owner->note : result < 0 ? result : 0;
        if (--owner->left == 0)
            wakes(x, owner->note);
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

static void must_group_cancel(void)
{
    struct line kids = *LINE(GROUP);

    if (M->group.cancelled)
        return;
    M->group.cancelled = 1;
    while (kids.n)
        must_cancel(line_take(&kids));
}

static int free_kid(void)
{
    int kid = ACTORS;

    while (kid < ALL && !OF(kid)->ended)
        kid++;
    return kid;
}

static void must_group_go(int x, int kid)
{
    bool over = M->group.over_for != NOBODY && M->turns <= M->group.over_turn
        && x != M->group.over_for;

    if (over || M->group.cancelled) {
        OF(x)->gives = -ECANCELED;
        return;
    }
    *OF(kid) = (struct person){ .set = NOBODY };
    line_add(LINE(GROUP), kid);
}

static void must_group(int x)
{
    if (M->group.waiter != NOBODY) {
        OF(x)->gives = -EBUSY;
    } else if (LINE(GROUP)->n == 0) {
        OF(x)->gives = M->group.failure;
        group_is_new();
    } else {
        M->group.waiter = x;
        block(x, FOR_A_GROUP);
        meets_pending(x);
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
    wakes(waiter, M->group.failure ? M->group.failure : M->group.asked ? -ECANCELED : 0);
    group_is_new();
    M->group.over_for = waiter;
    M->group.over_turn = M->turns + 1;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

static void must_end(int x, intptr_t result)
{
    bool unmet = OF(x)->pending && result != -ECANCELED;

    OF(x)->ended = 1;
    OF(x)->pending = 0;
    OF(x)->result = result;
    while (x == last_actor() && LINE(JOINS)->n) {
        int joiner = line_take(LINE(JOINS));
        struct person *who = OF(joiner);

        who->pending |= who->handed && unmet;
        who->when = who->op == 'f' ? 0 : who->when;
        wakes(joiner, who->op == 'f' && who->expired && result == -ECANCELED ? -ETIMEDOUT : result);
    }
    if (x >= ACTORS)
        kid_ended(x);
    else if (OF(x)->set != NOBODY) {
        int owner = OF(x)->set;

        OF(x)->set = NOBODY;
        member_ended(owner, x);
    }
}

static void must_arrive(int x)
{
    if (M->broken) {
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
        if (M->unfinished > 0 && --M->unfinished == 0)
            wakes_all(JOINERS, 0);
        break;
    case '+': case '-':
        if (free_kid() < ALL)
            must_group_go(x, free_kid());
        break;
    case 'k': must_group_cancel(); break;
    case 'T': M->now += SECOND + ACTORS; break;
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
        who->when = later(x);
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
    case 'M': return 'j';
    default:  return op;
    }
}

/* [x] begins [op]: what it must do, and give. Whether the op is one that may wait. */
static bool must_begin(int x, char op, int item)
{
    struct person *who = OF(x);
    bool waits = true;

    who->op = inner(op);
    who->gives = 0;
    who->item = item;
    who->gets = -1;
    who->asked = who->expired = who->handed = 0;
    switch (who->op) {
    case 'w': case 'a': case 'A': case 'v': case 'b': case 'p': case 'g': case 'J': case 't':
        must_wait(x, who->op);
        break;
    case 'j': case 'h': case 'f': must_join(x, who->op); break;
    case 'm': case 'y': case 'l': case 'x': case 'z': must_wait_for_set(x, who->op); break;
    case 'e': must_give_next(x); break;
    case 'o': must_group(x); break;
    default:
        must_call(x, who->op);
        waits = false;
    }
    if (inner(op) != op && who->gives == BLOCKED)
        who->when = later(x);
    return waits;
}

/* What the op of [x] that is over gives, its deadline considered. */
static intptr_t must_give(int x, char op)
{
    struct person *who = OF(x);

    who->told = 0;
    who->when = 0;
    if (who->op == 'e' && who->gives == 1) {
        who->given = (uint8_t)line_take(LINE(EACH));
        OF(who->given)->set = NOBODY;
    } else if (who->op == 'e') {
        each_is_over(x);
    }
    if (inner(op) == op || who->gives != -ECANCELED || !who->expired)
        return who->gives;
    if (who->asked == 0)
        return -ETIMEDOUT;
    who->pending = 0;
    return -ECANCELED;
}

#endif
