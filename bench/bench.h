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

/* ---- Results: lines of JSON for bench/report.py ----------------------------------------------
 * Every figure is a line of its own, appended to the file that BENCH_RESULTS names, if it does. A
 * program in another language appends the same:
 *
 *     {"what": "echo, 50 connections: ours / libev", "unit": "us", "ours": 4.5, "peer": 4.6,
 *      "ratio": 0.978, "low": 0.97, "high": 0.99, "budget": 1.01}
 *
 * what    its name, which no other line has; "subject: ours / PEER" becomes a bar of a plot
 * ours, peer, ratio   medians; the ratio is that of the rounds, pair by pair; peer and ratio are 0
 *         where there is no peer
 * low, high   the quartiles of the ratio, or of ours where there is no peer; may be missing
 * budget  the most that the ratio may be, or ours where there is no peer; 0: none
 *
 * A line with "n" is a point of a growth curve: [ours] is the cost of one item when there are [n],
 * "what" names the curve, and "budget" bounds the fitted exponent of the cost of all; 0: none. */

/* BENCH_UNIT, defined before the include: the unit of all rows of a program. */
#ifndef BENCH_UNIT
#define BENCH_UNIT ""
#endif

static inline void bench_line(const char *what, const char *unit, double ours, double peer,
                              struct bench_spread ratio, double budget, double n)
{
    const char *path = getenv("BENCH_RESULTS");
    FILE *file = path && *path ? fopen(path, "a") : NULL;

    if (!file)
        return;
    fprintf(file, "{\"what\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g, ", what, unit, ours);
    if (n > 0)
        fprintf(file, "\"n\": %.0f, ", n);
    else
        fprintf(file, "\"peer\": %.6g, \"ratio\": %.6g, \"low\": %.6g, \"high\": %.6g, ", peer,
                ratio.median, ratio.low, ratio.high);
    fprintf(file, "\"budget\": %.6g}\n", budget);
    fclose(file);
}

/* A figure without quartiles. [peer] 0: there is none, and [ratio] is 0. */
static inline void bench_result(const char *what, const char *unit, double ours, double peer,
                                double ratio, double budget)
{
    double middle = peer > 0 ? ratio : ours;

    bench_line(what, unit, ours, peer, (struct bench_spread){ middle, ratio, middle }, budget, 0);
}

/* A point of a growth curve. */
static inline void bench_point(const char *what, const char *unit, double n, double ours,
                               double budget)
{
    bench_line(what, unit, ours, 0, (struct bench_spread){ 0, 0, 0 }, budget, n);
}

static inline void bench_verdict(double value, double budget)
{
    if (budget > 0)
        printf("  %6g  %s", budget, value <= budget ? "pass" : "falls short");
    printf("\n");
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
    printf("%-48s %8.2f %8.2f %6.3f  %.3f-%.3f", what, bench_spread(ours, n).median,
           bench_spread(peer, n).median, ratio.median, ratio.low, ratio.high);
    bench_verdict(ratio.median, budget);
    bench_line(what, BENCH_UNIT, bench_spread(ours, n).median, bench_spread(peer, n).median, ratio,
               budget, 0);
}

/* The same without a peer: the budget bounds the figure itself. */
static inline void bench_alone(const char *what, const double *ours, int n, double budget)
{
    struct bench_spread spread = bench_spread(ours, n);

    printf("%-48s %8.2f %8s %6s  %5.1f-%-5.1f", what, spread.median, "", "", spread.low,
           spread.high);
    bench_verdict(spread.median, budget);
    bench_line(what, BENCH_UNIT, spread.median, 0,
               (struct bench_spread){ spread.low, 0, spread.high }, budget, 0);
}

static inline void bench_head(const char *what, const char *ours, const char *peer)
{
    printf("%-48s %8s %8s %6s  %-11s  %6s\n", what, ours, peer, "ratio", "quartiles", "budget");
}

#endif
