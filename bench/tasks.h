/* SPDX-License-Identifier: BSD-2-Clause
 * tasks.h: what tasks.c asks of each kind that it measures, ours and the peers. */
#ifndef BENCH_TASKS_H
#define BENCH_TASKS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TASKS_BATCH = 100,          /* that are spawned before the first of them runs */
    TASKS_SPAWNS = 200000,      /* in a slice */
    TASKS_SLEEPERS = 1000000,   /* that are alive meanwhile, or none */
    TASKS_WAITERS = 1000,       /* that are woken in turn */
    TASKS_WAKES = 200000,       /* in a slice */
    TASKS_TIMERS = 1000000
};

/* [delays]: of TASKS_TIMERS timers, random in 0..1 s, in nanoseconds. */
struct tasks_kind {
    const char *name;
    void (*prepare)(void);                      /* once, or NULL */
    double (*slice)(const uint32_t *delays);    /* CPU of one item, in nanoseconds */
};

extern const struct tasks_kind tasks_ours[], tasks_cpp[], tasks_libev[], tasks_libuv[],
    tasks_libevent[];           /* up to one without a name */

#ifdef __cplusplus
}
#endif
#endif
