/* SPDX-License-Identifier: BSD-2-Clause
 * together.c: what tasks cost each other: a lock, a queue's hand-off, an event's wake, beside a
 * bare pass through the ready queue. Interleaved slices in one run, medians of the rounds.
 *
 *     together [--quick] */
#define _POSIX_C_SOURCE 200809L
#define BENCH_UNIT "ns"
#include "bench.h"
#include "../sync.h"

enum { ROUNDS = 40, SLICE = 200000 };

static struct co_lock lock;
static struct co_queue queue;
static struct co_event ping, pong;
static long slice;

/* co_pause, twice a round: the ready queue and a resume, and nothing else. */
struct pauser { co_frame; long n; };
static co_define(pauser)
{
    co_begin;
    for (self->n = 0; self->n < slice; self->n++)
        co_pause;
    co_end;
}

struct locker { co_frame; long n; };
static co_define(locker)
{
    co_begin;
    for (self->n = 0; self->n < slice; self->n++) {
        co_try(co_lock_acquire(&lock));
        co_lock_release(&lock);
    }
    co_end;
}

struct putter { co_frame; long n; };
static co_define(putter)
{
    co_begin;
    for (self->n = 0; self->n < slice; self->n++)
        co_try(co_queue_put(&queue, &self->n));
    co_end;
}

struct getter { co_frame; long n, item; };
static co_define(getter)
{
    co_begin;
    for (self->n = 0; self->n < slice; self->n++)
        co_try(co_queue_get(&queue, &self->item));
    co_end;
}

/* Two tasks that wake each other: two wakes a round. */
struct player { co_frame; struct co_event *mine, *other; long n; };
static co_define(player)
{
    co_begin;
    for (self->n = 0; self->n < slice / 2; self->n++) {
        co_event_set(self->other);
        co_try(co_event_wait(self->mine));
        co_event_clear(self->mine);
    }
    co_event_set(self->other);
    co_end;
}

static int64_t now(struct co_driver *driver)
{
    (void)driver;
    return 0;
}

static void *resize(struct co_driver *driver, void *old, size_t size)
{
    (void)driver;
    if (size > 0)
        return realloc(old, size);
    free(old);
    return NULL;
}

enum kind { PAUSE, LOCK, QUEUE, EVENT, KINDS };

static void spawn(enum kind kind)
{
    static long room[1];
    int failed = 0;

    co_queue_init(&queue, room, 0, sizeof *room);
    switch (kind) {
    case PAUSE:
        failed = co_go(pauser) + co_go(pauser);
        break;
    case LOCK:
        failed = co_go(locker);
        break;
    case QUEUE:
        failed = co_go(getter) + co_go(putter);
        break;
    default:
        failed = co_go(player, .mine = &ping, .other = &pong)
            + co_go(player, .mine = &pong, .other = &ping);
    }
    if (failed)
        exit(1);
}

/* Nanoseconds of one pass, lock and unlock, message, wake. */
static double measure(enum kind kind)
{
    struct co_driver driver = { .now = now, .resize = resize };
    struct co_scheduler scheduler;
    double start;

    ping.is_set = pong.is_set = 0;
    co_scheduler_init(&scheduler, &driver, NULL, 0);
    spawn(kind);
    start = (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID);
    co_scheduler_run(&scheduler);
    start = (double)bench_clock(CLOCK_PROCESS_CPUTIME_ID) - start;
    co_scheduler_free(&scheduler);
    return start / (double)(kind == PAUSE ? 2 * slice : slice);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {
        "a pass through the ready queue (co_pause)", "a lock and unlock, uncontended",
        "a queue's put and get, hand to hand", "an event's set and wake"
    };
    static const double budgets[] = { 0, 5, 40, 30 };
    double ns[KINDS][ROUNDS];
    int rounds = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 7 : ROUNDS;

    slice = SLICE;
    for (int round = 0; round < rounds; round++)
        for (int kind = 0; kind < KINDS; kind++)
            ns[kind][round] = measure((enum kind)kind);
    bench_head("ns of CPU; the peer is a pass", "ours", "peer");
    for (int kind = 0; kind < KINDS; kind++)
        bench_alone(names[kind], ns[kind], rounds, budgets[kind]);
    for (int kind = LOCK; kind < KINDS; kind++) {
        char what[80];

        snprintf(what, sizeof what, "%s / a pass", names[kind]);
        bench_row(what, ns[kind], ns[PAUSE], rounds, 0);
    }
    return 0;
}
