/* SPDX-License-Identifier: BSD-2-Clause
 * tasks_libevent.c: libevent's timers for tasks.c; nothing where there is no libevent. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include "tasks.h"

#if __has_include(<event2/event_struct.h>)
#include <event2/event.h>
#include <event2/event_struct.h>

static struct event_base *base;
static struct event timers[TASKS_TIMERS];
static long seen;

static double cpu(void)
{
    return (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void need(int right)
{
    if (!right) {
        fputs("tasks: libevent did not call back as often as it should\n", stderr);
        exit(1);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    seen++;
}

static void prepare(void)
{
    base = event_base_new();
    need(base != NULL);
    for (int i = 0; i < TASKS_TIMERS; i++)
        need(evtimer_assign(&timers[i], base, on_timer, NULL) == 0);
}

static void timers_start(const uint32_t *delays)
{
    struct timeval delay = { 0, 0 };

    for (int i = 0; i < TASKS_TIMERS; i++) {
        delay.tv_usec = (suseconds_t)(delays[i] / 1000);
        need(evtimer_add(&timers[i], &delay) == 0);
    }
}

static double timers_fire(const uint32_t *delays)
{
    double start = cpu();

    seen = 0;
    timers_start(delays);
    event_base_dispatch(base);
    start = cpu() - start;
    need(seen == TASKS_TIMERS);
    return start / TASKS_TIMERS;
}

static double timers_cancel(const uint32_t *delays)
{
    double start = cpu();

    timers_start(delays);
    for (int i = 0; i < TASKS_TIMERS; i++)
        evtimer_del(&timers[i]);
    return (cpu() - start) / TASKS_TIMERS;
}

const struct tasks_kind tasks_libevent[] = {
    { "libevent timers fire", prepare, timers_fire },
    { "libevent timers cancelled", prepare, timers_cancel },
    { 0, 0, 0 }
};
#else
const struct tasks_kind tasks_libevent[] = { { 0, 0, 0 } };
#endif
