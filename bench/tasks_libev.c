/* SPDX-License-Identifier: BSD-2-Clause
 * tasks_libev.c: libev's ev_timer, and its way to wake a callback, for tasks.c. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include "tasks.h"

#include <ev.h>

static struct ev_loop *loop;
static ev_timer timers[TASKS_TIMERS];
static ev_prepare waiters[TASKS_WAITERS];       /* never started: they are fed by hand */
static long seen;

static double cpu(void)
{
    return (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void need(int right)
{
    if (!right) {
        fputs("tasks: libev did not call back as often as it should\n", stderr);
        exit(1);
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)ev, (void)timer, (void)revents;
    seen++;
}

static void on_wake(struct ev_loop *ev, ev_prepare *waiter, int revents)
{
    (void)ev, (void)waiter, (void)revents;
    seen++;
}

static void prepare(void)
{
    loop = ev_loop_new(EVFLAG_NOENV);
    need(loop != NULL);
    for (int i = 0; i < TASKS_TIMERS; i++)
        ev_timer_init(&timers[i], on_timer, 0., 0.);
    for (int i = 0; i < TASKS_WAITERS; i++)
        ev_prepare_init(&waiters[i], on_wake);
}

static double wake(const uint32_t *delays)
{
    double start = cpu();

    (void)delays;
    seen = 0;
    for (int i = 0; i < TASKS_WAKES / TASKS_WAITERS; i++) {
        for (int k = 0; k < TASKS_WAITERS; k++)
            ev_feed_event(loop, &waiters[k], EV_CUSTOM);
        ev_invoke_pending(loop);
    }
    start = cpu() - start;
    need(seen == TASKS_WAKES);
    return start / TASKS_WAKES;
}

static void timers_start(const uint32_t *delays)
{
    ev_now_update(loop);
    for (int i = 0; i < TASKS_TIMERS; i++) {
        ev_timer_set(&timers[i], delays[i] / 1e9, 0.);
        ev_timer_start(loop, &timers[i]);
    }
}

static double timers_fire(const uint32_t *delays)
{
    double start = cpu();

    seen = 0;
    timers_start(delays);
    ev_run(loop, 0);
    start = cpu() - start;
    need(seen == TASKS_TIMERS);
    return start / TASKS_TIMERS;
}

static double timers_cancel(const uint32_t *delays)
{
    double start = cpu();

    timers_start(delays);
    for (int i = 0; i < TASKS_TIMERS; i++)
        ev_timer_stop(loop, &timers[i]);
    return (cpu() - start) / TASKS_TIMERS;
}

const struct tasks_kind tasks_libev[] = {
    { "libev wake", prepare, wake },
    { "libev timers fire", prepare, timers_fire },
    { "libev timers cancelled", prepare, timers_cancel },
    { 0, 0, 0 }
};
