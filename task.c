/* SPDX-License-Identifier: BSD-2-Clause
 * task.c: the scheduler of task.h: tasks, their queue, their waits, their timers. Freestanding. */
#include "task.h"

#if __STDC_HOSTED__ && !defined CO_TINY && !defined __TINYC__
#define TASK_THREAD_LOCAL __thread
#else
#define TASK_THREAD_LOCAL
#endif

enum task_step_ { TASK_READY_, TASK_RUNNING_, TASK_WAITING_, TASK_ENDED_ };

#define CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

static TASK_THREAD_LOCAL struct scheduler *scheduler_;

/* ---- Misuse ---------------------------------------------------------------------------------- */

/* Stops the program: [subject], [what] and [object] make one sentence, [task] tells the place. */
static CO_ATTRIBUTE_(cold, noinline) void stop(struct task *task, const char *subject,
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

/* The op that [task] made and did not await. */
static const char *unawaited(const struct task *task)
{
    return task->wait ? task->wait->name : "an op";
}

static struct scheduler *scheduler_here(const char *call)
{
    if (!scheduler_)
        stop(NULL, call, "() needs a scheduler: call it under loop_main, or after loop_new", "");
    return scheduler_;
}

static CO_ATTRIBUTE_(cold, noinline) void stop_op(struct task *task, const char *name)
{
    if (!task)
        stop(NULL, name, "() was made outside a task: only a coroutine that a task runs may", "");
    else
        stop(task, unawaited(task), " was made after this place and not awaited before ", name);
}

/* The running task, about to make the op [name]. */
struct task *task_running_(const char *name)
{
    struct task *task = scheduler_ ? scheduler_->current : NULL;

    if (!task || task->step != TASK_RUNNING_)
        stop_op(task, name);
    return task;
}

/* ---- Rings ----------------------------------------------------------------------------------- */

void task_ring_add(struct task **ring, struct task *task)
{
    struct task *first = *ring;

    if (!first) {
        *ring = task->in.link.next = task->in.link.prev = task;
        return;
    }
    task->in.link.next = first;
    task->in.link.prev = first->in.link.prev;
    first->in.link.prev->in.link.next = task;
    first->in.link.prev = task;
}

void task_ring_remove(struct task **ring, struct task *task)
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

/* All tasks lie in lists: the scheduler's own, and one for each group that has tasks. */
static struct task_list *list_of(struct scheduler *s, const struct task *task)
{
    return task->flags & TASK_MEMBER_ ? &((struct task_members_ *)(void *)task->set)->list
                                      : &s->own;
}

static void all_add(struct scheduler *s, struct task *task)
{
    struct task_list *list = list_of(s, task);
    struct task *oldest = list->oldest;

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

static void all_remove(struct scheduler *s, struct task *task)
{
    struct task_list *list = list_of(s, task);

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

struct task *task_next(const struct task *task)
{
    struct task_list *list;

    if (!scheduler_)
        return NULL;
    list = task ? list_of(scheduler_, task) : &scheduler_->own;
    if (task ? task->younger != list->oldest : list->oldest != NULL)
        return task ? task->younger : list->oldest;
    return list->next == &scheduler_->own ? NULL : list->next->oldest;
}

/* ---- Timers: a 4-ary heap; each owner knows its place, so that it can leave in O(log n) ------ */

/* A slot belongs to a task, or, with bit 0 set, to a task_timer. */
static void slot_put(struct scheduler *s, uint32_t i, struct task_timer_slot slot)
{
    s->timers[i] = slot;
    if (slot.owner & 1)
        ((struct task_timer *)(slot.owner - 1))->place = i + 1;
    else
        ((struct task *)slot.owner)->timer = i + 1;
}

static void slot_sift(struct scheduler *s, uint32_t i, struct task_timer_slot slot)
{
    uint32_t n = s->timer_count;

    while (i > 0 && slot.when < s->timers[(i - 1) / 4].when) {
        slot_put(s, i, s->timers[(i - 1) / 4]);
        i = (i - 1) / 4;
    }
    for (;;) {
        uint32_t least = 4 * i + 1, end = n < 4 * i + 5 ? n : 4 * i + 5;

        for (uint32_t k = least + 1; k < end; k++)
            if (s->timers[k].when < s->timers[least].when)
                least = k;
        if (least >= n || slot.when <= s->timers[least].when)
            break;
        slot_put(s, i, s->timers[least]);
        i = least;
    }
    slot_put(s, i, slot);
}

static int slot_add(struct scheduler *s, int64_t when, uintptr_t owner)
{
    if (s->timer_count == s->timer_room) {
        uint32_t room = s->timer_room ? 2 * s->timer_room : 16;
        void *timers = s->fixed ? NULL
            : s->driver->resize(s->driver, s->timers, room * sizeof *s->timers);

        if (!timers)
            return -ENOMEM;
        s->timers = (struct task_timer_slot *)timers;
        s->timer_room = room;
    }
    if (when <= s->fired)           /* started while timers fire: for the next turn */
        when = s->fired + 1;
    s->timer_count++;
    slot_sift(s, s->timer_count - 1, (struct task_timer_slot){ when, owner });
    return 0;
}

/* Takes the slot at [place] (from 1) out. */
static void slot_remove(struct scheduler *s, uint32_t place)
{
    struct task_timer_slot last = s->timers[--s->timer_count];

    if (place - 1 < s->timer_count)
        slot_sift(s, place - 1, last);
}

int task_timer_start(struct task_timer *timer, int64_t when)
{
    task_timer_stop(timer);
    return slot_add(scheduler_here("task_timer_start"), when, (uintptr_t)timer + 1);
}

void task_timer_stop(struct task_timer *timer)
{
    if (timer->place)
        slot_remove(scheduler_, timer->place);
    timer->place = 0;
}

static void task_timer_over(struct task *task);
static void wait_for_expired(struct task *task);

static void timers_fire(struct scheduler *s)
{
    if (s->timer_count == 0)
        return;
    s->fired = s->driver->now(s->driver);
    while (s->timer_count > 0 && s->timers[0].when <= s->fired) {
        uintptr_t owner = s->timers[0].owner;

        slot_remove(s, 1);
        if (owner & 1) {
            struct task_timer *timer = (struct task_timer *)(owner - 1);
            timer->place = 0;
            timer->fire(timer);
        } else {
            task_timer_over((struct task *)owner);
        }
    }
    s->fired = INT64_MIN;
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

static int request_pending(const struct task *task)
{
    if (task->flags & TASK_CANCEL_)
        return 1;
    for (const struct co_within *w = task->within; w; w = w->outer)
        if (w->asked)
            return 1;
    return 0;
}

/* The outermost deadline of [task] that has expired and is to be met; or NULL. */
static struct co_within *deadline_asked(const struct task *task)
{
    struct co_within *found = NULL;

    for (struct co_within *w = task->within; w; w = w->outer)
        if (w->asked)
            found = w;
    return found;
}

/* Takes the request that [task] is to meet next, if there is one: its own, else a deadline's. */
static int request_take(struct task *task)
{
    struct co_within *found = deadline_asked(task);

    if (task->flags & TASK_CANCEL_) {
        task->flags &= (uint8_t)~TASK_CANCEL_;
        return 1;
    }
    if (!found)
        return 0;
    found->asked = 0;
    found->met = 1;
    return 1;
}

/* Asks [task] once more. A request that comes before [task] has seen the last one is one with it.
 * Whether it must be delivered: [task] waits. */
static int request(struct task *task)
{
    int met = task->flags & (TASK_CANCEL_ | TASK_TOLD_);

    task->cancels++;
    if (!met)
        task->flags |= TASK_CANCEL_;
    return !met && task->step == TASK_WAITING_;
}

/* A gather is all that has members. Its take_back is the three functions that follow: while it
 * hands its request down, [wait] is a link to the gather above, and [timer] counts its members;
 * then [timer] is the number of the request. */
static const struct task_wait gather_wait = { "co_gather", NULL };

static struct task *gather_begin(struct task *task, struct task *above)
{
    task->flags |= TASK_PASSING_;
    task->wait = (const struct task_wait *)(void *)above;
    task->timer = 0;
    return task;
}

/* The next member that waits and has to hear of the request, or NULL. */
static struct task *gather_next(struct task *task)
{
    struct task *const *members = (struct task *const *)task->object;

    while (task->timer < task->in.many.count) {
        struct task *member = members[task->timer++];
        if (!member || member->set != &task->in.many.set)
            continue;
        if ((member->flags & (TASK_PASSING_ | TASK_RING_)) == TASK_RING_)
            task->flags |= TASK_RING_;  /* it awaits a group that this gather is in: cut here */
        else if (request(member))
            return member;
    }
    return NULL;
}

/* Gives the gather above. Where the request came back to [task], the tasks wait for each other in a
 * ring: then the members are let go. */
static struct task *gather_end(struct task *task)
{
    struct task *above = (struct task *)(uintptr_t)task->wait;
    struct task *const *members = (struct task *const *)task->object;

    if (task->flags & TASK_RING_) {
        for (uint32_t i = 0; i < task->in.many.count; i++)
            if (members[i] && members[i]->set == &task->in.many.set)
                members[i]->set = NULL;
        task_wake(task, -ECANCELED);
        task->flags |= TASK_TOLD_;
    }
    task->flags &= (uint8_t)~(TASK_PASSING_ | TASK_RING_);
    task->wait = &gather_wait;
    task->timer = scheduler_->requests;
    return above;
}

static int join_take_back(struct task *task)
{
    task_ring_remove(&((struct task *)task->object)->joiners, task);
    return 1;
}
static const struct task_wait join_wait = { "co_join", join_take_back };
static const struct task_wait shield_wait = { "co_shield", join_take_back };

/* co_wait_for is a join with a timer, which is the task's own; that it has expired is kept in
 * chain.result until the end. A request of the task's own ends the deadline. */
static void wait_for_over(struct task *task)
{
    if (task->timer)
        slot_remove(scheduler_, task->timer);
    task->timer = 0;
}

static int wait_for_take_back(struct task *task)
{
    wait_for_over(task);
    return join_take_back(task);
}
static const struct task_wait wait_for_wait = { "co_wait_for", wait_for_take_back };

/* A join that has handed a request of its own down. Like that of a deadline (HANDED_DOWN in [met]),
 * it comes back if the task that got it ends without having met it, for then nobody has. */
static const struct task_wait handed_down_wait = { "co_join", join_take_back };
enum { HANDED_DOWN = 2 };

static void hand_down(struct task *joiner)
{
    struct co_within *within = joiner->flags & TASK_CANCEL_ ? NULL : deadline_asked(joiner);

    if (joiner->flags & TASK_CANCEL_)
        joiner->wait = &handed_down_wait;
    request_take(joiner);
    if (within)
        within->met = HANDED_DOWN;
}

static void hand_back(struct task *joiner, int unmet)
{
    for (struct co_within *w = joiner->within; w; w = w->outer) {
        if (w->met == HANDED_DOWN) {
            w->met = !unmet;
            w->asked = (uint8_t)unmet;
        }
    }
    if (unmet && joiner->wait == &handed_down_wait)
        joiner->flags |= TASK_CANCEL_;
}

/* The end of the joins that start at [task]: a join hands its request to the task that it joins.
 * NULL if that does not wait. A ring of joins is cut at any of them. */
static struct task *join_end(struct task *task)
{
    struct task *next;

    for (uint32_t hops = scheduler_->count; hops > 0; hops--) {
        if (task->wait == &wait_for_wait) {
            wait_for_over(task);
            task->chain.result = 0;
            task->wait = &join_wait;
        } else if (task->wait != &join_wait && task->wait != &handed_down_wait) {
            break;
        }
        next = (struct task *)task->object;
        if ((next->flags & (TASK_PASSING_ | TASK_RING_)) == TASK_RING_)
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
static void deliver(struct task *task)
{
    struct task *above = NULL;

    scheduler_->requests++;
    do {
        task = join_end(task);
        if (task) {
            int told = task->flags & TASK_CANCEL_ ? TASK_TOLD_ : 0;
            int is_gather = task->wait == &gather_wait || task->flags & TASK_PASSING_;
            int took = is_gather ? 0 : task->wait->take_back(task);

            if (took != TASK_LATER)
                request_take(task);
            if (task->flags & TASK_PASSING_) {
                task->flags |= TASK_RING_;
            } else if (is_gather) {
                if (task->timer != scheduler_->requests)        /* else it handed it down already */
                    above = gather_begin(task, above);
            } else if (took == 1) {
                task_wake(task, -ECANCELED);
                task->flags |= (uint8_t)told;
            }
        }
        for (task = NULL; above && !(task = gather_next(above)); )
            above = gather_end(above);
    } while (task);
}

int task_cancel(struct task *task)
{
    if (!task || task->step == TASK_ENDED_)
        return 0;
    if (request(task))
        deliver(task);
    return 1;
}

/* All are asked before any request is delivered, so that none is handed down to be a second one. */
void scheduler_cancel_all(struct scheduler *s)
{
    (void)s;
    for (struct task *task = NULL; (task = task_next(task)) != NULL; )
        request(task);
    for (struct task *task = NULL; (task = task_next(task)) != NULL; )
        if (task->step == TASK_WAITING_ && task->flags & TASK_CANCEL_)
            deliver(task);
}

/* ---- What makers of ops use ------------------------------------------------------------------ */

int task_cancelled(const char *name)
{
    return request_take(task_running_(name));
}

/* Behind all that are ready, with [result] for the op that was just made. */
static co_op done_later(struct task *task, intptr_t result)
{
    task->chain.result = result;
    task->step = TASK_READY_;
    task_ring_add(&scheduler_->ready, task);
    return co_wait();
}

/* For an op that hands requests down: one that is pending is handed down at once. */
void task_meet_(struct task *task)
{
    if (request_pending(task))
        deliver(task);
}

struct task *task_quick_(void)
{
    struct scheduler *s = scheduler_;
    struct task *task = s ? s->current : NULL;

    if (!task || task->step != TASK_RUNNING_ || task->flags & TASK_CANCEL_ || task->within
        || s->budget <= 1)
        return NULL;
    s->budget--;
    task->wait = NULL;
    return task;
}

co_op task_done(intptr_t result)
{
    struct task *task = task_running_("task_done");

    task->wait = NULL;
    return --scheduler_->budget > 0 ? co_done(result) : done_later(task, result);
}

struct task *task_waits(const struct task_wait *wait, void *object)
{
    struct task *task = task_running_(wait->name);

    task->wait = wait;
    task->object = object;
    task->step = TASK_WAITING_;
    return task;
}

static int call_take_back(struct task *task)
{
    (void)task;
    return 1;
}
static const struct task_wait call_wait = { "co_wait", call_take_back };

void task_wake(struct task *task, intptr_t result)
{
    if (task->step == TASK_READY_ && task->wait == &call_wait && task->chain.result == -ECANCELED)
        return;                     /* a cancel was faster, which the caller cannot know yet */
    if (task->step != TASK_WAITING_)
        stop(task, "task_wake", "() of a task that does not wait: wake each wait once", "");
    task->step = TASK_READY_;
    task->chain.result = result;
    task_ring_add(&scheduler_->ready, task);
}

/* ---- Sleep ----------------------------------------------------------------------------------- */

static int sleep_take_back(struct task *task)
{
    slot_remove(scheduler_, task->timer);
    task->timer = 0;
    return 1;
}
static const struct task_wait sleep_wait = { "co_sleep", sleep_take_back };

static co_op sleep_op(int64_t when, int at_once)
{
    struct task *task = task_running_("co_sleep");

    if (request_take(task))
        return co_done(-ECANCELED);
    if (at_once) {
        task->wait = &sleep_wait;
        return done_later(task, 0);
    }
    if (slot_add(scheduler_, when, (uintptr_t)task) < 0)
        return co_done(-ENOMEM);
    (void)task_waits(&sleep_wait, NULL);
    return co_wait();
}

co_op co_sleep_ns_(int64_t ns)
{
    struct scheduler *s = scheduler_here("co_sleep");

    return ns > 0 ? sleep_op(s->driver->now(s->driver) + ns, 0) : sleep_op(0, 1);
}

co_op co_sleep_until_ns_(int64_t when)
{
    struct scheduler *s = scheduler_here("co_sleep_until");

    return sleep_op(when, when <= s->driver->now(s->driver));
}

/* The timer of a task itself is over: of its sleep, or of its co_wait_for. */
static void task_timer_over(struct task *task)
{
    task->timer = 0;
    if (task->wait == &wait_for_wait)
        wait_for_expired(task);
    else
        task_wake(task, 0);
}

/* ---- Waiting for tasks ----------------------------------------------------------------------- */

static co_op join(struct task *task, const struct task_wait *wait)
{
    struct task *me = task_running_(wait->name);

    if (!task)
        return task_done(-ENOMEM);
    if (task == me)
        return task_done(-EDEADLK);
    if (task->step == TASK_ENDED_)
        return task_done(task->chain.result);
    (void)task_waits(wait, task);
    task_ring_add(&task->joiners, me);
    task_meet_(me);
    return co_wait();
}

co_op co_join(struct task *task)
{
    return join(task, &join_wait);
}

co_op co_shield(struct task *task)
{
    return join(task, &shield_wait);
}

/* The time of a wait_for is over: its task gets a request of the deadline's own. */
static void wait_for_expired(struct task *task)
{
    task->chain.result = -ETIMEDOUT;
    task_cancel((struct task *)task->object);
}

co_op co_wait_for_ns_(struct task *task, int64_t ns)
{
    struct task *me = task_running_("co_wait_for");
    struct scheduler *s = scheduler_;
    int asked = request_pending(me);
    co_op op;

    me->timer = 0;
    if (!task || task == me || task->step == TASK_ENDED_)
        return join(task, &wait_for_wait);
    if (ns > 0 && slot_add(s, s->driver->now(s->driver) + ns, (uintptr_t)me) < 0)
        return task_done(-ENOMEM);
    me->chain.result = 0;
    op = join(task, &wait_for_wait);
    if (ns <= 0 && !asked)
        wait_for_expired(me);
    return op;
}

/* A member of the gather ended. The first failure is kept where the result goes anyway. */
static void gather_ended(struct task_set *set, struct task *member)
{
    struct task *task = CONTAINER(set, struct task, in.many.set);

    if (member->chain.result < 0 && task->chain.result == 0)
        task->chain.result = member->chain.result;
    if (--task->in.many.left == 0)
        task_wake(task, task->chain.result);
}

co_op co_gather(struct task *const *tasks, size_t n)
{
    struct task *me = task_running_("co_gather");
    intptr_t failure = 0;
    uint32_t left = 0;

    for (size_t i = 0; i < n; i++) {
        if (tasks[i] == me)
            return task_done(-EDEADLK);
        if (tasks[i] && tasks[i]->step != TASK_ENDED_ && tasks[i]->set)
            return task_done(-EBUSY);
    }
    for (size_t i = 0; i < n; i++) {
        intptr_t result = task_result(tasks[i]);

        if (tasks[i] && tasks[i]->step != TASK_ENDED_) {
            left += tasks[i]->set == NULL;      /* a task that is named twice counts once */
            tasks[i]->set = &me->in.many.set;
        } else if (result < 0 && failure == 0) {
            failure = result;
        }
    }
    if (left == 0)
        return task_done(failure);
    (void)task_waits(&gather_wait, (void *)(uintptr_t)tasks);
    me->in.many.set.ended = gather_ended;
    me->in.many.count = (uint32_t)n;
    me->in.many.left = left;
    me->chain.result = failure;
    task_meet_(me);
    return co_wait();
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

static void within_ask(struct co_within *w, intptr_t error)
{
    w->error = error;
    w->asked = 1;
    if (w->task->step == TASK_WAITING_)
        deliver(w->task);
}

static void within_expired(struct task_timer *timer)
{
    within_ask(CONTAINER(timer, struct co_within, timer), -ETIMEDOUT);
}

static void within_enter(struct co_within *w)
{
    struct scheduler *s = scheduler_here("co_within");
    struct task *task = s->current;

    if (!task) {
        stop(NULL, "co_within", "() was awaited outside a task", "");
        return;
    }
    w->task = task;
    w->cancels = task->cancels;
    w->outer = task->within;
    task->within = w;
    w->timer.fire = within_expired;
    if (w->ns <= 0)
        within_ask(w, -ETIMEDOUT);
    else if (task_timer_start(&w->timer, s->driver->now(s->driver) + w->ns) < 0)
        within_ask(w, -ENOMEM);
}

/* At its edge, and only here, a cancel of the deadline's own gets its name. A request of the task's
 * own that came meanwhile has met its -ECANCELED with this one. */
static intptr_t within_leave(struct co_within *w)
{
    struct task *task = w->task;

    task_timer_stop(&w->timer);
    task->within = w->outer;
    if (w->result != -ECANCELED || !w->met)
        return w->result;
    if (task->cancels == w->cancels)
        return w->error;
    task->flags &= (uint8_t)~TASK_CANCEL_;
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

struct task *task_alloc_(size_t frame_size)
{
    struct scheduler *s = scheduler_here("task_spawn");

    return s->driver->resize
        ? (struct task *)s->driver->resize(s->driver, NULL, TASK_HEAD_ + frame_size)
        : NULL;
}

/* [task] runs chain.top; [members]: as a task of that group. */
void task_join_(struct task *task, int flags, struct task_members_ *members)
{
    struct scheduler *s = scheduler_here(flags ? "task_spawn" : "task_init");

    *task = (struct task){ .chain = { task->chain.top, 0 }, .step = TASK_READY_,
                           .flags = (uint8_t)flags, .set = members ? &members->set : NULL };
    all_add(s, task);
    task_ring_add(&s->ready, task);
}

void task_init_(struct task *task, struct co *root)
{
    task->chain.top = root;
    task_join_(task, 0, NULL);
}

struct task *task_start_(struct task *task, int flags)
{
    if (task)
        task_join_(task, TASK_OWN_ | flags, NULL);
    return task;
}

void task_free(struct task *task)
{
    if (!task)
        return;
    if (task->step != TASK_ENDED_)
        stop(task, "task_free", "() of a task that has not ended: join it first, here it stands",
             "");
    if (task->flags & TASK_OWN_)
        scheduler_here("task_free")->driver->resize(scheduler_->driver, task, 0);
}

void task_detach(struct task *task)
{
    if (!task || !(task->flags & TASK_OWN_))
        return;
    if (task->step == TASK_ENDED_)
        task_free(task);
    else
        task->flags |= TASK_GO_;
}

enum task_state task_state(const struct task *task)
{
    intptr_t result = task_result(task);

    return result == -EINPROGRESS && task->step != TASK_ENDED_ ? TASK_PENDING
        : result == -ECANCELED ? TASK_CANCELLED : TASK_FINISHED;
}

const char *task_state_name(const struct task *task)
{
    static const char *const names[] = { "pending", "finished", "cancelled" };

    return names[task_state(task)];
}

intptr_t task_result(const struct task *task)
{
    return !task ? -ENOMEM : task->step == TASK_ENDED_ ? task->chain.result : -EINPROGRESS;
}

/* The outermost frame of its chain; in the end, the only one. */
static struct co *root_of(struct task *task)
{
    struct co *co = task->chain.top;

    while (co->caller)
        co = co->caller;
    return co;
}

const char *task_name(struct task *task)
{
    const struct co_site *site = task ? co_where(root_of(task)) : NULL;

    return site ? site->name : "";
}

struct task *task_current(void)
{
    return scheduler_ ? scheduler_->current : NULL;
}

struct co *task_frame_(struct task *task, co_body *body, const char *name)
{
    struct co *root = task ? root_of(task) : NULL;

    if (root && root->body != body)
        stop(task, "TASK_FRAME: the task that stands here does not run ", name, "");
    return root;
}

/* ---- The scheduler --------------------------------------------------------------------------- */

void scheduler_init(struct scheduler *s, struct task_driver *driver,
                    struct task_timer_slot *timers, uint32_t room)
{
    *s = (struct scheduler){ .driver = driver, .timers = timers, .timer_room = room,
                             .fixed = timers || !driver->resize, .fired = INT64_MIN };
    s->own.next = s->own.prev = &s->own;
    scheduler_ = s;
}

void scheduler_free(struct scheduler *s)
{
    if (s->count > 0)
        stop(task_next(NULL), "scheduler_free",
             "() while tasks are left: here the oldest one stands", "");
    if (!s->fixed && s->timers)
        s->driver->resize(s->driver, s->timers, 0);
    if (scheduler_ == s)
        scheduler_ = NULL;
}

struct scheduler *scheduler_get(void)
{
    return scheduler_;
}

void scheduler_set(struct scheduler *s)
{
    scheduler_ = s;
}

static void task_end(struct scheduler *s, struct task *task)
{
    intptr_t result = task->chain.result;
    struct task_set *set = task->set;
    int unmet = task->flags & TASK_CANCEL_ && result != -ECANCELED;
    int go = task->flags & TASK_GO_;            /* a done callback may free the task */

    task->step = TASK_ENDED_;
    task->flags &= (uint8_t)~TASK_CANCEL_;
    all_remove(s, task);
    while (task->joiners) {
        struct task *joiner = task->joiners;
        task_ring_remove(&task->joiners, joiner);
        hand_back(joiner, unmet);
        if (joiner->wait == &wait_for_wait) {
            wait_for_over(joiner);
            task_wake(joiner, result == -ECANCELED && joiner->chain.result < 0
                      ? -ETIMEDOUT : result);
        } else {
            task_wake(joiner, result);
        }
    }
    task->set = NULL;
    if (set)
        set->ended(set, task);
    if (go)
        task_free(task);
}

static void step(struct scheduler *s, struct task *task)
{
    int signal;

    if (task->flags & (TASK_PAUSED_ | TASK_TOLD_)) {
        if (task->flags & TASK_PAUSED_)
            task->chain.result = request_take(task) ? -ECANCELED : 0;
        task->flags &= (uint8_t)~(TASK_PAUSED_ | TASK_TOLD_);
    }
    task->step = TASK_RUNNING_;
    s->current = task;
    s->budget = TASK_BUDGET;
    signal = co_resume(&task->chain);
    s->current = NULL;
    if (signal == CO_WAITING) {
        if (task->step == TASK_RUNNING_) {      /* co_wait() itself */
            task->step = TASK_WAITING_;
            task->wait = &call_wait;
            task_meet_(task);
        }
        return;
    }
    if (task->step != TASK_RUNNING_)
        stop(task, unawaited(task), " was made and never awaited: ",
             signal == CO_RETURNED ? "in this coroutine" : "before this place");
    if (signal == CO_RETURNED) {
        task_end(s, task);
        return;
    }
    if (signal == CO_PAUSED)
        task->flags |= TASK_PAUSED_;
    task->step = TASK_READY_;
    task_ring_add(&s->ready, task);
}

void scheduler_turn(struct scheduler *s)
{
    struct task *batch, *inside = scheduler_ ? scheduler_->current : NULL;

    if (inside)
        stop(inside, "scheduler_turn", "() inside a task: a loop does not run in a loop", "");
    scheduler_ = s;
    s->turns++;
    timers_fire(s);
    batch = s->ready;
    s->ready = NULL;
    while (batch) {
        struct task *task = batch;
        task_ring_remove(&batch, task);
        step(s, task);
    }
    s->turns++;
}

int64_t scheduler_next(const struct scheduler *s)
{
    return s->ready ? 0 : s->timer_count ? s->timers[0].when : INT64_MAX;
}

void scheduler_run(struct scheduler *s)
{
    while (s->count > 0) {
        int64_t next;

        scheduler_turn(s);
        next = scheduler_next(s);
        if (next > 0 && s->count > 0)
            s->driver->wait(s->driver, next);
    }
}
