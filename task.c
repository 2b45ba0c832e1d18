/* SPDX-License-Identifier: BSD-2-Clause
 * task.c: the scheduler of task.h: tasks, their queue, their waits, their timers. Freestanding. */
#include "task.h"

#if __STDC_HOSTED__ && !defined CO_TINY && !defined __TINYC__ && !defined __AVR__
#define CO_THREAD_LOCAL_ __thread
#else
#define CO_THREAD_LOCAL_
#endif

#define CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

static CO_THREAD_LOCAL_ struct co_scheduler *scheduler_;

/* ---- Misuse ---------------------------------------------------------------------------------- */

/* Stops the program: [subject], [what] and [object] make one sentence, [task] tells the place. */
#ifdef CO_TINY
#define stop(task, subject, what, object)                                                         \
    do { (void)(task), (void)(subject), (void)(object); CO_STOP(__FILE__, 0, what); } while (0)
#else
static CO_ATTRIBUTE_(cold, noinline) void stop(struct co_task *task, const char *subject,
                                               const char *what, const char *object)
{
    const struct co_site *site = task ? co_where(task->chain.top) : NULL;
    const char *parts[] = { subject, what, object };
    char text[200];
    size_t n = 0;

    for (int i = 0; i < 3; i++)
        for (const char *p = parts[i]; *p && n + 1 < sizeof text; p++)
            text[n++] = *p;
    text[n] = '\0';
    (void)text, (void)site;
    CO_STOP(site ? site->file : __FILE__, site ? site->line : __LINE__, text);
}
#endif

/* The op that [task] made and did not await. */
static const char *unawaited(const struct co_task *task)
{
    return task->wait ? task->wait->name : "an op";
}

static struct co_scheduler *scheduler_here(const char *call)
{
    if (!scheduler_)
        stop(NULL, call, "() needs a scheduler: call it under co_main, or after co_loop_new", "");
    return scheduler_;
}

static CO_ATTRIBUTE_(cold, noinline) void stop_op(struct co_task *task, const char *name)
{
    if (!task)
        stop(NULL, name, "() was made outside a task: only a coroutine that a task runs may", "");
    else
        stop(task, unawaited(task), " was made after this place and not awaited before ", name);
}

/* The running task, about to make the op [name]. */
struct co_task *co_task_running_(const char *name)
{
    struct co_task *task = scheduler_ ? scheduler_->current : NULL;

    if (!task || task->step != CO_TASK_RUNNING_)
        stop_op(task, name);
    return task;
}

void co_task_unwaited_(struct co_task *waiters, const char *call)
{
    if (waiters)
        stop(waiters, call, "() while a task still waits: here it stands", "");
}

#ifdef CO_TINY                  /* without hooks */
#define HOOKS(s) ((struct co_hooks *)0)
#else
#define HOOKS(s) ((s)->hooks)
#endif

/* For the hooks; without them, which is the usual case, one load and a branch. */
static CO_ATTRIBUTE_(cold, noinline) void point(struct co_scheduler *s, struct co_task *task)
{
    s->hooks->point(s->hooks, task);
}

void co_task_point_(struct co_task *task)
{
    if (HOOKS(scheduler_))
        point(scheduler_, task);
}

static CO_ATTRIBUTE_(cold, noinline) void stepped(struct co_scheduler *s, struct co_task *task)
{
    s->hooks->stepped(s->hooks, task);
}

#define STEPPED(s, task) do { if (CO_RARELY_(HOOKS(s) != NULL)) stepped(s, task); } while (0)
#define POINT(s, task) do { if (CO_RARELY_(HOOKS(s) != NULL)) point(s, task); } while (0)

/* ---- Rings ----------------------------------------------------------------------------------- */

void co_ring_add(struct co_task **ring, struct co_task *task)
{
    struct co_task *first = *ring;

    if (!first) {
        *ring = task->in.link.next = task->in.link.prev = task;
        return;
    }
    task->in.link.next = first;
    task->in.link.prev = first->in.link.prev;
    first->in.link.prev->in.link.next = task;
    first->in.link.prev = task;
}

void co_ring_remove(struct co_task **ring, struct co_task *task)
{
    if (task->in.link.next == task) {
        *ring = NULL;
        return;
    }
    task->in.link.prev->in.link.next = task->in.link.next;
    task->in.link.next->in.link.prev = task->in.link.prev;
    if (*ring == task)
        *ring = task->in.link.next;
}

static struct co_task *joiners_of(const struct co_task *task)
{
    return task->told & 1 ? (struct co_task *)(task->told - 1) : NULL;
}

struct co_task_set *co_task_set_(const struct co_task *task)
{
    struct co_task *joiners = joiners_of(task);

    return (struct co_task_set *)(joiners ? (uintptr_t)joiners->chain.result : task->told);
}

static void told_put(struct co_task *task, struct co_task *joiners, struct co_task_set *set)
{
    task->told = joiners ? (uintptr_t)joiners + 1 : (uintptr_t)set;
    if (joiners)
        joiners->chain.result = (intptr_t)set;
}

void co_task_set_put_(struct co_task *task, struct co_task_set *set)
{
    told_put(task, joiners_of(task), set);
}

static void joiner_add(struct co_task *task, struct co_task *joiner)
{
    struct co_task_set *set = co_task_set_(task);
    struct co_task *ring = joiners_of(task);

    co_ring_add(&ring, joiner);
    told_put(task, ring, set);
}

static void joiner_remove(struct co_task *task, struct co_task *joiner)
{
    struct co_task_set *set = co_task_set_(task);
    struct co_task *ring = joiners_of(task);

    co_ring_remove(&ring, joiner);
    told_put(task, ring, set);
}

/* All tasks lie in lists: the scheduler's own, and one for each group that has tasks. */
static struct co_task_list *list_of(struct co_scheduler *s, const struct co_task *task)
{
    return task->flags & CO_TASK_MEMBER_ ? &((struct co_members_ *)(void *)co_task_set_(task))->list
                                      : &s->own;
}

static void all_add(struct co_scheduler *s, struct co_task *task)
{
    struct co_task_list *list = list_of(s, task);
    struct co_task *oldest = list->oldest;

    s->count++;
    if (oldest) {
        task->younger = oldest;
        task->older = oldest->older;
        oldest->older->younger = task;
        oldest->older = task;
        return;
    }
    list->oldest = task->older = task->younger = task;
    if (list != &s->own) {
        list->next = &s->own;
        list->prev = s->own.prev;
        s->own.prev->next = list;
        s->own.prev = list;
    }
}

static void all_remove(struct co_scheduler *s, struct co_task *task)
{
    struct co_task_list *list = list_of(s, task);

    s->count--;
    task->older->younger = task->younger;
    task->younger->older = task->older;
    if (list->oldest != task)
        return;
    list->oldest = task->younger == task ? NULL : task->younger;
    if (!list->oldest && list != &s->own) {
        list->prev->next = list->next;
        list->next->prev = list->prev;
    }
}

struct co_task *co_task_next(const struct co_task *task)
{
    struct co_task_list *list;

    if (!scheduler_)
        return NULL;
    list = task ? list_of(scheduler_, task) : &scheduler_->own;
    if (task ? task->younger != list->oldest : list->oldest != NULL)
        return task ? task->younger : list->oldest;
    return list->next == &scheduler_->own ? NULL : list->next->oldest;
}

/* ---- Timers: a heap; each owner knows its place, so that it can leave in O(log n) ------------ */

/* Eight ways: the row of a parent is two cache lines, and what costs most in a large heap, the
 * store of its new place in each owner that moves, is done seven times for a million timers, not
 * ten. Two where code is dear and timers are few. */
#ifdef CO_TINY
enum { WAYS = 2 };
#else
enum { WAYS = 8 };
#endif

/* A slot belongs to a task, or, with bit 0 set, to a co_timer. */
static void slot_put(struct co_scheduler *s, uint32_t i, struct co_timer_slot slot)
{
    s->timers[i] = slot;
    if (slot.owner & 1)
        ((struct co_timer *)(slot.owner - 1))->place = i + 1;
    else
        ((struct co_task *)slot.owner)->timer = i + 1;
}

/* The child of [i] that is due first; one beyond the last if there is none. A full row is compared
 * without branches, for which one it is cannot be predicted. */
#ifdef CO_TINY
static uint32_t slot_child(const struct co_scheduler *s, uint32_t i)
{
    uint32_t first = WAYS * i + 1;

    return first + (first + 1 < s->timer_count
                    && s->timers[first + 1].when < s->timers[first].when);
}
#else
static uint32_t slot_child(const struct co_scheduler *s, uint32_t i)
{
    uint32_t first = WAYS * i + 1, least = first;
    int64_t when;

    if (first >= s->timer_count)
        return first;
    when = s->timers[first].when;
    if (first + WAYS > s->timer_count) {
        for (uint32_t k = first + 1; k < s->timer_count; k++)
            if (s->timers[k].when < s->timers[least].when)
                least = k;
        return least;
    }
    for (uint32_t k = first + 1; k < first + WAYS; k++) {
        int64_t other = s->timers[k].when;

        least = other < when ? k : least;
        when = other < when ? other : when;
    }
    return least;
}
#endif

static void slot_sift(struct co_scheduler *s, uint32_t i, struct co_timer_slot slot)
{
    while (i > 0 && slot.when < s->timers[(i - 1) / WAYS].when) {
        slot_put(s, i, s->timers[(i - 1) / WAYS]);
        i = (i - 1) / WAYS;
    }
    for (;;) {
        uint32_t least = slot_child(s, i);

        if (least >= s->timer_count || slot.when <= s->timers[least].when)
            break;
        slot_put(s, i, s->timers[least]);
        i = least;
    }
    slot_put(s, i, slot);
}

/* Room for [room] timers. 0, or -ENOMEM. */
static int slots_resize(struct co_scheduler *s, uint32_t room)
{
    void *timers = s->fixed ? NULL
        : s->driver->resize(s->driver, s->timers, (size_t)room * sizeof *s->timers);

    if (!timers)
        return -ENOMEM;
    s->timers = (struct co_timer_slot *)timers;
    s->timer_room = room;
    return 0;
}

enum { ROOM_LEAST = 16, ROOM_KEPT = 1024 };

static int slot_add(struct co_scheduler *s, int64_t when, uintptr_t owner)
{
    if (s->timer_count == s->timer_room
        && slots_resize(s, s->timer_room ? 2 * s->timer_room : ROOM_LEAST) < 0)
        return -ENOMEM;
    if (when <= s->fired)           /* started while timers fire: for the next turn */
        when = s->fired + 1;
    s->timer_count++;
    slot_sift(s, s->timer_count - 1, (struct co_timer_slot){ when, owner });
    return 0;
}

/* A large heap that is nearly empty is halved. */
static CO_ATTRIBUTE_(cold, noinline) void slots_halve(struct co_scheduler *s)
{
    if (s->timer_room > ROOM_KEPT)
        (void)slots_resize(s, s->timer_room / 2);
}

/* Takes the slot at [place] (from 1) out. */
static inline void slot_remove(struct co_scheduler *s, uint32_t place)
{
    struct co_timer_slot last = s->timers[--s->timer_count];

    if (place - 1 < s->timer_count)
        slot_sift(s, place - 1, last);
    if (CO_RARELY_(s->timer_count < s->timer_room / 8))
        slots_halve(s);
}

int co_timer_start(struct co_timer *timer, int64_t when)
{
    co_timer_stop(timer);
    return slot_add(scheduler_here("co_timer_start"), when, (uintptr_t)timer + 1);
}

void co_timer_stop(struct co_timer *timer)
{
    if (timer->place)
        slot_remove(scheduler_, timer->place);
    timer->place = 0;
}

static void task_timer_over(struct co_task *task);
static void wait_for_expired(struct co_task *task);

static void timers_fire(struct co_scheduler *s)
{
    if (s->timer_count == 0)
        return;
    s->fired = s->driver->now(s->driver);
    while (s->timer_count > 0 && s->timers[0].when <= s->fired) {
        uintptr_t owner = s->timers[0].owner;

        slot_remove(s, 1);
        if (owner & 1) {
            struct co_timer *timer = (struct co_timer *)(owner - 1);
            timer->place = 0;
            timer->fire(timer);
        } else {
            task_timer_over((struct co_task *)owner);
        }
    }
    s->fired = INT64_MIN;
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

enum { HANDED_DOWN = 2 };         /* in co_within.met: see handed_down_wait */
static co_declare(co_within);

/* The innermost deadline of [co] and its callers; NULL: there is none. */
static struct co_within *within_of(struct co *co)
{
    while (co && co->body != co_body_co_within)
        co = co->caller;
    return (struct co_within *)co;
}

/* The outermost deadline of [task] that has expired and is to be met; or NULL. CO_TASK_LATE_ says
 * that there may be one: so most ops need not look. */
static struct co_within *deadline_asked(struct co_task *task)
{
    struct co_within *found = NULL;
    int late = 0;

    if (!(task->flags & CO_TASK_LATE_))
        return NULL;
    for (struct co_within *w = within_of(task->chain.top); w; w = within_of(w->co.caller)) {
        late |= w->asked || w->met == HANDED_DOWN;
        if (w->asked)
            found = w;
    }
    if (!late)
        task->flags &= (uint16_t)~CO_TASK_LATE_;
    return found;
}

static int request_pending(struct co_task *task)
{
    return task->flags & CO_TASK_CANCEL_ || deadline_asked(task);
}

enum { BY_TASK = 1, BY_DEADLINE = 2 };      /* in co_within.outer */

/* The request of the deadline [met] has been met: those inside it leave it its -ECANCELED. */
static void deadline_met(struct co_task *task, struct co_within *met)
{
    struct co_within *w = within_of(task->chain.top);

    met->met = 1;
    for (; w && w != met; w = within_of(w->co.caller))
        w->outer |= BY_DEADLINE;
}

/* Takes the request that [task] is to meet next, if there is one: its own, else a deadline's. */
static int request_take(struct co_task *task)
{
    struct co_within *found;

    if (!(task->flags & (CO_TASK_CANCEL_ | CO_TASK_LATE_)))
        return 0;
    if (task->flags & CO_TASK_CANCEL_) {
        task->flags &= (uint16_t)~CO_TASK_CANCEL_;
        return 1;
    }
    found = deadline_asked(task);
    if (!found)
        return 0;
    found->asked = 0;
    deadline_met(task, found);
    return 1;
}

/* Asks [task] once more. A request that comes before [task] has seen the last one is one with it.
 * Whether it must be delivered: [task] waits. */
static int request(struct co_task *task)
{
    int met = task->flags & (CO_TASK_CANCEL_ | CO_TASK_TOLD_);

    task->flags |= met ? CO_TASK_ASKED_ : CO_TASK_ASKED_ | CO_TASK_CANCEL_;
    for (struct co_within *w = within_of(task->chain.top); w; w = within_of(w->co.caller))
        w->outer |= BY_TASK;
    return !met && task->step == CO_TASK_WAITING_;
}

/* A gather is all that has members. Its take_back is the three functions that follow: while it
 * hands its request down, [wait] is a link to the gather above, and [timer] counts its members;
 * then [timer] is the number of the request. */
static const struct co_wait_kind gather_wait = { CO_NAME_("co_gather"), NULL };

static struct co_task *gather_begin(struct co_task *task, struct co_task *above)
{
    task->flags |= CO_TASK_PASSING_;
    task->wait = (const struct co_wait_kind *)(void *)above;
    task->timer = 0;
    return task;
}

/* The next member that waits and has to hear of the request, or NULL. */
static struct co_task *gather_next(struct co_task *task)
{
    struct co_task *const *members = (struct co_task *const *)task->object;

    while (task->timer < task->in.many.count) {
        struct co_task *member = members[task->timer++];
        if (!member || co_task_set_(member) != &task->in.many.set)
            continue;
        if ((member->flags & (CO_TASK_PASSING_ | CO_TASK_RING_)) == CO_TASK_RING_)
            task->flags |= CO_TASK_RING_;  /* it awaits a group that this gather is in: cut here */
        else if (request(member))
            return member;
    }
    return NULL;
}

/* Gives the gather above. Where the request came back to [task], the tasks wait for each other in a
 * ring: then the members are let go. */
static struct co_task *gather_end(struct co_task *task)
{
    struct co_task *above = (struct co_task *)(uintptr_t)task->wait;
    struct co_task *const *members = (struct co_task *const *)task->object;

    if (task->flags & CO_TASK_RING_) {
        for (uint32_t i = 0; i < task->in.many.count; i++)
            if (members[i] && co_task_set_(members[i]) == &task->in.many.set)
                co_task_set_put_(members[i], NULL);
        task->flags |= CO_TASK_TOLD_;
        co_wake(task, -ECANCELED);
    }
    task->flags &= (uint16_t)~(CO_TASK_PASSING_ | CO_TASK_RING_);
    task->wait = &gather_wait;
    task->timer = scheduler_->requests;
    return above;
}

static int join_take_back(struct co_task *task)
{
    joiner_remove((struct co_task *)task->object, task);
    return 1;
}
static const struct co_wait_kind join_wait = { CO_NAME_("co_join"), join_take_back };
static const struct co_wait_kind shield_wait = { CO_NAME_("co_shield"), join_take_back };

/* co_wait_for is a join with a timer, which is the task's own. When that has expired, it is another
 * wait; a request of the task's own ends the deadline. */
static void wait_for_over(struct co_task *task)
{
    if (task->timer)
        slot_remove(scheduler_, task->timer);
    task->timer = 0;
}

static const struct co_wait_kind wait_for_wait = { CO_NAME_("co_wait_for"), join_take_back };
static const struct co_wait_kind expired_wait = { CO_NAME_("co_wait_for"), join_take_back };

/* A join that has handed a request of its own down. Like that of a deadline (HANDED_DOWN in [met]),
 * it comes back if the task that got it ends without having met it, for then nobody has. */
static const struct co_wait_kind handed_down_wait = { CO_NAME_("co_join"), join_take_back };

static void hand_down(struct co_task *joiner)
{
    struct co_within *within = joiner->flags & CO_TASK_CANCEL_ ? NULL : deadline_asked(joiner);

    if (joiner->flags & CO_TASK_CANCEL_)
        joiner->wait = &handed_down_wait;
    request_take(joiner);
    if (within)
        within->met = HANDED_DOWN;
}

static void hand_back(struct co_task *joiner, int unmet)
{
    if (joiner->flags & CO_TASK_LATE_)
        for (struct co_within *w = within_of(joiner->chain.top); w; w = within_of(w->co.caller))
            if (w->met == HANDED_DOWN) {
                w->met = 0;
                w->asked = (uint8_t)unmet;
                if (!unmet)
                    deadline_met(joiner, w);
            }
    if (unmet && joiner->wait == &handed_down_wait)
        joiner->flags |= CO_TASK_CANCEL_;
}

/* The end of the joins that start at [task]: a join hands its request to the task that it joins.
 * NULL if that does not wait. A ring of joins is cut at any of them. */
static struct co_task *join_end(struct co_task *task)
{
    struct co_task *next;

    for (uint32_t hops = scheduler_->count; hops > 0; hops--) {
        if (task->wait == &wait_for_wait || task->wait == &expired_wait) {
            wait_for_over(task);
            task->wait = &join_wait;
        } else if (task->wait != &join_wait && task->wait != &handed_down_wait) {
            break;
        }
        next = (struct co_task *)task->object;
        if ((next->flags & (CO_TASK_PASSING_ | CO_TASK_RING_)) == CO_TASK_RING_)
            break;                      /* a member joins who awaits its group: cut here */
        hand_down(task);
        task = next;
        if (!request(task))
            return NULL;
    }
    return task;
}

/* Lets the waiting [task] meet its request: takes its wait back, or hands the request down to those
 * that it waits for. By loops, not by recursion, for chains may be long. */
static void deliver(struct co_task *task)
{
    struct co_task *above = NULL;

    scheduler_->requests++;
    do {
        task = join_end(task);
        if (task) {
            int told = task->flags & CO_TASK_CANCEL_ ? CO_TASK_TOLD_ : 0;
            int is_gather = task->wait == &gather_wait || task->flags & CO_TASK_PASSING_;
            int took = is_gather ? 0 : task->wait->take_back(task);

            if (took != CO_LATER)
                request_take(task);
            if (task->flags & CO_TASK_PASSING_) {
                task->flags |= CO_TASK_RING_;
            } else if (is_gather) {
                if (task->timer != scheduler_->requests)        /* else it handed it down already */
                    above = gather_begin(task, above);
            } else if (took == 1) {
                task->flags |= (uint8_t)told;
                co_wake(task, -ECANCELED);
            }
        }
        for (task = NULL; above && !(task = gather_next(above)); )
            above = gather_end(above);
    } while (task);
}

int co_cancel(struct co_task *task)
{
    if (!task || task->step == CO_TASK_ENDED_)
        return 0;
    if (request(task))
        deliver(task);
    return 1;
}

/* All are asked before any request is delivered, so that none is handed down to be a second one. */
void co_scheduler_cancel_all(struct co_scheduler *s)
{
    (void)s;
    for (struct co_task *task = NULL; (task = co_task_next(task)) != NULL; )
        request(task);
    for (struct co_task *task = NULL; (task = co_task_next(task)) != NULL; )
        if (task->step == CO_TASK_WAITING_ && task->flags & CO_TASK_CANCEL_)
            deliver(task);
}

/* ---- What makers of ops use ------------------------------------------------------------------ */

int co_op_take_cancel(const char *name)
{
    return request_take(co_task_running_(name));
}

/* Behind all that are ready, with [result] for the op that was just made. */
static co_op done_later(struct co_task *task, intptr_t result)
{
    task->chain.result = result;
    task->step = CO_TASK_READY_;
    co_ring_add(&scheduler_->ready, task);
    return co_wait();
}

/* For an op that hands requests down: one that is pending is handed down at once. */
void co_task_meet_(struct co_task *task)
{
    if (request_pending(task))
        deliver(task);
}

struct co_task *co_task_quick_(void)
{
    struct co_scheduler *s = scheduler_;
    struct co_task *task = co_task_unasked_(s);

    if (!task || s->budget <= 1 || HOOKS(s))
        return NULL;
    s->budget--;
    task->wait = NULL;
    return task;
}

co_op co_op_done(intptr_t result)
{
    struct co_task *task = co_task_running_(CO_NAME_("co_op_done"));
    struct co_scheduler *s = scheduler_;

    task->wait = NULL;
    POINT(s, task);
    return --s->budget > 0 ? co_done(result) : done_later(task, result);
}

static inline void waits(struct co_scheduler *s, struct co_task *task,
                         const struct co_wait_kind *wait, void *object)
{
    task->wait = wait;
    task->object = object;
    task->step = CO_TASK_WAITING_;
    POINT(s, task);
}

struct co_task *co_op_wait(const struct co_wait_kind *wait, void *object)
{
    struct co_task *task = co_task_running_(wait->name);

    waits(scheduler_, task, wait, object);
    return task;
}

static int call_take_back(struct co_task *task)
{
    (void)task;
    return 1;
}
static const struct co_wait_kind call_wait = { CO_NAME_("co_wait"), call_take_back };

void co_wake(struct co_task *task, intptr_t result)
{
    struct co_scheduler *s = scheduler_;

    if (task->step == CO_TASK_READY_ && task->wait == &call_wait
        && task->chain.result == -ECANCELED)
        return;                     /* a cancel was faster, which the caller cannot know yet */
    if (task->step != CO_TASK_WAITING_)
        stop(task, "co_wake", "() of a task that does not wait: wake each wait once", "");
    task->step = CO_TASK_READY_;
    task->chain.result = result;
    co_ring_add(&s->ready, task);
    POINT(s, task);
}

/* ---- Sleep ----------------------------------------------------------------------------------- */

static int sleep_take_back(struct co_task *task)
{
    slot_remove(scheduler_, task->timer);
    task->timer = 0;
    return 1;
}
static const struct co_wait_kind sleep_wait = { CO_NAME_("co_sleep"), sleep_take_back };

static co_op sleep_op(int64_t when, int at_once)
{
    struct co_task *task = co_task_running_(CO_NAME_("co_sleep"));

    if (request_take(task))
        return co_done(-ECANCELED);
    if (at_once) {
        task->wait = &sleep_wait;
        co_task_point_(task);
        return done_later(task, 0);
    }
    if (slot_add(scheduler_, when, (uintptr_t)task) < 0)
        return co_done(-ENOMEM);
    waits(scheduler_, task, &sleep_wait, NULL);
    return co_wait();
}

co_op co_sleep_ns_(int64_t ns)
{
    struct co_scheduler *s = scheduler_here("co_sleep");

    return ns > 0 ? sleep_op(s->driver->now(s->driver) + ns, 0) : sleep_op(0, 1);
}

co_op co_sleep_until_ns_(int64_t when)
{
    struct co_scheduler *s = scheduler_here("co_sleep_until");

    return sleep_op(when, when <= s->driver->now(s->driver));
}

/* The timer of a task itself is over: of its sleep, or of its co_wait_for. */
static void task_timer_over(struct co_task *task)
{
    task->timer = 0;
    if (task->wait == &wait_for_wait)
        wait_for_expired(task);
    else
        co_wake(task, 0);
}

/* ---- Waiting for tasks ----------------------------------------------------------------------- */

static co_op join(struct co_task *task, const struct co_wait_kind *wait)
{
    struct co_task *me = co_task_running_(wait->name);

    if (!task)
        return co_op_done(-ENOMEM);
    if (task == me)
        return co_op_done(-EDEADLK);
    if (task->step == CO_TASK_ENDED_)
        return co_op_done(task->chain.result);
    waits(scheduler_, me, wait, task);
    joiner_add(task, me);
    co_task_meet_(me);
    return co_wait();
}

co_op co_join(struct co_task *task)
{
    return join(task, &join_wait);
}

co_op co_shield(struct co_task *task)
{
    return join(task, &shield_wait);
}

/* The time of a wait_for is over: its task gets a request of the deadline's own. */
static void wait_for_expired(struct co_task *task)
{
    task->wait = &expired_wait;
    co_cancel((struct co_task *)task->object);
}

co_op co_wait_for_ns_(struct co_task *task, int64_t ns)
{
    struct co_task *me = co_task_running_(CO_NAME_("co_wait_for"));
    struct co_scheduler *s = scheduler_;
    int asked = request_pending(me);
    co_op op;

    me->timer = 0;
    if (!task || task == me || task->step == CO_TASK_ENDED_)
        return join(task, &wait_for_wait);
    if (ns > 0 && slot_add(s, s->driver->now(s->driver) + ns, (uintptr_t)me) < 0)
        return co_op_done(-ENOMEM);
    op = join(task, &wait_for_wait);
    if (ns <= 0 && !asked)
        wait_for_expired(me);
    return op;
}

/* A member of the gather ended. The first failure is kept where the result goes anyway. */
static void gather_ended(struct co_task_set *set, struct co_task *member)
{
    struct co_task *task = CONTAINER(set, struct co_task, in.many.set);

    if (member->chain.result < 0 && task->chain.result == 0)
        task->chain.result = member->chain.result;
    if (--task->in.many.left == 0)
        co_wake(task, task->chain.result);
}

co_op co_gather(struct co_task *const *tasks, size_t n)
{
    struct co_task *me = co_task_running_(CO_NAME_("co_gather"));
    intptr_t failure = 0;
    uint32_t left = 0;

    for (size_t i = 0; i < n; i++) {
        if (tasks[i] == me)
            return co_op_done(-EDEADLK);
        if (tasks[i] && tasks[i]->step != CO_TASK_ENDED_ && co_task_set_(tasks[i]))
            return co_op_done(-EBUSY);
    }
    for (size_t i = 0; i < n; i++) {
        intptr_t result = co_task_result(tasks[i]);

        if (tasks[i] && tasks[i]->step != CO_TASK_ENDED_) {
            left += co_task_set_(tasks[i]) == NULL;        /* one that is named twice counts once */
            co_task_set_put_(tasks[i], &me->in.many.set);
        } else if (result < 0 && failure == 0) {
            failure = result;
        }
    }
    if (left == 0)
        return co_op_done(failure);
    (void)co_op_wait(&gather_wait, (void *)(uintptr_t)tasks);
    me->in.many.set.ended = gather_ended;
    me->in.many.count = (uint32_t)n;
    me->in.many.left = left;
    me->chain.result = failure;
    co_task_meet_(me);
    return co_wait();
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

static void within_ask(struct co_within *w, intptr_t error)
{
    w->error = error;
    w->asked = 1;
    w->task->flags |= CO_TASK_LATE_;
    if (w->task->step == CO_TASK_WAITING_)
        deliver(w->task);
}

static void within_expired(struct co_timer *timer)
{
    within_ask(CONTAINER(timer, struct co_within, timer), -ETIMEDOUT);
}

void co_task_expire_(struct co_task *task)
{
    struct co_scheduler *s = scheduler_;
    struct co_within *w = within_of(task->chain.top);
    int64_t now = s->fired == INT64_MIN ? 0 : s->fired + 1;

    if (task->step == CO_TASK_WAITING_ && task->wait == &wait_for_wait && task->timer)
        slot_sift(s, task->timer - 1, (struct co_timer_slot){ now, (uintptr_t)task });
    else if (w && w->timer.place)
        slot_sift(s, w->timer.place - 1, (struct co_timer_slot){ now, (uintptr_t)&w->timer + 1 });
}

static void within_enter(struct co_within *w)
{
    struct co_scheduler *s = scheduler_here("co_within");
    struct co_task *task = s->current;

    if (!task) {
        stop(NULL, "co_within", "() was awaited outside a task", "");
        return;
    }
    w->task = task;
    w->timer.fire = within_expired;
    if (w->ns <= 0)
        within_ask(w, -ETIMEDOUT);
    else if (co_timer_start(&w->timer, s->driver->now(s->driver) + w->ns) < 0)
        within_ask(w, -ENOMEM);
}

/* At its edge, and only here, a cancel of the deadline's own gets its name. A request of the task's
 * own that came meanwhile has met its -ECANCELED with this one. */
static intptr_t within_leave(struct co_within *w)
{
    struct co_task *task = w->task;

    co_timer_stop(&w->timer);
    if (w->result != -ECANCELED || !w->met)
        return w->result;
    if (!w->outer)
        return w->error;
    if (w->outer & BY_TASK)
        task->flags &= (uint16_t)~CO_TASK_CANCEL_;
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
    return op.frame ? co_call(slot, co_within, .op = op, .ns = ns) : op;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

struct co_task *co_task_alloc_(size_t frame_size)
{
    struct co_scheduler *s = scheduler_here("co_spawn");

    return s->driver->resize
        ? (struct co_task *)s->driver->resize(s->driver, NULL, CO_TASK_HEAD_ + frame_size)
        : NULL;
}

/* [task] runs chain.top; [members]: as a task of that group. */
void co_task_join_(struct co_task *task, int flags, struct co_members_ *members)
{
    struct co_scheduler *s = scheduler_here(flags ? "co_spawn" : "co_task_init");

    *task = (struct co_task){ .chain = { task->chain.top, 0 }, .step = CO_TASK_READY_,
                           .flags = (uint16_t)flags,
                           .told = members ? (uintptr_t)&members->set : 0 };
    all_add(s, task);
    co_ring_add(&s->ready, task);
}

void co_task_init_(struct co_task *task, struct co *root)
{
    task->chain.top = root;
    co_task_join_(task, 0, NULL);
}

struct co_task *co_task_start_(struct co_task *task, int flags)
{
    if (task)
        co_task_join_(task, CO_TASK_OWN_ | flags, NULL);
    return task;
}

void co_task_free(struct co_task *task)
{
    if (!task)
        return;
    if (task->step != CO_TASK_ENDED_)
        stop(task, "co_task_free", "() of a task that has not ended: join it first, here it stands",
             "");
    if (task->flags & CO_TASK_OWN_)
        scheduler_here("co_task_free")->driver->resize(scheduler_->driver, task, 0);
}

void co_task_detach(struct co_task *task)
{
    if (!task || !(task->flags & CO_TASK_OWN_))
        return;
    if (task->step == CO_TASK_ENDED_)
        co_task_free(task);
    else
        task->flags |= CO_TASK_GO_;
}

enum co_task_state co_task_state(const struct co_task *task)
{
    intptr_t result = co_task_result(task);

    return result == -EINPROGRESS && task->step != CO_TASK_ENDED_ ? CO_TASK_PENDING
        : result == -ECANCELED ? CO_TASK_CANCELLED : CO_TASK_FINISHED;
}

const char *co_task_state_name(const struct co_task *task)
{
    static const char *const names[] = { "pending", "finished", "cancelled" };

    return names[co_task_state(task)];
}

intptr_t co_task_result(const struct co_task *task)
{
    return !task ? -ENOMEM : task->step == CO_TASK_ENDED_ ? task->chain.result : -EINPROGRESS;
}

/* The outermost frame of its chain; in the end, the only one. */
static struct co *root_of(struct co_task *task)
{
    struct co *co = task->chain.top;

    while (co->caller)
        co = co->caller;
    return co;
}

const char *co_task_name(struct co_task *task)
{
    const struct co_site *site = task ? co_where(root_of(task)) : NULL;

    return site ? site->name : "";
}

struct co_task *co_current(void)
{
    return scheduler_ ? scheduler_->current : NULL;
}

struct co *co_task_frame_(struct co_task *task, co_body *body, const char *name)
{
    struct co *root = task ? root_of(task) : NULL;

    (void)name;
    if (root && root->body != body)
        stop(task, "CO_TASK_FRAME: the task that stands here does not run ", name, "");
    return root;
}

/* ---- The scheduler --------------------------------------------------------------------------- */

void co_scheduler_init(struct co_scheduler *s, struct co_driver *driver,
                    struct co_timer_slot *timers, uint32_t room)
{
    *s = (struct co_scheduler){ .driver = driver, .timers = timers, .timer_room = room,
                             .fixed = timers || !driver->resize, .fired = INT64_MIN };
    s->own.next = s->own.prev = &s->own;
    scheduler_ = s;
}

void co_scheduler_free(struct co_scheduler *s)
{
    if (s->count > 0)
        stop(co_task_next(NULL), "co_scheduler_free",
             "() while tasks are left: here the oldest one stands", "");
    if (!s->fixed && s->timers)
        s->driver->resize(s->driver, s->timers, 0);
    if (scheduler_ == s)
        scheduler_ = NULL;
}

struct co_scheduler *co_scheduler_get(void)
{
    return scheduler_;
}

void co_scheduler_set(struct co_scheduler *s)
{
    scheduler_ = s;
}

static void task_end(struct co_scheduler *s, struct co_task *task)
{
    intptr_t result = task->chain.result;
    struct co_task_set *set = co_task_set_(task);
    int unmet = task->flags & CO_TASK_CANCEL_ && result != -ECANCELED;
    int go = task->flags & CO_TASK_GO_;            /* a done callback may free the task */

    task->flags &= (uint16_t)~CO_TASK_CANCEL_;
    all_remove(s, task);
    for (struct co_task *joiners = joiners_of(task); joiners; ) {
        struct co_task *joiner = joiners;
        co_ring_remove(&joiners, joiner);
        hand_back(joiner, unmet);
        if (joiner->wait == &wait_for_wait)
            wait_for_over(joiner);
        co_wake(joiner, result == -ECANCELED && joiner->wait == &expired_wait
                  ? -ETIMEDOUT : result);
    }
    task->told = 0;
    if (set)
        set->ended(set, task);
    if (go)
        co_task_free(task);
}

static void step(struct co_scheduler *s, struct co_task *task)
{
    int signal;

    if (task->flags & (CO_TASK_PAUSED_ | CO_TASK_TOLD_)) {
        if (task->flags & CO_TASK_PAUSED_)
            task->chain.result = request_take(task) ? -ECANCELED : 0;
        task->flags &= (uint16_t)~(CO_TASK_PAUSED_ | CO_TASK_TOLD_);
    }
    task->step = CO_TASK_RUNNING_;
    s->current = task;
    s->budget = CO_BUDGET;
    signal = co_resume(&task->chain);
    s->current = NULL;
    if (signal == CO_WAITING) {
        if (task->step == CO_TASK_RUNNING_) {      /* co_wait() itself */
            task->step = CO_TASK_WAITING_;
            task->wait = &call_wait;
            POINT(s, task);
            co_task_meet_(task);
        }
        STEPPED(s, task);
        return;
    }
    if (task->step != CO_TASK_RUNNING_)
        stop(task, unawaited(task), " was made and never awaited: ",
             signal == CO_RETURNED ? "in this coroutine" : "before this place");
    if (signal == CO_RETURNED) {
        task->step = CO_TASK_ENDED_;
        STEPPED(s, task);
        task_end(s, task);
        return;
    }
    if (signal == CO_PAUSED)
        task->flags |= CO_TASK_PAUSED_;
    task->step = CO_TASK_READY_;
    co_ring_add(&s->ready, task);
    POINT(s, task);
    STEPPED(s, task);
}

void co_scheduler_turn(struct co_scheduler *s)
{
    struct co_task *batch, *inside = scheduler_ ? scheduler_->current : NULL;

    if (inside)
        stop(inside, "co_scheduler_turn", "() inside a task: a loop does not run in a loop", "");
    scheduler_ = s;
    s->turns++;
    timers_fire(s);
    batch = s->ready;
    s->ready = NULL;
    if (CO_RARELY_(HOOKS(s) != NULL))
        s->hooks->batch(s->hooks, &batch);
    while (batch) {
        struct co_task *task = batch;
        co_ring_remove(&batch, task);
        step(s, task);
    }
    s->turns++;
}

int64_t co_scheduler_next(const struct co_scheduler *s)
{
    return s->ready ? 0 : s->timer_count ? s->timers[0].when : INT64_MAX;
}

void co_scheduler_run(struct co_scheduler *s)
{
    while (s->count > 0) {
        int64_t next;

        co_scheduler_turn(s);
        next = co_scheduler_next(s);
        if (next > 0 && s->count > 0)
            s->driver->wait(s->driver, next);
    }
}
