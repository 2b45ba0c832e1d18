/* SPDX-License-Identifier: BSD-2-Clause
 * counts.c: what test/instructions.sh counts under callgrind, which is N of each kind, one kind
 * after the other. Each ends with a call of counted(), for which callgrind looks.
 *
 *     counts N                prints the names of the kinds, in order
 *
 * A bare scheduler; its clock is stepped, its memory a free list, so that no library of the system
 * is counted, and each run is the same. */
#include "../sync.h"
#include "resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 100 };
static long n;                          /* how many of each */

static void need(int right)
{
    if (!right) {
        fputs("counts: a task that failed, or no memory\n", stderr);
        exit(1);
    }
}

/* ---- The driver ------------------------------------------------------------------------------ */

static int64_t stepped;
static int64_t now(struct co_driver *driver)
{
    (void)driver;
    return stepped;
}

/* Blocks of one size; the heap of the timers is made once, as large as it gets. */
union block { union block *next; char bytes[256]; int64_t align; };
static union block blocks[1024], *blocks_free;

static void *resize(struct co_driver *driver, void *old, size_t size)
{
    union block *block = old ? old : blocks_free;

    (void)driver;
    need(size <= sizeof *block && block && (!old || size == 0));
    if (size > 0) {
        blocks_free = block->next;
        return block;
    }
    block->next = blocks_free;
    blocks_free = block;
    return NULL;
}

static struct co_driver driver = { .now = now, .resize = resize };
static struct co_scheduler scheduler;
static struct co_timer_slot slots[1024];

/* ---- Kinds ----------------------------------------------------------------------------------- */

static void resumes(const struct resume_kind *kind)
{
    static char room[100][RESUME_ROOM];
    static void *objects[100];
    static uint32_t order[100];
    size_t bytes;

    for (uint32_t i = 0; i < 100; i++) {
        objects[i] = kind->make(room[i], &bytes);
        order[i] = i * 37 % 100;
    }
    for (long i = 0; i < n / 100; i++)
        need(kind->drive(objects, order, 100) == 0);
}

static void resume_switch(void) { resumes(&resume_ours_switch.resume); }
static void resume_labels(void) { resumes(&resume_ours_labels.resume); }
static void call_switch(void) { resumes(&resume_ours_switch.call); }
static void call_labels(void) { resumes(&resume_ours_labels.call); }

struct ends { co_frame; long *ended; };
static co_define(ends)
{
    co_begin;
    ++*self->ended;
    co_end;
}

static void spawn(void)
{
    long ended = 0;

    for (long i = 0; i < n / BATCH; i++) {
        for (int k = 0; k < BATCH; k++)
            need(co_go(ends, .ended = &ended) == 0);
        co_scheduler_turn(&scheduler);
    }
    need(ended == n);
}

struct pauser { co_frame; long left; };
static co_define(pauser)
{
    co_begin;
    while (self->left-- > 0)
        co_pause;
    co_end;
}

static void pass(void)
{
    for (int k = 0; k < BATCH; k++)
        need(co_go(pauser, .left = n / BATCH) == 0);
    while (scheduler.count > 0)
        co_scheduler_turn(&scheduler);
}

static struct co_event events[BATCH];
struct waiter { co_frame; struct co_event *event; long left; };
static co_define(waiter)
{
    co_begin;
    while (self->left-- > 0) {
        co_try(co_event_wait(self->event));
        co_event_clear(self->event);
    }
    co_end;
}

static void wake(void)
{
    for (int k = 0; k < BATCH; k++)
        need(co_go(waiter, .event = &events[k], .left = n / BATCH) == 0);
    while (scheduler.count > 0) {
        co_scheduler_turn(&scheduler);
        for (int k = 0; k < BATCH; k++)
            co_event_set(&events[k]);
    }
    memset(events, 0, sizeof events);
}

static struct co_lock lock;
struct locker { co_frame; long left; };
static co_define(locker)
{
    co_begin;
    while (self->left-- > 0) {
        co_try(co_lock_acquire(&lock));
        co_lock_release(&lock);
    }
    co_end;
}

static void lock_unlock(void)
{
    need(co_go(locker, .left = n) == 0);
    while (scheduler.count > 0)
        co_scheduler_turn(&scheduler);
}

static struct co_queue queue;
struct putter { co_frame; long left; };
static co_define(putter)
{
    co_begin;
    while (self->left-- > 0)
        co_try(co_queue_put(&queue, &self->left));
    co_end;
}

struct getter { co_frame; long left, item; };
static co_define(getter)
{
    co_begin;
    while (self->left-- > 0)
        co_try(co_queue_get(&queue, &self->item));
    co_end;
}

static void queue_handed(void)
{
    static long room[1];

    co_queue_init(&queue, room, 0, sizeof *room);
    need(co_go(getter, .left = n) == 0 && co_go(putter, .left = n) == 0);
    while (scheduler.count > 0)
        co_scheduler_turn(&scheduler);
}

/* Of 1,000 timers, one fires, or is cancelled, and starts anew. */
static struct co_timer timers[1000];
static long fired;
static void timer_fired(struct co_timer *timer)
{
    fired++;
    need(co_timer_start(timer, stepped + 1 + fired * 7919 % 1000) == 0);
}

static void timers_begin(void)
{
    fired = 0;
    for (int i = 0; i < 1000; i++) {
        timers[i].fire = timer_fired;
        need(co_timer_start(&timers[i], stepped + 1 + i * 37 % 1000) == 0);
    }
}

static void timers_end(void)
{
    for (int i = 0; i < 1000; i++)
        co_timer_stop(&timers[i]);
}

static void timer_fire(void)
{
    timers_begin();
    while (fired < n) {
        stepped = co_scheduler_next(&scheduler);
        co_scheduler_turn(&scheduler);
    }
    timers_end();
}

static void timer_cancel(void)
{
    timers_begin();
    for (long i = 0; i < n; i++) {
        co_timer_stop(&timers[i % 1000]);
        need(co_timer_start(&timers[i % 1000], stepped + 1 + i * 7919 % 1000) == 0);
    }
    timers_end();
}

struct sleeper { co_frame; long left; };
static co_define(sleeper)
{
    co_begin;
    while (self->left-- > 0)
        co_try(co_sleep_ns_(1 + self->left * 37 % 1000));
    co_end;
}

static void sleep_wake(void)
{
    for (int k = 0; k < BATCH; k++)
        need(co_go(sleeper, .left = n / BATCH) == 0);
    while (scheduler.count > 0) {
        co_scheduler_turn(&scheduler);
        if (co_scheduler_next(&scheduler) < INT64_MAX)
            stepped = co_scheduler_next(&scheduler);
    }
}

struct child { co_frame; };
static co_define(child)
{
    co_begin;
    co_return(1);
    co_end;
}

struct parent { co_frame; struct co_task *child; long left; intptr_t r; };
static co_define(parent)
{
    co_begin;
    while (self->left-- > 0) {
        self->child = co_spawn(child);
        co_await(self->r, co_join(self->child));
        need(self->r == 1);
        co_task_free(self->child);
    }
    co_end;
}

static void join(void)
{
    need(co_go(parent, .left = n) == 0);
    while (scheduler.count > 0)
        co_scheduler_turn(&scheduler);
}

/* ---- Main ------------------------------------------------------------------------------------ */

static const struct { const char *name; void (*run)(void); } kinds[] = {
    { "resume-switch", resume_switch }, { "resume-labels", resume_labels },
    { "call-switch", call_switch }, { "call-labels", call_labels },
    { "pass", pass }, { "spawn", spawn }, { "join", join }, { "wake", wake },
    { "lock", lock_unlock }, { "queue", queue_handed }, { "timer-fire", timer_fire },
    { "timer-cancel", timer_cancel }, { "sleep", sleep_wake },
};

void counted(const char *name);
__attribute__((noinline)) void counted(const char *name)
{
    puts(name);
}

int main(int argc, char **argv)
{
    n = argc == 2 ? atol(argv[1]) : 0;
    if (n < 1000) {
        fputs("usage: counts N, from 1000\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        resize(&driver, &blocks[i], 0);
    co_scheduler_init(&scheduler, &driver, slots, sizeof slots / sizeof *slots);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        kinds[i].run();
        counted(kinds[i].name);
    }
    co_scheduler_free(&scheduler);
    return 0;
}
