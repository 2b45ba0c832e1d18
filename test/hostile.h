/* SPDX-License-Identifier: BSD-2-Clause
 * hostile.h: what the hostile tests share: three sizes, one line of figures for each test, and
 * processes of their own. DUFFEL_SOAK=1 asks for the full sizes. */
#ifndef HOSTILE_H
#define HOSTILE_H
#define _DEFAULT_SOURCE         /* MAP_ANONYMOUS */
#include "loop_test.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

static inline bool is_soak(void)
{
    const char *soak = getenv("DUFFEL_SOAK");

    return soak && *soak && strcmp(soak, "0") != 0;
}

/* The size of a test: by hand, in make test, under valgrind. */
static inline int scaled(int full, int usual, int small)
{
    return is_soak() ? full : sized(usual, small);
}

/* The figures of a test, for the table of make soak. What failed are checks; each was told. */
#define told(...) told_(__VA_ARGS__)
static inline CO_ATTRIBUTE_(format(printf, 3, 4)) void told_(const char *name, long tried,
                                                             const char *figures, ...)
{
    va_list list;

    printf("hostile: %s: tried %ld, failed %d, ", name, tried, failures_);
    va_start(list, figures);
    vprintf(figures, list);
    va_end(list);
    printf("\n");
    fflush(stdout);
}

/* Runs all that was spawned. A failure is noted, so that the figures are told all the same. */
static inline void runs(void)
{
    if (co_loop_run(co_loop_current()) == 0)
        return;
    check_(false, "the tasks below can end", __FILE__, __LINE__);
    co_loop_dump(NULL, stderr);
}

/* Runs [task] and all that there is; its result. */
static inline intptr_t goes(struct co_task *task)
{
    intptr_t result;

    runs();
    result = co_task_result(task);
    if (result == -EINPROGRESS)
        co_task_detach(task);
    else
        co_task_free(task);
    return result;
}

/* Memory that this process and those apart from it have in common, zeroed. */
static inline void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    return memory;
}

/* Runs fn(arg) in a process of its own, which ends by itself in five minutes. */
static inline pid_t apart(void (*fn)(void *), void *arg)
{
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child != 0)
        return child;
    failures_ = 0;
    alarm(300);
    fn(arg);
    fflush(NULL);
    _exit(failures_ > 0);
}

/* It ended without a failed check. */
static inline void ended_well(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    check_equal(status, 0);
}

/* Sleeps on, whatever the signals; not by the loop. */
static inline void rest(long ms)
{
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) < 0 && errno == EINTR) { }
}

/* Sleeps until its time, and tells whether it came too early, or before one whose time was earlier.
 * One that goes on in the next turn may have come too late to wait: its order tells nothing. */
struct in_time { long fired, early, disorder; int last; };
struct sleeper { co_frame; int number; double until; unsigned turn; struct in_time *seen; };
static inline co_define(sleeper)
{
    co_begin;
    self->turn = co_scheduler_get()->turns;
    co_try(co_sleep_until(self->until));
    self->seen->fired++;
    self->seen->early += co_time() < self->until - 1e-6;
    if (co_scheduler_get()->turns - self->turn > 2) {
        self->seen->disorder += self->number < self->seen->last;
        self->seen->last = self->number;
    }
    co_end;
}

static unsigned chance_ = 12345;

/* A number below [n]; the same ones in each run. */
static inline unsigned chance(unsigned n)
{
    chance_ = chance_ * 1103515245u + 12345u;
    return (chance_ >> 8) % n;
}

#endif
