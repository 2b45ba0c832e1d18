/* SPDX-License-Identifier: BSD-2-Clause
 * tasks_ours.c: our tasks for tasks.c: spawned, woken, and a million timers. All on a loop of
 * loop.h, with its allocator and clock; spawns and wakes run its scheduler's turns by hand. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include "loop.h"
#include "tasks.h"

static struct co_loop *loop;

static double cpu(void)
{
    return (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void need(int right)
{
    if (!right) {
        fputs("tasks: no memory, or a task that failed\n", stderr);
        exit(1);
    }
}

static void start_loop(void)
{
    loop = co_loop_new(NULL);
    need(loop != NULL);
}

/* ---- Spawn, run, end ------------------------------------------------------------------------- */

struct ends { co_frame; long *ended; };
static co_define(ends)
{
    co_begin;
    ++*self->ended;
    co_end;
}

struct large { co_frame; long *ended; char buffer[200]; };
static co_define(large)
{
    co_begin;
    ++*self->ended;
    co_end;
}

struct yields { co_frame; long *ended; };
static co_define(yields)
{
    co_begin;
    co_pause;
    ++*self->ended;
    co_end;
}

struct sleeper { co_frame; double seconds; };
static co_define(sleeper)
{
    co_begin;
    co_try(co_sleep(self->seconds));
    co_end;
}

static void start_loop_and_sleepers(void)
{
    start_loop();
    for (int i = 0; i < TASKS_SLEEPERS; i++)
        need(co_go(sleeper, .seconds = 3600 + i % 1000) == 0);
    co_scheduler_turn(co_scheduler_get());
}

static double spawn_end(const uint32_t *delays)
{
    double start = cpu();
    long ended = 0;

    (void)delays;
    for (int i = 0; i < TASKS_SPAWNS / TASKS_BATCH; i++) {
        int failed = 0;

        for (int k = 0; k < TASKS_BATCH; k++)
            failed |= co_go(ends, .ended = &ended);
        need(!failed);
        co_scheduler_turn(co_scheduler_get());
    }
    start = cpu() - start;
    need(ended == TASKS_SPAWNS);
    return start / TASKS_SPAWNS;
}

static double spawn_large(const uint32_t *delays)
{
    double start = cpu();
    long ended = 0;

    (void)delays;
    for (int i = 0; i < TASKS_SPAWNS / TASKS_BATCH; i++) {
        int failed = 0;

        for (int k = 0; k < TASKS_BATCH; k++)
            failed |= co_go(large, .ended = &ended);
        need(!failed);
        co_scheduler_turn(co_scheduler_get());
    }
    start = cpu() - start;
    need(ended == TASKS_SPAWNS);
    return start / TASKS_SPAWNS;
}

static double spawn_yield(const uint32_t *delays)
{
    double start = cpu();
    long ended = 0;

    (void)delays;
    for (int i = 0; i < TASKS_SPAWNS / TASKS_BATCH; i++) {
        int failed = 0;

        for (int k = 0; k < TASKS_BATCH; k++)
            failed |= co_go(yields, .ended = &ended);
        need(!failed);
        co_scheduler_turn(co_scheduler_get());
        co_scheduler_turn(co_scheduler_get());
    }
    start = cpu() - start;
    need(ended == TASKS_SPAWNS);
    return start / TASKS_SPAWNS;
}

/* ---- Wake ------------------------------------------------------------------------------------ */

static struct co_event events[TASKS_WAITERS];
static long woken;

struct waiter { co_frame; struct co_event *event; };
static co_define(waiter)
{
    co_begin;
    for (;;) {
        co_try(co_event_wait(self->event));
        co_event_clear(self->event);
        woken++;
    }
    co_end;
}

static void start_loop_and_waiters(void)
{
    start_loop();
    for (int i = 0; i < TASKS_WAITERS; i++)
        need(co_go(waiter, .event = &events[i]) == 0);
    co_scheduler_turn(co_scheduler_get());
}

static double wake(const uint32_t *delays)
{
    double start = cpu();

    (void)delays;
    woken = 0;
    for (int i = 0; i < TASKS_WAKES / TASKS_WAITERS; i++) {
        for (int k = 0; k < TASKS_WAITERS; k++)
            co_event_set(&events[k]);
        co_scheduler_turn(co_scheduler_get());
    }
    start = cpu() - start;
    need(woken == TASKS_WAKES);
    return start / TASKS_WAKES;
}

/* ---- Timers ---------------------------------------------------------------------------------- */

static struct co_timer timers[TASKS_TIMERS];
static long timers_left;
static struct co_task *timers_awaited_by;

static void timer_fired(struct co_timer *timer)
{
    (void)timer;
    if (--timers_left == 0)
        co_wake(timers_awaited_by, 0);
}

static void timers_start(const uint32_t *delays)
{
    int64_t now = bench_clock(CLOCK_MONOTONIC);
    int failed = 0;

    for (int i = 0; i < TASKS_TIMERS; i++) {
        timers[i].fire = timer_fired;
        failed |= co_timer_start(&timers[i], now + delays[i]);
    }
    need(!failed);
}

struct firing { co_frame; const uint32_t *delays; };
static co_define(firing)
{
    co_begin;
    timers_left = TASKS_TIMERS;
    timers_awaited_by = co_current();
    timers_start(self->delays);
    co_await(co_wait());
    co_end;
}

static double timers_fire(const uint32_t *delays)
{
    double start = cpu();

    need(co_go(firing, .delays = delays) == 0);
    need(co_loop_run(loop) == 0 && timers_left == 0);
    return (cpu() - start) / TASKS_TIMERS;
}

static double timers_cancel(const uint32_t *delays)
{
    double start = cpu();

    timers_start(delays);
    for (int i = 0; i < TASKS_TIMERS; i++)
        co_timer_stop(&timers[i]);
    need(co_scheduler_get()->timer_count == 0);
    return (cpu() - start) / TASKS_TIMERS;
}

const struct tasks_kind tasks_ours[] = {
    { "spawn", start_loop, spawn_end },
    { "spawn, again", start_loop, spawn_end },
    { "spawn large", start_loop, spawn_large },
    { "spawn and yield", start_loop, spawn_yield },
    { "spawn among many", start_loop_and_sleepers, spawn_end },
    { "spawn and yield among many", start_loop_and_sleepers, spawn_yield },
    { "wake", start_loop_and_waiters, wake },
    { "timers fire", start_loop, timers_fire },
    { "timers cancelled", start_loop, timers_cancel },
    { 0, 0, 0 }
};
