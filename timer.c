/* SPDX-License-Identifier: BSD-2-Clause
 * timer.c: time on the task floor: the heap of timers, and the sleep of a task. Freestanding. */
#include "task_impl.h"

/* ---- The heap of timers -----------------------------------------------------------------------
 * Each owner knows its place in the heap, so that it can leave in O(log n). A started timer costs
 * one slot of 16 bytes, and no allocation unless the heap is full. */

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
        ((struct co_task *)slot.owner)->of.timer = i + 1;
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
    CO_DEBUGS_(co_debug_keeps_("co_timer_start", timer));
    co_timer_stop(timer);
    return slot_add(co_scheduler_here_(CO_NAME_("co_timer_start")), when, (uintptr_t)timer + 1);
}

void co_timer_stop(struct co_timer *timer)
{
    if (timer->place)
        slot_remove(co_scheduler_, timer->place);
    timer->place = 0;
}

/* Fires what is due. A timer that is started meanwhile is for the next turn, even if it is due. */
void co_timers_fire_(struct co_scheduler *s)
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
            co_wake((struct co_task *)owner, 0);
        }
    }
    s->fired = INT64_MIN;
}

void co_timer_hurry_(struct co_timer *timer)
{
    struct co_scheduler *s = co_scheduler_;
    int64_t now = s->fired == INT64_MIN ? 0 : s->fired + 1;

    slot_sift(s, timer->place - 1, (struct co_timer_slot){ now, (uintptr_t)timer + 1 });
}

/* ---- Sleep ----------------------------------------------------------------------------------- */

static enum co_take_back sleep_take_back(struct co_task *task)
{
    slot_remove(co_scheduler_, task->of.timer);
    return CO_TAKEN;
}
static const struct co_wait_kind sleep_wait = { CO_NAME_("co_sleep"), sleep_take_back };

/* For an op that completes at once, after the others have run. */
static co_op sleep_none(struct co_task *task)
{
    task->wait = &sleep_wait;
    co_task_point_(task);
    return co_done_later_(task, 0);
}

static inline co_op sleep_op(struct co_scheduler *s, int64_t when, int at_once)
{
    struct co_task *task = s->current;

    if (!task || task->step != CO_TASK_RUNNING_) {
        co_stop_op_(task, CO_NAME_("co_sleep"));
        CO_UNREACHABLE_;
    }
    if (co_task_take_(task))
        return co_done(-ECANCELED);
    if (at_once)
        return sleep_none(task);
    if (slot_add(s, when, (uintptr_t)task) < 0)
        return co_done(-ENOMEM);
    co_waits_(s, task, &sleep_wait, NULL);
    return co_wait();
}

co_op co_sleep_ns_(int64_t ns)
{
    struct co_scheduler *s = co_scheduler_here_(CO_NAME_("co_sleep"));

    return sleep_op(s, ns > 0 ? s->driver->now(s->driver) + ns : 0, ns <= 0);
}

co_op co_sleep_until_ns_(int64_t when)
{
    struct co_scheduler *s = co_scheduler_here_(CO_NAME_("co_sleep_until"));

    return sleep_op(s, when, when <= s->driver->now(s->driver));
}
