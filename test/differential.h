/* SPDX-License-Identifier: BSD-2-Clause
 * differential.h: the world in which the programs that differential.py writes live, and their main.
 *
 * One thread, a clock that stands still while a turn runs, and a trace on standard output. Each
 * program starts in a new world. differential.py has the same world in Python. */
#ifdef UNCOUNTED                /* as compilers without __COUNTER__ see coro.h */
#pragma GCC system_header
#undef __COUNTER__
#endif
#include "group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL CO_ATTRIBUTE_(noinline, unused)    /* inlined, they would cost most of the time */

enum { SLOTS = 5, EVENTS = 3, COUNTS = 4 };
enum { MS = 1000000, TICK = 100000 };           /* ns; a tick is what a busy turn takes */

static struct co_task *T[SLOTS];                /* the tasks; NULL before they are spawned */
static struct co_task *W[EVENTS];               /* who waits for a callback */
static intptr_t g[COUNTS];
static int64_t now_ns, sequence;
static int fuel_left;                           /* so that every program ends */
static int said;                                /* lines */
static struct kept { struct kept *next; int64_t aligned; } *kept;
static struct retired { struct retired *next; struct co_task *task; } *retired;

static CALL intptr_t mod(intptr_t x)
{
    return (x % 997 + 997) % 997;
}

static CALL int fuel(void)
{
    return fuel_left > 0 && fuel_left-- > 0;
}

/* The slot of the running task; -1 if it has none. */
static CALL int who(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (T[i] && T[i] == co_current())
            return i;
    return -1;
}

static CALL void say(int place, intptr_t value)
{
    if (++said > 100000)                        /* a program that went wild shall not fill memory */
        exit(4);
    printf("%d %ld task %d at %ld\n", place, (long)value, who(), (long)(now_ns / 1000));
}

/* Where a task stands: the innermost coroutine that it runs, and the text of its await. */
static CALL void say_where(int place, struct co_task *task)
{
    const struct co_site *site = task && task != co_current() ? co_where(task->chain.top) : NULL;

    say(place, 0);
    if (site)
        printf("where %s: %s\n", site->name, site->text);
}

/* Moments of which no two are equal, since equal ones come in any order. */
static CALL int64_t moment(int ms)
{
    sequence += 2;
    return (now_ns / MS + ms) * MS + sequence;
}

/* A moment that no timer has: all others are even, and this was never before. */
static CALL void tick(void)
{
    now_ns = (now_ns + 1) | 1;
}

static CALL double in_ms(int ms)
{
    return ms > 0 ? (double)(moment(ms) - now_ns) / 1e9 : ms;
}

static CALL double at_ms(int ms)
{
    return ms > 0 ? (double)moment(ms) / 1e9 : ms;
}

static CALL void wait_begin(int event)
{
    W[event] = co_current();
}

static CALL void wait_end(int event)
{
    if (W[event] == co_current())
        W[event] = NULL;
}

static CALL void wake(int event, intptr_t value)
{
    struct co_task *task = W[event];

    W[event] = NULL;
    if (task)
        co_wake(task, value);
}

/* Zeroed memory that lives as long as the program's world. */
static CALL void *fresh(size_t size)
{
    struct kept *block = (struct kept *)calloc(1, sizeof *block + size);

    if (!block)
        exit(2);
    block->next = kept;
    kept = block;
    return block + 1;
}

/* A slot whose task has ended is free again. The task itself stays: others may still name it. */
static CALL void retire(int slot)
{
    if (T[slot] && co_task_state(T[slot]) != CO_TASK_PENDING) {
        struct retired *old = (struct retired *)fresh(sizeof *old);

        old->next = retired;
        old->task = T[slot];
        retired = old;
        T[slot] = NULL;
    }
}

static int64_t world_now(struct co_driver *driver)
{
    (void)driver;
    return now_ns;
}

static void *world_resize(struct co_driver *driver, void *old, size_t size)
{
    (void)driver;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, size);
}

/* Turns until no task is left. Who waits for nothing that could come, or goes on for too long, is
 * cancelled. */
static CALL void world_turns(struct co_scheduler *s, int coarse)
{
    for (int turn = 1; s->count > 0; turn++) {
        int64_t next;

        if (turn > 20000) {
            printf("endless\n");
            exit(3);
        }
        co_scheduler_turn(s);
        next = co_scheduler_next(s);
        if (next == 0)
            now_ns += TICK;
        else if (next != INT64_MAX && next > now_ns)
            now_ns = coarse ? (next / MS + 1) * MS : next;
        if (s->count > 0 && (next == INT64_MAX || turn % 200 == 0)) {
            printf("cancel all at %ld\n", (long)(now_ns / 1000));
            co_scheduler_cancel_all(s);
        }
    }
}

static CALL void world_run(int number, void (*start)(void), int coarse)
{
    struct co_driver driver = { world_now, NULL, world_resize };
    struct co_scheduler scheduler;

    printf("== %d\n", number);
    memset(T, 0, sizeof T);
    memset(W, 0, sizeof W);
    memset(g, 0, sizeof g);
    now_ns = 1000 * (int64_t)MS, sequence = 0, fuel_left = 300, said = 0;
    co_scheduler_init(&scheduler, &driver, NULL, 0);
    start();
    world_turns(&scheduler, coarse);
    for (int i = 0; i < SLOTS; i++) {
        printf("slot %d %s %ld\n", i, co_task_state_name(T[i]), (long)co_task_result(T[i]));
        co_task_free(T[i]);
    }
    printf("end at %ld, %ld %ld %ld %ld\n", (long)(now_ns / 1000), (long)g[0], (long)g[1],
           (long)g[2], (long)g[3]);
    for (; retired; retired = retired->next)
        co_task_free(retired->task);
    co_scheduler_free(&scheduler);
    while (kept) {
        struct kept *next = kept->next;
        free(kept);
        kept = next;
    }
    fflush(stdout);
}

struct program { int number; void (*start)(void); int coarse; };

/* Runs all, or those from the number that is the argument. */
static CALL int world_main(int argc, char **argv, const struct program *programs, size_t n)
{
    int from = argc > 1 ? atoi(argv[1]) : 0;

    for (size_t i = 0; i < n; i++)
        if (programs[i].number >= from)
            world_run(programs[i].number, programs[i].start, programs[i].coarse);
    return 0;
}
