/* SPDX-License-Identifier: BSD-2-Clause
 * tasks_libuv.c: libuv's uv_timer_t for tasks.c; nothing where there is no libuv. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include "tasks.h"

#if __has_include(<uv.h>)
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t timers[TASKS_TIMERS];         /* whole milliseconds: it knows no other */
static long seen;

static double cpu(void)
{
    return (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void need(int right)
{
    if (!right) {
        fputs("tasks: libuv did not call back as often as it should\n", stderr);
        exit(1);
    }
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    seen++;
}

static void prepare(void)
{
    need(uv_loop_init(&loop) == 0);
    for (int i = 0; i < TASKS_TIMERS; i++)
        need(uv_timer_init(&loop, &timers[i]) == 0);
}

static void timers_start(const uint32_t *delays)
{
    uv_update_time(&loop);
    for (int i = 0; i < TASKS_TIMERS; i++)
        need(uv_timer_start(&timers[i], on_timer, delays[i] / 1000000, 0) == 0);
}

static double timers_fire(const uint32_t *delays)
{
    double start = cpu();

    seen = 0;
    timers_start(delays);
    uv_run(&loop, UV_RUN_DEFAULT);
    start = cpu() - start;
    need(seen == TASKS_TIMERS);
    return start / TASKS_TIMERS;
}

static double timers_cancel(const uint32_t *delays)
{
    double start = cpu();

    timers_start(delays);
    for (int i = 0; i < TASKS_TIMERS; i++)
        uv_timer_stop(&timers[i]);
    return (cpu() - start) / TASKS_TIMERS;
}

const struct tasks_kind tasks_libuv[] = {
    { "libuv timers fire", prepare, timers_fire },
    { "libuv timers cancelled", prepare, timers_cancel },
    { 0, 0, 0 }
};
#else
const struct tasks_kind tasks_libuv[] = { { 0, 0, 0 } };
#endif
