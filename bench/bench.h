/* SPDX-License-Identifier: BSD-2-Clause
 * bench.h: the clock, the dice, the medians and the table that the benchmarks share. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline int64_t bench_clock(clockid_t clock)      /* in nanoseconds */
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* xorshift64*: the next number below [n] of the sequence that [*seed], not 0, began. */
static inline uint32_t bench_random(uint64_t *seed, uint32_t n)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (uint32_t)((*seed * 0x2545F4914F6CDD1DULL >> 32) * n >> 32);
}

/* The numbers 0 to [n] - 1 in random order. */
static inline void bench_shuffle(uint64_t *seed, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = bench_random(seed, i + 1);

        order[i] = order[j];
        order[j] = i;
    }
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum { BENCH_ROUNDS_MAX = 200 };
struct bench_spread { double low, median, high; };      /* the quartiles */

static inline struct bench_spread bench_spread(const double *values, int n)
{
    double sorted[BENCH_ROUNDS_MAX];
    struct bench_spread spread;

    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, bench_compare);
    spread.low = sorted[n / 4];
    spread.median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    spread.high = sorted[n - 1 - n / 4];
    return spread;
}

/* One row: what was measured, the medians of both sides, and the median of the ratios of the
 * rounds, each side against the other in the same round. A [budget] of 0 is none. */
static inline void bench_row(const char *what, const double *ours, const double *peer, int n,
                             double budget)
{
    double ratios[BENCH_ROUNDS_MAX];
    struct bench_spread ratio;

    for (int i = 0; i < n; i++)
        ratios[i] = ours[i] / peer[i];
    ratio = bench_spread(ratios, n);
    printf("%-44s %8.2f %8.2f %6.3f  %.3f-%.3f", what, bench_spread(ours, n).median,
           bench_spread(peer, n).median, ratio.median, ratio.low, ratio.high);
    if (budget > 0)
        printf("  %6.2f  %s", budget, ratio.median <= budget ? "pass" : "falls short");
    printf("\n");
}

static inline void bench_head(const char *what, const char *ours, const char *peer)
{
    printf("%-44s %8s %8s %6s  %-11s  %6s\n", what, ours, peer, "ratio", "quartiles", "budget");
}

#endif
