/* SPDX-License-Identifier: BSD-2-Clause
 * orders_random.h: programs for test/orders.c that no one wrote, in random orders: from a number,
 * always the same. DUFFEL_SEED is the first of them, DUFFEL_PROGRAMS how many. */
#ifndef ORDERS_RANDOM_H
#define ORDERS_RANDOM_H
#include "orders_world.h"

enum { LONGEST = 8, MOST_STEPS = 4 * LONGEST + 6, PROGRAMS = 20000, FEW_PROGRAMS = 300 };

static uint64_t dice;

static int roll(int n)
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (int)((dice * 0x2545F4914F6CDD1DULL >> 32) % (unsigned)n);
}

static char one_of(const char *letters)
{
    return letters[roll((int)strlen(letters))];
}

/* An op for actor [x] of [actors]. Who joins tasks while it has a lock that they want waits for
 * ever, by right: so a program has locks, or joins. The last ones seldom wait for themselves. */
static char random_op(int x, int actors, const char *letters, bool group)
{
    char op;

    do {
        int kind = roll(10);

        op = kind < 2 ? (char)('0' + roll(actors))
            : kind < 4 ? one_of(roll(8) ? ".wscT" : "C")
            : kind < 6 && group ? one_of("+-*ooKk") : one_of(letters);
    } while (((x == actors - 1 && strchr("jhfM", op))
              || (x >= actors - 2 && strchr("mUylxze", op))) && roll(16));
    return op;
}

/* A deadline around some of the first [length] letters: how many there are now. */
static int add_brackets(char *script, int length)
{
    int from = roll(length), to = from + 1 + roll(length - from);

    if (roll(3))
        return length;
    memmove(script + to + 1, script + to, (size_t)(length - to));
    script[to] = ')';
    memmove(script + from + 1, script + from, (size_t)(length + 1 - from));
    script[from] = '(';
    return length + 2;
}

struct random_program {
    struct program program;
    char name[32], script[ACTORS][LETTERS], order[MOST_STEPS + 1];
    enum pace pace;
};

static void random_program(struct random_program *r, long number)
{
    static const char *const sync[] = { "waAvbpgJt", "scarARvnNbBZpgPGqdJt", "WHLVTarvn",
                                        "avnVNLrT", "HgpPGqTdJ" };
    static const char *const tasks[] = { "jhfwmU", "mylxze", "mylxzewTt", "jMUmfTwt", "bpgPGqAR" };
    bool joins, group;
    int actors, length;

    memset(r, 0, sizeof *r);
    dice = ((uint64_t)number + 1) * 0x9E3779B97F4A7C15ULL;
    actors = 3 + roll(2);
    length = 3 + roll(LONGEST - 2);
    joins = roll(2);
    group = joins && roll(4) == 0;
    for (int x = 0; x < actors; x++) {
        for (int i = 0; i < length; i++)
            r->script[x][i] = random_op(x, actors, joins ? tasks[roll(5)] : sync[roll(5)], group);
        int n = length;
        for (int i = 0; i < BRACKETS; i++)
            n = add_brackets(r->script[x], n);
        strcpy(r->script[x] + n, roll(4) ? "r" : "r!");
        r->program.script[x] = r->script[x];
    }
    snprintf(r->name, sizeof r->name, "program %ld", number);
    r->program.name = r->name;
    r->program.leaves = joins ? (unsigned)roll(16) : 0;
    r->program.is_set = roll(2);
    r->program.value = roll(3);
    r->program.bound = r->program.value + 1 + roll(2);
    r->program.parties = roll(8) ? 1 + roll(3) : 0;
    r->program.room = roll(5) - 1;
    r->program.order = roll(3);
    r->pace = (enum pace)(group ? FIRST + roll(2) : roll(PACES));
    for (int i = 0, n = actors * length + roll(6); i < n; i++)
        r->order[i] = (char)('0' + roll(actors));
}

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void run_random(const struct random_program *r)
{
    world_begin(&r->program, r->pace, r->order);
    for (const char *x = r->order; *x; x++)
        step(*x - '0');
    run_out();
    world_end();
}

#endif
