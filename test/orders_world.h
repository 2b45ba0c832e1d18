/* SPDX-License-Identifier: BSD-2-Clause
 * orders_world.h: up to four tasks, each with a script of ops, a letter each; whose turn it is to
 * do the next one is decided from outside. All of it, the heap too, lies in one struct: a copy of
 * that is a moment to which the world can return, so that two orders share how they begin. */
#ifndef ORDERS_WORLD_H
#define ORDERS_WORLD_H
#include "orders_model.h"

enum { BLOCKS = 4 + KIDS, BLOCK = 512, STEPS = 12, LETTERS = 16 };

/* How the task whose turn it is goes on. ALONE: it is resumed once, and whoever else is ready stays
 * so. FIRST: one turn, of which it is the first. QUIET: it, then turns until nobody is ready. */
enum pace { ALONE, FIRST, QUIET, PACES };

struct program {
    const char *name;
    unsigned paces;                 /* bits */
    const char *script[ACTORS];     /* fewer than LETTERS; '!' at the end: it fails */
    unsigned leaves;                /* bits: the actors that a cancel ends */
    int is_set, value, bound, parties, room, order;
};

/* The ops of an actor up to a ')', or its end: what one coroutine runs. */
struct part { co_frame; struct actor *actor; int depth, behind; };
struct actor {
    co_frame;
    int me, at, item, got;
    char op;
    intptr_t r, edge;               /* what came; what the edge of the last brackets must give */
    struct co_within slot, brackets[BRACKETS];
    struct part parts[BRACKETS + 1];
    struct co_as_completed each;
};

static struct world {
    const struct program *program;
    const char *order;              /* for the message of a failure */
    enum pace pace;
    int step;
    struct co_scheduler scheduler;
    struct co_driver driver;
    long blocks;                    /* of the heap, in use */
    unsigned at_gate;               /* bits */
    struct co_task *task[ALL];
    struct co_task *members[2];
    struct co_event event;
    struct co_lock lock;
    struct co_semaphore semaphore;
    struct co_condition condition;
    struct co_barrier barrier;
    struct co_queue queue;
    int items[ROOM];
    struct co_group group;
    struct model model;
    struct co_task tasks[ACTORS];
    struct actor actors[ACTORS];
    struct { size_t size; union { char bytes[BLOCK]; int64_t align64; void *align; } room; }
        heap[BLOCKS];
    char end[64];                   /* copies are in chunks of that */
} world;

static inline struct model *model_now(void)
{
    return &world.model;
}

static _Noreturn void wrong(const char *what, int x, long came, long expected)
{
    const char *pace[] = { "alone", "first", "quiet" };

    print_error("%s, %s, order %s, after %d steps: %s: actor %d: came %ld, expected %ld\n",
                world.program->name, pace[world.pace], world.order, world.step, what, x, came,
                expected);
    for (int i = 0; i < world.model.actors; i++)
        print_error("    %d: \"%s\", at %d\n", i, world.program->script[i], world.actors[i].at);
    fail();
    abort();
}

UNCHECKED static inline void same(const char *what, int x, long came, long expected)
{
    if (came != expected)
        wrong(what, x, came, expected);
}

/* ---- The driver ------------------------------------------------------------------------------ */

static int64_t world_clock(struct co_driver *driver)
{
    (void)driver;
    return world.model.now;
}

/* A freed block is overwritten: who still reads it will not get far. */
static void *world_resize(struct co_driver *driver, void *old, size_t size)
{
    (void)driver;
    for (int i = 0; i < BLOCKS; i++) {
        if (old ? old != &world.heap[i].room : world.heap[i].size != 0)
            continue;
        if (size > BLOCK)
            wrong("the heap is too small", i, (long)size, BLOCK);
        world.blocks += (size != 0) - (world.heap[i].size != 0);
        world.heap[i].size = size;
        if (size == 0)
            memset(&world.heap[i].room, 0xDD, BLOCK);
        return size ? &world.heap[i].room : NULL;
    }
    wrong("the heap is full, or this was not of it", -1, (long)size, 0);
}

/* ---- Ops ------------------------------------------------------------------------------------- */

static enum co_take_back gate_take_back(struct co_task *task)
{
    (void)task;
    return CO_LATER;
}

/* Waits for its turn. A cancel does not end that, and meets the op that follows. */
static co_op co_gate(const struct actor *actor)
{
    static const struct co_wait_kind wait = { "co_gate", gate_take_back };

    (void)co_op_wait(&wait, NULL);
    world.at_gate |= 1U << actor->me;
    return co_wait();
}

static int compare_keys(const void *a, const void *b)
{
    return key_of(*(const int *)a) - key_of(*(const int *)b);
}

/* The op of [x] is over, and gave [r]. */
static void op_ends(int x, char op, intptr_t r)
{
    struct model *m = M;

    same("the op's result", x, r, must_give(x));
    if (world.pace != ALONE && m->line[WOKEN].n && op != '.')
        for (int i = 0; i < m->line[WOKEN].n && m->line[WOKEN].who[0] != x; i++)
            same("who was woken later runs first", x, m->line[WOKEN].who[i] == x, 0);
    line_drop(&m->line[WOKEN], x);
    m->trace = (m->trace ^ (uint64_t)(r * 1024 + x * 128 + op)) * 0x100000001B3;
}

/* A task of the group: waits for the event. [how] '+': it ends as its wait does; '-': it fails in
 * any case; '*': it swallows a cancel, after one more wait. */
struct kid { co_frame; int me, waits; char how; intptr_t r; };
static co_define(kid) {
    co_begin;
    world.task[self->me] = co_current();
    for (self->waits = self->how == '*' ? 2 : 1; self->waits > 0; self->waits--) {
        must_begin(self->me, 'w', 0);
        co_await(self->r, co_event_wait(&world.event));
        op_ends(self->me, 'w', self->r);
        if (self->r == 0)
            break;
    }
    self->r = self->how == '-' ? -EIO : self->how == '*' ? 0 : self->r;
    must_end(self->me, self->r);
    co_return(self->r);
    co_end;
}

static int call_group(char op, int id)
{
    return id == ALL ? 0 : co_group_go(&world.group, kid, .me = id, .how = op);
}

/* Letters of calls that never wait. */
static intptr_t call(struct actor *self, int id)
{
    struct world *w = &world;

    switch (self->op) {
    case '0': case '1': case '2': case '3': return co_cancel(w->task[self->op - '0']);
    case 'C': co_scheduler_cancel_all(&w->scheduler); break;
    case 's': co_event_set(&w->event); break;
    case 'c': co_event_clear(&w->event); break;
    case 'r': return co_lock_release(&w->lock);
    case 'R': return co_semaphore_release(&w->semaphore);
    case 'n': return co_condition_notify(&w->condition, 1);
    case 'N': return co_condition_notify_all(&w->condition);
    case 'B': co_barrier_abort(&w->barrier); break;
    case 'Z': co_barrier_reset(&w->barrier); break;
    case 'P': return co_queue_put_now(&w->queue, &self->item);
    case 'G': return co_queue_get_now(&w->queue, &self->got);
    case 'q': co_queue_shutdown(&w->queue); break;
    case 'd': return co_queue_task_done(&w->queue);
    case '+': case '-': case '*': return call_group(self->op, id);
    case 'k': co_group_cancel(&w->group); break;
    default: break;
    }
    return 0;
}

/* How long a timer runs that [x] starts now. */
static double seconds_of(int x)
{
    return (double)later_by(x) * 1e-9;
}

static co_op op_alone(struct actor *self, char op)
{
    struct world *w = &world;
    struct co_task *last = w->members[1];

    switch (op) {
    case 'w': return co_event_wait(&w->event);
    case 'a': return co_lock_acquire(&w->lock);
    case 'A': return co_semaphore_acquire(&w->semaphore);
    case 'v': return co_condition_wait(&w->condition);
    case 'b': return co_barrier_wait(&w->barrier);
    case 'p': return co_queue_put(&w->queue, &self->item);
    case 'g': return co_queue_get(&w->queue, &self->got);
    case 'J': return co_queue_join(&w->queue);
    case 't': return co_sleep(seconds_of(self->me));
    case 'j': return co_join(last);
    case 'h': return co_shield(last);
    case 'm': return co_gather(w->members, 2);
    case 'y': return co_wait_any(w->members, 2);
    case 'l': return co_wait_tasks(w->members, 2, CO_ALL_COMPLETED);
    case 'x': return co_wait_tasks(w->members, 2, CO_FIRST_FAILED);
    case 'z': return co_wait_tasks(w->members, 2, CO_FIRST_COMPLETED);
    case 'e': return co_next(&self->each);
    default:  return co_group_wait(&w->group);
    }
}

/* The model first, for the op may wake others. */
static co_op op_begins(struct actor *self)
{
    int id = free_kid();                    /* before the model takes it */
    double seconds = seconds_of(self->me);

    self->item = self->me * LETTERS + self->at;
    self->got = -1;
    if (!must_begin(self->me, self->op, self->item))
        return co_done(call(self, id));
    if (inner(self->op) == self->op)
        return op_alone(self, self->op);
    if (self->op == 'f')
        return co_wait_for(&self->slot, world.members[1], seconds);
    return co_within(&self->slot, seconds, op_alone(self, inner(self->op)));
}

/* What came with the result. */
static void look_at_gift(const struct actor *self)
{
    const struct person *who = OF(self->me);

    if (inner(self->op) == 'g' || self->op == 'G')
        same("the item", self->me, self->got, self->r == 0 ? who->gets : -1);
    if (self->op == 'e')
        same("the task that completed gave", self->me,
             (long)(self->r == 1 ? self->each.task - world.tasks : 0),
             self->r == 1 ? who->given : 0);
}

/* The next letter of its script; '\0' at the end. */
static char letter_of(const struct actor *self)
{
    char letter = world.program->script[self->me][self->at];

    return letter == '!' ? '\0' : letter;
}

/* Where the script goes on behind the brackets that open at [at]. */
static int behind_brackets(const char *script, int at)
{
    int open = 0;

    do {
        open += (script[at] == '(') - (script[at] == ')');
        at++;
    } while (open > 0);
    return at;
}

static bool leaves(const struct actor *self)
{
    return self->r == -ECANCELED && world.program->leaves >> self->me & 1;
}

/* Brackets are a deadline around a coroutine that does what is in them. They take no step. */
static co_declare(part);
static co_op brackets_begin(struct part *self)
{
    struct actor *actor = self->actor;
    double seconds = seconds_of(actor->me);

    must_open(actor->me);
    return co_within(&actor->brackets[self->depth], seconds,
                     co_call(self + 1, part, .actor = actor, .depth = self->depth + 1));
}

static co_define(part) {
    struct actor *actor = self->actor;

    co_begin;
    while ((actor->op = letter_of(actor)) != '\0' && actor->op != ')') {
        if (actor->op == '(') {
            self->behind = behind_brackets(world.program->script[actor->me], actor->at++);
            co_await(actor->r, brackets_begin(self));
            same("the edge of brackets", actor->me, actor->r, actor->edge);
            actor->at = self->behind;
        } else {
            co_await(co_gate(actor));
            co_await(actor->r, op_begins(actor));
            op_ends(actor->me, actor->op, actor->r);
            look_at_gift(actor);
            actor->at++;
        }
        if (leaves(actor))
            break;
    }
    if (self->depth > 0)
        actor->edge = must_close(actor->me, actor->r);
    co_return(actor->r);
    co_end;
}

static co_define(actor) {
    co_begin;
    co_as_completed_init(&self->each, world.members, 2);
    co_await(co_call(&self->parts[0], part, .actor = self));
    if (!leaves(self))
        self->r = strchr(world.program->script[self->me], '!') ? -EIO : 10 + self->me;
    each_is_over(self->me);
    co_await(co_gen_close(&self->each));
    must_end(self->me, self->r);
    co_return(self->r);
    co_end;
}

/* ---- The world and the model agree ----------------------------------------------------------- */

UNCHECKED static void same_tasks(const char *what, const struct co_task *ring,
                                 const struct line *line)
{
    const struct co_task *task = ring;

    same(what, -1, ring != NULL, line->n > 0);
    for (int i = 0; i < line->n; i++, task = task->in.link.next)
        if (task != world.task[line->who[i]] || (i > 0 && task == ring))
            wrong(what, line->who[i], i, line->n);
    if (task != ring)
        wrong(what, -1, line->n + 1, line->n);
}

UNCHECKED static inline void same_ring(const char *what, const struct co_task *ring,
                                       enum line_name name)
{
    if (ring || world.model.line[name].n)
        same_tasks(what, ring, &world.model.line[name]);
}

UNCHECKED static void agree(void)
{
    const struct world *w = &world;
    const struct model *m = &w->model;
    int ready = 0, alive = 0;

    for (const struct co_task *task = w->scheduler.ready; task; ready++)
        task = task->in.link.next == w->scheduler.ready ? NULL : task->in.link.next;
    for (int x = 0, n = m->line[GROUP].n ? ALL : m->actors; x < n; x++)
        alive += !m->of[x].ended && m->of[x].gives != BLOCKED && !(w->at_gate >> x & 1);
    same("tasks that are ready", -1, ready, alive);
    same("timers that run", -1, (long)w->scheduler.timer_count, timers());
    same("the event is set", -1, w->event.is_set, m->is_set);
    same_ring("who waits for the event", w->event.waiters, EVENT);
    if (w->lock.owner != (m->owner == NOBODY ? NULL : w->task[m->owner]))
        wrong("the lock's owner", m->owner, (long)(w->lock.owner - w->tasks), m->owner);
    same_ring("who waits for the lock", w->lock.waiters, LOCK);
    same("the semaphore's value", -1, (long)w->semaphore.value, m->value);
    same_ring("who waits for the semaphore", w->semaphore.waiters, SEMAPHORE);
    same_ring("who waits for a notify", w->condition.waiters, CONDITION);
    same("how many have come to the barrier", -1, (long)w->barrier.arrived, m->arrived);
    same("the barrier is broken", -1, w->barrier.broken, m->broken);
    same_ring("who waits at the barrier", w->barrier.waiters, BARRIER);
    same("the queue's count", -1, (long)w->queue.count, m->count);
    same("what is not done", -1, (long)w->queue.unfinished, m->unfinished);
    same_ring("who waits to get", w->queue.getters, GETTERS);
    same_ring("who waits to put", w->queue.putters, PUTTERS);
    same_ring("who joins the queue", w->queue.joiners, JOINERS);
    same_ring("who joins the last", (&w->tasks[m->actors - 1])->joiners, JOINS);
    same("tasks of the group", -1, (long)w->group.count, m->line[GROUP].n);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void turn(void)
{
    must_turn();
    co_scheduler_turn(&world.scheduler);
}

UNCHECKED static bool is_ready(const struct co_task *task)
{
    const struct co_task *first = world.scheduler.ready, *found = first;

    while (found && found != task)
        found = found->in.link.next == first ? NULL : found->in.link.next;
    return found != NULL;
}

/* [task], if it is ready, is the only one that is. The others. */
static struct co_task *hold_others(struct co_task *task)
{
    struct co_task *held = world.scheduler.ready;
    bool ready = is_ready(task);

    world.scheduler.ready = NULL;
    if (ready) {
        co_ring_remove(&held, task);
        co_ring_add(&world.scheduler.ready, task);
    }
    return held;
}

static void let_go(struct co_task *held)
{
    struct co_task *woken = world.scheduler.ready;

    world.scheduler.ready = held;
    while (woken) {
        struct co_task *task = woken;
        co_ring_remove(&woken, task);
        co_ring_add(&world.scheduler.ready, task);
    }
}

static void pass_gate(int x)
{
    if (!(world.at_gate >> x & 1))
        return;
    world.at_gate &= ~(1U << x);
    co_wake(&world.tasks[x], 0);
    world.scheduler.ready = world.scheduler.ready->in.link.prev;     /* before the others */
}

/* Nothing would come of its turn: it waits, or has ended. */
static bool is_idle(int x)
{
    return !(world.at_gate >> x & 1) && world.scheduler.timer_count == 0
        && (world.pace == ALONE ? !is_ready(&world.tasks[x]) : !world.scheduler.ready);
}

static void step(int x)
{
    struct co_task *held;

    world.step++;
    if (is_idle(x))
        return;
    pass_gate(x);
    if (world.pace == ALONE) {
        held = hold_others(&world.tasks[x]);
        turn();
        let_go(held);
    } else {
        turn();
        while (world.pace == QUIET && world.scheduler.ready)
            turn();
    }
    agree();
}

static void turns_until_quiet(void)
{
    while (world.scheduler.ready)
        turn();
    agree();
}

/* Nobody is ready. Those who wait for their turn get it; else time passes; else one who waits is
 * cancelled, each time another one. */
static void move(int i)
{
    int x = 0;

    if (world.at_gate) {
        for (x = ACTORS; x-- > 0; )
            pass_gate(x);
    } else if (world.scheduler.timer_count) {
        time_passes();
        turn();
    } else {
        while (x < ALL && OF((x + i) % ALL)->gives != BLOCKED)
            x++;
        if (x == ALL)
            wrong("tasks are left, and the model knows of none", -1,
                  (long)world.scheduler.count, 0);
        x = (x + i) % ALL;
        must_cancel(x);
        co_cancel(world.task[x]);
    }
}

/* The rest, after the order. */
static void run_out(void)
{
    world.pace = QUIET;
    LINE(WOKEN)->n = 0;                     /* they were woken in another order, held back */
    turns_until_quiet();
    for (int i = 0; world.scheduler.count; i++) {
        if (i == 100)
            wrong("it does not end", -1, (long)world.scheduler.count, 0);
        move(i);
        turns_until_quiet();
    }
}

/* ---- Begin and end --------------------------------------------------------------------------- */

static void model_begin(const struct program *p, int actors)
{
    struct model *m = M;

    m->actors = actors;
    m->owner = NOBODY;
    m->is_set = p->is_set;
    m->value = p->value;
    m->bound = p->bound;
    m->parties = p->parties;
    m->room = p->room < 0 ? ITEMS : p->room;
    m->order = p->order;
    group_is_new();
    for (int x = 0; x < ALL; x++)
        *OF(x) = (struct person){ .scopes = 1, .ended = x >= actors,
                                   .set = NOBODY };
}

/* All stand at their first gate then. */
static void world_begin(const struct program *p, enum pace pace, const char *order)
{
    int actors = p->script[ACTORS - 1] ? ACTORS : ACTORS - 1;
    struct world *w = &world;

    memset(w, 0, sizeof *w);
    w->program = p;
    w->pace = pace;
    w->order = order;
    w->driver = (struct co_driver){ world_clock, NULL, world_resize };
    co_scheduler_init(&w->scheduler, &w->driver, NULL, 0);
    w->event.is_set = p->is_set;
    co_semaphore_init(&w->semaphore, (unsigned)p->value, (unsigned)p->bound);
    co_condition_init(&w->condition, &w->lock);
    co_barrier_init(&w->barrier, (unsigned)p->parties);
    if (p->room < 0)
        co_queue_init_unbounded(&w->queue, sizeof(int), (enum co_queue_order)p->order,
                                compare_keys);
    else
        co_queue_init_order(&w->queue, w->items, (size_t)p->room, sizeof(int),
                         (enum co_queue_order)p->order, compare_keys);
    co_group_init(&w->group, NULL);
    model_begin(p, actors);
    for (int x = 0; x < actors; x++) {
        w->task[x] = &w->tasks[x];
        co_task_init(&w->tasks[x], &w->actors[x], actor, .me = x);
    }
    w->members[0] = &w->tasks[actors - 2];
    w->members[1] = &w->tasks[actors - 1];
    turn();
    agree();
}

/* Nothing is left. */
static void world_end(void)
{
    struct world *w = &world;

    same("tasks left", -1, (long)w->scheduler.count, 0);
    same("timers left", -1, (long)w->scheduler.timer_count, 0);
    same("the lock is left held", -1, w->lock.owner != NULL, 0);
    for (int i = 0; i < w->model.actors; i++) {
        if (w->tasks[i].joiners || w->tasks[i].set)
            wrong("somebody still has to do with a task that ended", i, 1, 0);
        same("the task's result", i, co_task_result(&w->tasks[i]), OF(i)->result);
    }
    co_event_check_idle(&w->event);                  /* these stop if a task still waits */
    co_lock_check_idle(&w->lock);
    co_semaphore_check_idle(&w->semaphore);
    co_condition_check_idle(&w->condition);
    co_barrier_check_idle(&w->barrier);
    co_queue_free(&w->queue);
    co_scheduler_free(&w->scheduler);
    same("blocks of the heap left", -1, w->blocks, 0);
}

#endif
