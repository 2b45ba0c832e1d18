/* SPDX-License-Identifier: BSD-2-Clause
 * growth.c: what one task costs when there are 1, 10, ... 1,000,000: ns of each part of its life.
 * report.py fits the exponents.
 *
 *     growth [--quick]            quick: up to 10,000
 *
 * A bare scheduler, with a clock that is stepped by whole milliseconds, so that a second of timers
 * takes no second; and with an arena for the tasks that is begun anew in each life, so that what
 * grows is the cost of the library, and not that of a malloc() whose free blocks lie in disorder.
 * Each timer has a turn of its own where n is below 1,000. The bytes are those of malloc(). Every
 * figure is the least of several lives of all n tasks. */
#define _GNU_SOURCE
#include "bench.h"
#include "../sync.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum part { SPAWN, PASS, WAKE, SLEEP, CANCEL, JOIN, MEMORY, RESUME, FLOOR, PARTS };
enum { MOST = 1000000, LIVES = 5, WORK = 400000 };      /* tasks lived in each of LIVES, at least */

static const struct { const char *name, *head, *unit; double budget; } parts[PARTS] = {
    { "growth: spawn, run", "spawn", "ns", 1.1 },
    { "growth: a pass through the ready queue", "pass", "ns", 1.1 },
    { "growth: wake by an event", "wake", "ns", 1.1 },
    { "growth: spawn, sleep 0..1 s, end", "sleep", "ns", 1.2 },
    { "growth: cancel of all", "cancel", "ns", 1.1 },
    { "growth: spawn, join, free", "join", "ns", 1.1 },
    { "growth: bytes of a sleeping task", "bytes", "bytes", 1.1 },
    { "growth: resume, random order, no scheduler", "random", "ns", 0 },
    { "growth: a list of as many blocks, walked (floor)", "floor", "ns", 0 },
};

static void need(int right)
{
    if (!right) {
        fputs("growth: no memory, or a task that failed\n", stderr);
        exit(1);
    }
}

/* ---- The clocks ------------------------------------------------------------------------------ */

static int64_t stepped;

static int64_t now(struct co_driver *driver)
{
    (void)driver;
    return stepped;
}

static void *resize_heap(struct co_driver *driver, void *old, size_t size)
{
    (void)driver;
    if (size > 0)
        return realloc(old, size);
    free(old);
    return NULL;
}

static struct co_driver heap_driver = { .now = now, .resize = resize_heap };

/* Tasks lie one behind the other; what is larger is the heap of the timers, which grows. */
enum { TASK_MOST = 192 };
static char *arena;
static size_t arena_used, arena_live;

static void *resize_arena(struct co_driver *driver, void *old, size_t size)
{
    if (old ? (char *)old < arena || (char *)old >= arena + (size_t)TASK_MOST * MOST
            : size > TASK_MOST)
        return resize_heap(driver, old, size);
    if (size == 0) {
        if (--arena_live == 0)
            arena_used = 0;
        return NULL;
    }
    arena_live++;
    arena_used += (size + 15) / 16 * 16;
    return arena + arena_used - (size + 15) / 16 * 16;
}

static struct co_driver driver = { .now = now, .resize = resize_arena };
static struct co_scheduler scheduler;

/* CPU time; for few tasks real time, which is read without a system call. */
static clockid_t clock_id;
static double clock_cost;

static double ticks(void)
{
    return (double)bench_clock(clock_id);
}

static void clock_choose(int n)
{
    clock_id = n < 1000 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    clock_cost = 1e9;
    for (int i = 0; i < 100; i++) {
        double start = ticks();

        for (int k = 0; k < 100; k++)
            (void)ticks();
        start = (ticks() - start) / 100;
        clock_cost = start < clock_cost ? start : clock_cost;
    }
}

/* Adds to [*sum] what passed since [*start], which begins anew. */
static void lap(double *sum, double *start)
{
    *sum += ticks() - *start - clock_cost;
    *start = ticks();
}

static void least(double *cost, double life)
{
    *cost = *cost == 0 || life < *cost ? life : *cost;
}

/* ---- A life ---------------------------------------------------------------------------------- */

static struct co_event gates[2];
static long asleep;

struct liver { co_frame; };
static co_define(liver)
{
    co_begin;
    co_pause;
    co_try(co_event_wait(&gates[0]));
    co_try(co_event_wait(&gates[1]));
    co_end;
}

struct sleeper { co_frame; int64_t delay; };
static co_define(sleeper)
{
    co_begin;
    asleep++;
    co_await(co_sleep_ns_(self->delay));
    asleep--;
    co_end;
}

static double heap_bytes(void)
{
#if defined __GLIBC__ && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
#else
    return 0;
#endif
}

/* Adds the ns of each part but the timers and the joins. */
static void live(int n, double *sums)
{
    double start = ticks();
    int failed = 0;

    memset(gates, 0, sizeof gates);
    for (int i = 0; i < n; i++)
        failed |= co_go(liver);
    need(!failed);
    co_scheduler_turn(&scheduler);
    lap(&sums[SPAWN], &start);
    co_scheduler_turn(&scheduler);
    lap(&sums[PASS], &start);
    co_event_set(&gates[0]);
    co_scheduler_turn(&scheduler);
    lap(&sums[WAKE], &start);
    co_scheduler_cancel_all(&scheduler);
    co_scheduler_turn(&scheduler);
    lap(&sums[CANCEL], &start);
    need(scheduler.count == 0);
}

/* All go to sleep. */
static void sleep_all(int n, uint64_t *seed)
{
    int failed = 0;

    for (int i = 0; i < n; i++)
        failed |= co_go(sleeper, .delay = 1 + bench_random(seed, 1000000000));
    need(!failed);
    co_scheduler_turn(&scheduler);
    need(asleep == n);
}

static void sleep_and_wake(int n, double *sum, uint64_t *seed)
{
    double start = ticks();

    sleep_all(n, seed);
    while (asleep > 0) {
        stepped = (co_scheduler_next(&scheduler) / 1000000 + 1) * 1000000;
        co_scheduler_turn(&scheduler);
    }
    lap(sum, &start);
    need(scheduler.count == 0);
}

static double memory(int n, uint64_t *seed)
{
    double bytes = heap_bytes();

    sleep_all(n, seed);
    bytes = heap_bytes() - bytes;
    co_scheduler_cancel_all(&scheduler);
    co_scheduler_turn(&scheduler);
    need(scheduler.count == 0 && asleep == 0);
    return bytes / n;
}

/* ---- Join ------------------------------------------------------------------------------------ */

static struct co_task *spawned[MOST];

struct child { co_frame; };
static co_define(child)
{
    co_begin;
    co_pause;
    co_return(1);
    co_end;
}

struct parent { co_frame; int n, i; intptr_t sum, r; };
static co_define(parent)
{
    co_begin;
    for (self->i = 0; self->i < self->n; self->i++)
        spawned[self->i] = co_spawn(child);
    for (self->i = 0; self->i < self->n; self->i++) {
        co_await(self->r, co_join(spawned[self->i]));
        co_task_free(spawned[self->i]);
        self->sum += self->r;
    }
    need(self->sum == self->n);
    co_end;
}

static void join(int n, double *sum)
{
    double start = ticks();

    need(co_go(parent, .n = n) == 0);
    while (scheduler.count > 0)
        co_scheduler_turn(&scheduler);
    lap(sum, &start);
}

/* ---- Without a scheduler --------------------------------------------------------------------- */

struct waits { co_frame; long n; };
static co_define(waits)
{
    co_begin;
    for (;;) {          /* in no task: co-lint: off(co-ignored-cancel) */
        self->n++;
        co_await(co_wait());
    }
    co_end;
}

struct object { struct co_chain chain; struct waits frame; };

static double resume(int n, uint64_t *seed)
{
    struct object *objects = malloc((size_t)n * sizeof *objects);
    uint32_t *order = malloc((size_t)n * sizeof *order);
    int times = 1 + WORK / n;
    double cost = 0;

    need(objects && order);
    for (int i = 0; i < n; i++) {
        co_start(&objects[i].chain, &objects[i].frame, waits);
        co_resume(&objects[i].chain);
    }
    bench_shuffle(seed, order, (uint32_t)n);
    for (int life = 0; life < LIVES; life++) {
        double start = ticks();

        for (int k = 0; k < times; k++)
            for (int i = 0; i < n; i++)
                co_resume(&objects[order[i]].chain);
        least(&cost, (ticks() - start - clock_cost) / times / n);
    }
    need(objects[0].frame.n == LIVES * times + 1);
    free(objects);
    free(order);
    return cost;
}

/* The part of the memory: a list of blocks as large as a task, one field of each changed. */
struct block { struct block *next; long n; char rest[104]; };

static double floor_of(int n)
{
    struct block *first = NULL, *next;
    int times = 1 + WORK / n;
    double cost = 0;

    for (int i = 0; i < n; i++) {
        struct block *block = malloc(sizeof *block);

        need(block != NULL);
        *block = (struct block){ .next = first };
        first = block;
    }
    for (int life = 0; life < LIVES; life++) {
        double start = ticks();

        for (int k = 0; k < times; k++)
            for (struct block *block = first; block; block = block->next)
                block->n++;
        least(&cost, (ticks() - start - clock_cost) / times / n);
    }
    need(first->n == LIVES * times);
    for (; first; first = next) {
        next = first->next;
        free(first);
    }
    return cost;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void measure(int n, double *costs, uint64_t *seed)
{
    int times = 1 + WORK / n / 4;

    clock_choose(n);
    co_scheduler_init(&scheduler, &heap_driver, NULL, 0);
    costs[MEMORY] = memory(n, seed);
    co_scheduler_free(&scheduler);
    co_scheduler_init(&scheduler, &driver, NULL, 0);
    for (int life = 0; life < LIVES; life++) {
        double sums[PARTS] = { 0 };

        for (int k = 0; k < times; k++)
            live(n, sums);
        for (int k = 0; k < times; k++)
            join(n, &sums[JOIN]);
        for (int part = 0; part < MEMORY; part++)
            if (part != SLEEP)
                least(&costs[part], sums[part] / times / n);
    }
    for (int life = 0; life < LIVES; life++) {
        double sum = 0;

        for (int k = 0; k < times; k++)
            sleep_and_wake(n, &sum, seed);
        least(&costs[SLEEP], sum / times / n);
    }
    co_scheduler_free(&scheduler);
    costs[RESUME] = resume(n, seed);
    costs[FLOOR] = floor_of(n);
}

static void row(int n)
{
    uint64_t seed = 88172645463325252;
    double costs[PARTS] = { 0 };

    measure(n, costs, &seed);
    printf("%s%8d", isatty(2) ? "\r" : "", n);
    for (int part = 0; part < PARTS; part++) {
        printf(" %8.2f", costs[part]);
        bench_point(parts[part].name, parts[part].unit, n, costs[part], parts[part].budget);
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int quick = argc > 1 && !strcmp(argv[1], "--quick"), status;

    arena = mmap(NULL, (size_t)TASK_MOST * MOST, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    need(arena != MAP_FAILED);
    if (argc > 1 + quick) {
        fprintf(stderr, "usage: growth [--quick]\n");
        return 2;
    }
    printf("growth: ns, and malloc'd bytes, of one task of n\n\n%8s", "n");
    for (int part = 0; part < PARTS; part++)
        printf(" %8s", parts[part].head);
    printf("\n");
    for (int n = 1; n <= (quick ? 10000 : MOST); n *= 10) {
        pid_t pid;

        if (isatty(2))
            fprintf(stderr, "\r%d ...", n);
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            row(n);
            _exit(0);
        }
        need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    }
    return 0;
}
