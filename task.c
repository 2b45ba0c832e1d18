/* SPDX-License-Identifier: BSD-2-Clause
 * task.c: the scheduler of task.h: the life of a task, its turns, waits and wakes, and waiting for
 * other tasks. timer.c has its timers, cancel.c its cancels and deadlines. Freestanding. */
#include "task_impl.h"

CO_THREAD_LOCAL_ struct co_scheduler *co_scheduler_;

/* ---- Misuse ---------------------------------------------------------------------------------- */

#ifndef CO_TINY
struct text { char bytes[300]; size_t n; };

static void text_add(struct text *text, const char *words)
{
    while (*words && text->n + 1 < sizeof text->bytes)
        text->bytes[text->n++] = *words++;
    text->bytes[text->n] = '\0';
}

static void text_add_number(struct text *text, unsigned number)
{
    char digit[2] = { (char)('0' + number % 10), '\0' };

    if (number >= 10)
        text_add_number(text, number / 10);
    text_add(text, digit);
}

void co_stop_(struct co_task *task, const char *subject, const char *what, const char *object)
{
    const struct co_site *site = task ? co_user_site_(task->chain.top) : NULL;
    struct text text = { "", 0 };

    text_add(&text, subject);
    text_add(&text, what);
    text_add(&text, object);
    (void)site;                         /* CO_STOP of yours may use none of these */
    CO_STOP(site ? site->file : __FILE__, site ? site->line : __LINE__, text.bytes);
}

void co_stop_left_(struct co_head *holder, struct co_task *left)
{
    const struct co_site *ended = co_where(holder), *stands = co_user_site_(left->chain.top);
    struct text text = { "", 0 };

    text_add(&text, ended->name);
    text_add(&text, " has ended and leaves tasks in its group: await co_group_wait() in its "
             "co_finally; the eldest of them, ");
    text_add(&text, co_task_name(left));
    text_add(&text, ", stands at ");
    text_add(&text, stands->file);
    text_add(&text, ":");
    text_add_number(&text, (unsigned)stands->line);
    (void)ended;
    CO_STOP(ended->file, ended->line, text.bytes);
}
#endif

/* The name of the op that [task] made and did not await. */
static const char *unawaited(const struct co_task *task)
{
    return task->wait ? task->wait->name : "an op";
}

void co_stop_nowhere_(const char *call)
{
    co_stop_(NULL, call, "() needs a scheduler: call it under co_main, or after co_loop_new", "");
}

void co_stop_op_(struct co_task *task, const char *name)
{
    if (!task)
        co_stop_(NULL, name, "() was made outside a task: only a coroutine that a task runs may",
                 "");
    else
        co_stop_(task, unawaited(task), " was made after this place and not awaited before ",
                 name);
}

#ifndef CO_TINY
/* It runs where the op is awaited, and so it knows that place. */
struct misused { co_frame; const char *call, *what; };

static co_step_ misused_body(struct co_head *co, struct co_chain *chain)
{
    struct misused *self = CO_CONTAINER_(co, struct misused, co);

    if (co->at.word == CO_WHERE_)
        return co_tell_(chain, NULL);
    co_stop_(co_current(), self->call, self->what, "");
    return co_signal_(CO_WAITING);
}

co_op co_op_misused_(const char *call, const char *what)
{
    static CO_THREAD_LOCAL_ struct misused misused;

    misused = (struct misused){ .co = { .body = misused_body }, .call = call, .what = what };
    return co_run_(&misused.co);
}
#endif

void co_task_unwaited_(struct co_task *waiters, const char *call)
{
    if (waiters)
        co_stop_(waiters, call, "() while a task still waits: here it stands", "");
}

/* ---- Hooks of a test driver ------------------------------------------------------------------ */

static CO_ATTRIBUTE_(cold, noinline) void stepped(struct co_scheduler *s, struct co_task *task)
{
    s->hooks->stepped(s->hooks, task);
}

#define STEPPED(s, task) do { if (CO_RARELY_(CO_HOOKS_(s) != NULL)) stepped(s, task); } while (0)

CO_ATTRIBUTE_(cold, noinline) void co_task_point_(struct co_task *task)
{
    if (CO_HOOKS_(co_scheduler_))
        co_scheduler_->hooks->point(co_scheduler_->hooks, task);
}

/* ---- Rings and lists ------------------------------------------------------------------------- */

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

/* All tasks lie in lists: the scheduler's own, and one for each group that has tasks. */
static struct co_task_list *list_of(struct co_scheduler *s, const struct co_task *task)
{
    return task->flags & CO_TASK_MEMBER_ ? &((struct co_members_ *)(void *)task->set)->list
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

    if (!co_scheduler_)
        return NULL;
    list = task ? list_of(co_scheduler_, task) : &co_scheduler_->own;
    if (task ? task->younger != list->oldest : list->oldest != NULL)
        return task ? task->younger : list->oldest;
    return list->next == &co_scheduler_->own ? NULL : list->next->oldest;
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct co_task *co_task_alloc_(size_t frame_size)
{
    struct co_scheduler *s = co_scheduler_here_(CO_NAME_("co_spawn"));

    return s->driver->resize
        ? (struct co_task *)s->driver->resize(s->driver, NULL, CO_TASK_HEAD_ + frame_size)
        : NULL;
}

/* [task] runs chain.top; [members]: as a task of that group. */
void co_task_join_(struct co_task *task, int flags, struct co_members_ *members)
{
    struct co_scheduler *s = co_scheduler_here_(CO_NAME_(flags ? "co_spawn" : "co_task_init"));

    *task = (struct co_task){ .chain = { task->chain.top, 0 }, .step = CO_TASK_READY_,
                           .flags = (uint8_t)flags, .set = members ? &members->set : NULL };
    CO_DEBUGS_(task->debug.self = task);
    all_add(s, task);
    co_ring_add(&s->ready, task);
}

void co_task_init_(struct co_task *task, struct co_head *root)
{
    CO_DEBUGS_(co_debug_init_(task, root));
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
    struct co_scheduler *s;

    if (!task)
        return;
    if (task->step != CO_TASK_ENDED_)
        co_stop_(task, "co_task_free",
                 "() of a task that has not ended: join it first, here it stands", "");
    CO_DEBUGS_(co_debug_freed_(task));
    if (!(task->flags & CO_TASK_OWN_))
        return;
    s = co_scheduler_here_(CO_NAME_("co_task_free"));
    s->driver->resize(s->driver, task, 0);
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
    if (!task)
        return -ENOMEM;
    if (task->step != CO_TASK_ENDED_)
        return -EINPROGRESS;
    CO_DEBUGS_(co_debug_seen_((struct co_task *)(uintptr_t)task));
    return task->chain.result;
}

/* The outermost frame of its chain; in the end, the only one. A caller that has not started is the
 * guard of a group: group.c. */
static struct co_head *root_of(struct co_task *task)
{
    struct co_head *root = task->chain.top;

    for (struct co_head *co = root->caller; co; co = co->caller)
        if (co->at.word != 0)
            root = co;
    return root;
}

const char *co_task_name(struct co_task *task)
{
    const struct co_site *site = task ? co_where(root_of(task)) : NULL;

    return site ? site->name : "";
}

struct co_task *co_current(void)
{
    return co_scheduler_ ? co_scheduler_->current : NULL;
}

struct co_head *co_task_frame_(struct co_task *task, co_body *body, const char *name)
{
    struct co_head *root = task ? root_of(task) : NULL;

    (void)name;
    if (root && root->body != body)
        co_stop_(task, "CO_TASK_FRAME: the task that stands here does not run ", name, "");
    CO_DEBUGS_(co_debug_seen_(task));
    return root;
}

/* The task has run to its end. Its joiners go on, and the set whose member it is hears of it, which
 * may free it. A request that it has not met dies with it. */
static void task_end(struct co_scheduler *s, struct co_task *task)
{
    intptr_t result = task->chain.result;
    struct co_task_set *set = task->set;
    int go = task->flags & CO_TASK_GO_;         /* a done callback may free the task */

    if (CO_RARELY_(task->locks))
        co_stop_(task, co_task_name(task), " ended and still owns a lock: co_lock_release() it in "
                 "co_finally", "");
    CO_DEBUGS_(task->debug.self = NULL);
    CO_DEBUGS_(task->debug.seen = set || task->joiners);
    all_remove(s, task);
    task->set = NULL;
    while (task->joiners) {
        struct co_task *joiner = task->joiners;

        co_ring_remove(&task->joiners, joiner);
        co_wake(joiner, result);
    }
    if (set)
        set->ended(set, task);
    if (go)
        co_task_free(task);
}

/* ---- Turns ----------------------------------------------------------------------------------- */

void co_scheduler_init(struct co_scheduler *s, struct co_driver *driver,
                    struct co_timer_slot *timers, uint32_t room)
{
    *s = (struct co_scheduler){ .driver = driver, .timers = timers, .timer_room = room,
                             .fixed = timers || !driver->resize, .fired = INT64_MIN };
    s->own.next = s->own.prev = &s->own;
    co_scheduler_ = s;
}

void co_scheduler_free(struct co_scheduler *s)
{
    if (s->count > 0)
        co_stop_(co_task_next(NULL), "co_scheduler_free",
             "() while tasks are left: here the oldest one stands", "");
    if (!s->fixed && s->timers)
        s->driver->resize(s->driver, s->timers, 0);
    if (co_scheduler_ == s)
        co_scheduler_ = NULL;
}

struct co_scheduler *co_scheduler_get(void)
{
    return co_scheduler_;
}

void co_scheduler_set(struct co_scheduler *s)
{
    co_scheduler_ = s;
}

/* co_wait() of coro.h: a callback of the user's ends it by co_wake. */
static enum co_take_back call_take_back(struct co_task *task)
{
    (void)task;
    return CO_TAKEN;
}
static const struct co_wait_kind call_wait = { CO_NAME_("co_wait"), call_take_back };

#ifdef CO_DEBUG
/* What always holds between two turns, see cancel.c; of a large crowd only the eldest are looked
 * at, for a turn must not cost more than it has work. */
static void check_tasks(struct co_scheduler *s)
{
    struct co_task *task = NULL;

    (void)s;
    for (int i = 0; i < 100 && (task = co_task_next(task)) != NULL; i++)
        co_task_check_(task);
}
#define CHECK_TASKS(s) check_tasks(s)
#else
#define CHECK_TASKS(s) ((void)(s))
#endif

/* Resumes the task once, up to where it waits, pauses or ends. */
static void step(struct co_scheduler *s, struct co_task *task)
{
    int signal;

    if (task->flags & (CO_TASK_PAUSED_ | CO_TASK_UNSEEN_)) {
        if (task->flags & CO_TASK_PAUSED_)
            task->chain.result = co_task_take_(task) ? -ECANCELED : 0;
        task->flags &= (uint8_t)~(CO_TASK_PAUSED_ | CO_TASK_UNSEEN_);
    }
    task->step = CO_TASK_RUNNING_;
    s->current = task;
    s->budget = CO_BUDGET;
    CO_DEBUGS_(co_debug_enter_(s));
    signal = co_resume(&task->chain);
    s->current = NULL;
    CO_DEBUGS_(signal == CO_RETURNED ? (void)0 : co_debug_suspended_(s, task));
    if (signal == CO_WAITING) {
        if (task->step == CO_TASK_RUNNING_) {   /* co_wait() itself */
            co_waits_(s, task, &call_wait, NULL);
            co_task_deliver_(task);
        }
        STEPPED(s, task);
        return;
    }
    if (task->step != CO_TASK_RUNNING_)
        co_stop_(task, unawaited(task), " was made and never awaited: ",
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
    CO_POINT_HERE_(s, task);
    STEPPED(s, task);
}

void co_scheduler_turn(struct co_scheduler *s)
{
    struct co_task *batch, *inside = co_scheduler_ ? co_scheduler_->current : NULL;

    if (inside)
        co_stop_(inside, "co_scheduler_turn",
                 "() inside a task: a loop does not run in a loop", "");
    co_scheduler_ = s;
    s->turns++;
    co_timers_fire_(s);
    batch = s->ready;
    s->ready = NULL;
    if (CO_RARELY_(CO_HOOKS_(s) != NULL))
        s->hooks->batch(s->hooks, &batch);
    while (batch) {
        struct co_task *task = batch;

        co_ring_remove(&batch, task);
        step(s, task);
    }
    CHECK_TASKS(s);
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

/* ---- Wait and wake --------------------------------------------------------------------------- */

co_op co_done_later_(struct co_task *task, intptr_t result)
{
    task->chain.result = result;
    task->step = CO_TASK_READY_;
    co_ring_add(&co_scheduler_->ready, task);
    return co_wait();
}

struct co_task *co_task_quick_(void)
{
    struct co_scheduler *s = co_scheduler_;
    struct co_task *task = co_task_unasked_(s);

    if (!task || s->budget <= 1 || CO_HOOKS_(s))
        return NULL;
    s->budget--;
    task->wait = NULL;
    return task;
}

co_op co_op_done(intptr_t result)
{
    struct co_task *task = co_task_running_(CO_NAME_("co_op_done"));
    struct co_scheduler *s = co_scheduler_;

    task->wait = NULL;
    CO_POINT_HERE_(s, task);
    return --s->budget > 0 ? co_done(result) : co_done_later_(task, result);
}

int co_op_take_cancel(const char *name)
{
    return co_task_take_(co_task_running_(name));
}

struct co_task *co_op_wait(const struct co_wait_kind *kind, void *object)
{
    struct co_task *task = co_task_running_(kind->name);

    co_waits_(co_scheduler_, task, kind, object);
    return task;
}

static inline void make_ready(struct co_scheduler *s, struct co_task *task, intptr_t result)
{
    task->step = CO_TASK_READY_;
    task->chain.result = result;
    co_ring_add(&s->ready, task);
    CO_POINT_HERE_(s, task);
}

/* Apart from the usual wake, which needs no room on the stack then. */
static CO_ATTRIBUTE_(cold, noinline) void wake_lent(struct co_task *task, intptr_t result)
{
    make_ready(co_scheduler_, task, co_task_settle_(task, result));
}

static CO_ATTRIBUTE_(cold, noinline) void wake_wrong(struct co_task *task)
{
    if (task->step == CO_TASK_READY_ && task->wait == &call_wait
        && task->chain.result == -ECANCELED)
        return;                     /* a cancel was faster, which the caller cannot know yet */
    co_stop_(task, "co_wake", "() of a task that does not wait: wake each wait once", "");
}

void co_wake(struct co_task *task, intptr_t result)
{
    if (CO_RARELY_(task->step != CO_TASK_WAITING_))
        wake_wrong(task);
    else if (CO_RARELY_(task->flags & CO_TASK_LENT_))
        wake_lent(task, result);
    else
        make_ready(co_scheduler_, task, result);
}

/* ---- Waiting for tasks ----------------------------------------------------------------------- */

static enum co_take_back join_take_back(struct co_task *task)
{
    co_task_ask_((struct co_task *)task->object);
    return CO_PASSED;
}

static enum co_take_back shield_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_task *)task->object)->joiners, task);
    return CO_TAKEN;
}

static co_op join(struct co_task *me, struct co_task *task, const struct co_wait_kind *kind)
{
    if (task == me)
        return co_op_done(-EDEADLK);
    co_waits_(co_scheduler_, me, kind, task);
    co_ring_add(&task->joiners, me);
    co_task_deliver_(me);
    return co_wait();
}

co_op co_join(struct co_task *task)
{
    static const struct co_wait_kind kind = { CO_NAME_("co_join"), join_take_back };
    struct co_task *me = co_task_running_(kind.name);

    if (!task)
        return co_op_done(-ENOMEM);
    CO_DEBUGS_(task->step == CO_TASK_ENDED_ ? co_debug_seen_(task) : (void)0);
    return task->step == CO_TASK_ENDED_ ? co_op_ended_(me, task->chain.result)
        : join(me, task, &kind);
}

/* It lends no request, so the result of a task that had ended meets none. */
co_op co_shield(struct co_task *task)
{
    static const struct co_wait_kind kind = { CO_NAME_("co_shield"), shield_take_back };
    struct co_task *me = co_task_running_(kind.name);

    if (!task || task->step == CO_TASK_ENDED_)
        return co_op_done(co_task_result(task));
    return join(me, task, &kind);
}

static enum co_take_back gather_take_back(struct co_task *task)
{
    struct co_task *const *members = (struct co_task *const *)task->object;

    for (uint32_t i = 0; i < task->of.count; i++)
        if (members[i] && members[i]->set == &task->in.many.set)
            co_task_ask_(members[i]);
    return CO_PASSED;
}

/* Notes how one of the tasks ended. The first failure is kept where the result of the wait goes
 * anyway; that the first to fail was cancelled is a mark, for it counts only if nobody asked. */
static void gather_note(struct co_task *task, intptr_t result)
{
    if (result >= 0 || task->chain.result < 0)
        return;
    if (result != -ECANCELED)
        task->chain.result = result;
    else
        task->in.many.left |= CO_MARK_;
}

static intptr_t gather_result(const struct co_task *task)
{
    intptr_t failure = task->chain.result;

    if (task->flags & CO_TASK_LENT_)
        return failure < 0 ? failure : -ECANCELED;
    return task->in.many.left & CO_MARK_ ? -ECANCELED : failure;
}

int co_task_leave_(struct co_task *task)
{
    struct co_task *const *members = (struct co_task *const *)task->object;

    if (task->wait->take_back == join_take_back)
        (void)shield_take_back(task);
    else if (task->wait->take_back == gather_take_back)
        for (uint32_t i = 0; i < task->of.count; i++) {
            if (members[i] && members[i]->set == &task->in.many.set)
                members[i]->set = NULL;
        }
    else
        return 0;
    co_wake(task, -EDEADLK);
    return 1;
}

static void gather_ended(struct co_task_set *set, struct co_task *member)
{
    struct co_task *task = CO_CONTAINER_(set, struct co_task, in.many.set);

    gather_note(task, member->chain.result);
    task->in.many.left--;
    if ((task->in.many.left & ~CO_MARK_) == 0)
        co_wake(task, gather_result(task));
}

co_op co_gather(struct co_task *const *tasks, size_t n)
{
    static const struct co_wait_kind kind = { CO_NAME_("co_gather"), gather_take_back };
    struct co_task *me = co_task_running_(kind.name);

    for (size_t i = 0; i < n; i++) {
        if (tasks[i] == me)
            return co_op_done(-EDEADLK);
        if (tasks[i] && tasks[i]->step != CO_TASK_ENDED_ && tasks[i]->set)
            return co_op_done(-EBUSY);
    }
    me->in.many.set.ended = gather_ended;
    me->of.count = (uint32_t)n;
    me->in.many.left = 0;
    me->chain.result = 0;
    for (size_t i = 0; i < n; i++) {
        if (!tasks[i] || tasks[i]->step == CO_TASK_ENDED_) {
            gather_note(me, co_task_result(tasks[i]));
        } else if (!tasks[i]->set) {            /* one that is named twice counts once */
            tasks[i]->set = &me->in.many.set;
            me->in.many.left++;
        }
    }
    if ((me->in.many.left & ~CO_MARK_) == 0)
        return co_op_ended_(me, gather_result(me));
    (void)co_op_wait(&kind, (void *)(uintptr_t)tasks);
    co_task_deliver_(me);
    return co_wait();
}
