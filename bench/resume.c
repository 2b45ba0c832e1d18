/* SPDX-License-Identifier: BSD-2-Clause
 * resume.c: what a resume and a call cost, in ns, against a switch written by hand and against a
 * C++20 coroutine; resume.sh counts the instructions with it.
 *
 *     resume [--quick] [--seed N]
 *     resume --count KIND N       N resumes (or calls) of one kind, 1,000 objects in random order
 *     resume --kinds              the names of the kinds
 *     resume --here SEED          for itself: the rounds of one process, raw
 *
 * All kinds are driven through an array of pointers to objects and an array of indices into it.
 * Each object starts where the one before it ended, rounded up to 16 bytes.
 *
 * Where code and data happen to lie changes such small figures, so the rounds are dealt out to
 * several processes, each of which the system places elsewhere. */
#ifdef __linux__
#define _GNU_SOURCE
#include <sched.h>
#else
#define _POSIX_C_SOURCE 200809L
#endif
#define BENCH_UNIT "ns"
#include "bench.h"
#include "resume.h"
#include "task.h"

#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 1000, ORDER = 1 << 16 };

/* How much is measured: rounds in each of so many processes, with slices of so many resumes. */
struct plan { int processes, rounds; size_t slice; };
static const struct plan plan_full = { 10, 8, 1 << 20 }, plan_quick = { 5, 3, 1 << 18 };
enum { ROUNDS = 80 };

struct measure {
    const struct resume_kind *kind;
    const uint32_t *order;
    void *objects[MANY];
    char *room;
    double bytes;                       /* of an object */
    double ns[ROUNDS];                  /* per resume, in each round */
};

static uint32_t order_one[ORDER], order_random[ORDER];

static void die(const char *what)
{
    fprintf(stderr, "resume: %s\n", what);
    exit(1);
}

static void measure_init(struct measure *m, const struct resume_kind *kind, uint32_t count)
{
    size_t at = 0;

    m->kind = kind;
    m->order = count == 1 ? order_one : order_random;
    m->room = aligned_alloc(64, (size_t)count * RESUME_ROOM);
    if (!m->room)
        die("no memory");
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes;

        m->objects[i] = kind->make(m->room + at, &bytes);
        if (bytes > RESUME_ROOM)
            die("an object is larger than its room");
        m->bytes = (double)bytes;
        at += (bytes + 15) / 16 * 16;
    }
}

static void run(struct measure *m, size_t n)
{
    for (size_t part; n; n -= part) {
        part = n < ORDER ? n : ORDER;
        if (m->kind->drive(m->objects, m->order, part))
            die("a coroutine that never ends has ended");
    }
}

/* All kinds do the same work, or the comparison is void. */
#define STOP_IN_TIME() if (--left == 0) break
static void check(const struct resume_kind *kind)
{
    struct resume_data data = { 1, 2 }, seen;
    struct measure m;
    int left = 1004;

    if (!kind->peek)
        return;
    measure_init(&m, kind, 1);
    run(&m, (size_t)left);
    while (left > 0)
        RESUME_WORK(data.n, data.m, STOP_IN_TIME);
    seen = kind->peek(m.objects[0]);
    if (seen.n != data.n || seen.m != data.m)
        die("the kinds do not do the same work");
    free(m.room);
}

/* ---- What is measured ------------------------------------------------------------------------ */

/* In the order of [kinds]; the first BOTH come twice, with one object and with many. */
enum { HAND, HAND_AGAIN, SWITCH, LABELS, CPP, BOTH,
       CALL = 2 * BOTH, CALL_LABELS, DEPTH1, DEPTH10, DEPTH100, MEASURES };

static const struct resume_kind *const kinds[] = {
    &resume_kind_hand, &resume_kind_hand, &resume_ours_switch.resume, &resume_ours_labels.resume,
    &resume_kind_cpp, &resume_ours_switch.call, &resume_ours_labels.call,
    &resume_ours_switch.depth1, &resume_ours_switch.depth10, &resume_ours_switch.depth100,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct measure measures[MEASURES];

static void measures_init(void)
{
    for (int i = 0; i < BOTH; i++) {
        measure_init(&measures[i], kinds[i], 1);
        measure_init(&measures[BOTH + i], kinds[i], MANY);
    }
    for (int i = CALL; i < MEASURES; i++)
        measure_init(&measures[i], kinds[i - BOTH], 1);
}

/* In each round a slice of every measure, in shuffled order; writes them as doubles to stdout. */
static void measure_here(const struct plan *plan, uint64_t seed)
{
    uint32_t turns[MEASURES];
    double ns[MEASURES];

    measures_init();
    for (int round = -1; round < plan->rounds; round++) {   /* the first one only warms up */
        bench_shuffle(&seed, turns, MEASURES);
        for (int i = 0; i < ORDER; i++)
            order_random[i] = bench_random(&seed, MANY);
        for (int i = 0; i < MEASURES; i++) {
            int64_t start = bench_clock(CLOCK_PROCESS_CPUTIME_ID);

            run(&measures[turns[i]], plan->slice);
            ns[turns[i]] = (double)(bench_clock(CLOCK_PROCESS_CPUTIME_ID) - start)
                           / (double)plan->slice;
        }
        if (round >= 0 && fwrite(ns, sizeof ns, 1, stdout) != 1)
            die("cannot write");
        fflush(stdout);
    }
}

/* Runs this program anew, with --here; its stdout. */
static FILE *start_process(char **argv, const struct plan *plan, uint64_t seed, pid_t *pid)
{
    char seed_text[32];
    char *const child[] = { argv[0], plan == &plan_full ? "--here" : "--here-quick", seed_text,
                            NULL };
    int ends[2];

    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seed);
    if (pipe(ends) || (*pid = fork()) < 0)
        die("cannot start a process");
    if (*pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[0], child);
        _exit(127);
    }
    close(ends[1]);
    return fdopen(ends[0], "rb");
}

static void measure_all(char **argv, const struct plan *plan, uint64_t seed)
{
    int rounds = plan->processes * plan->rounds, status;

    for (int round = 0; round < rounds; ) {
        pid_t pid;
        FILE *from = start_process(argv, plan, seed + (uint64_t)round * 2, &pid);
        double ns[MEASURES];

        for (int i = 0; i < plan->rounds; i++, round++) {
            if (!from || fread(ns, sizeof ns, 1, from) != 1)
                die("a process failed");
            for (int m = 0; m < MEASURES; m++)
                measures[m].ns[round] = ns[m];
            if (isatty(2))
                fprintf(stderr, "\rround %d of %d ", round + 1, rounds);
        }
        fclose(from);
        waitpid(pid, &status, 0);
    }
    if (isatty(2))
        fprintf(stderr, "\r                     \r");
}

/* ---- The table ------------------------------------------------------------------------------- */

struct row { const char *what; int ours, peer; double budget; };

static const struct row rows[] = {
    { "resume, one: switch form / hand-written", SWITCH, HAND, 0 },
    { "resume, one: CO_LABELS / hand-written", LABELS, HAND, 0 },
    { "resume, one: C++20 / hand-written", CPP, HAND, 0 },
    { "resume, one: switch form / C++20", SWITCH, CPP, 0 },
    { "resume, one: hand-written / itself (noise)", HAND_AGAIN, HAND, 0 },
    { "resume, random: switch form / hand-written", BOTH + SWITCH, BOTH + HAND, 1.10 },
    { "resume, random: CO_LABELS / hand-written", BOTH + LABELS, BOTH + HAND, 1.10 },
    { "resume, random: C++20 / hand-written", BOTH + CPP, BOTH + HAND, 0 },
    { "resume, random: switch form / C++20", BOTH + SWITCH, BOTH + CPP, 1.00 },
    { "resume, random: CO_LABELS / C++20", BOTH + LABELS, BOTH + CPP, 1.00 },
    { "resume, random: hand-written / itself (noise)", BOTH + HAND_AGAIN, BOTH + HAND, 0 },
    { "a call that completes / a resume, switch", CALL, SWITCH, 4 },
    { "a call that completes / a resume, labels", CALL_LABELS, LABELS, 4 },
    { "a resume under 10 frames / under 1", DEPTH10, DEPTH1, 1.10 },
    { "a resume under 100 frames / under 1", DEPTH100, DEPTH1, 1.10 },
};

static void print_table(const struct plan *plan, uint64_t seed)
{
    int rounds = plan->processes * plan->rounds;

    printf("resume: ns of CPU, medians of %d rounds in %d processes, a slice of %zu resumes each,\n"
           "in shuffled order (seed %llu). one: one object; random: %d objects in random order\n\n",
           rounds, plan->processes, plan->slice, (unsigned long long)seed, MANY);
    bench_head("what", "ours", "peer");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        bench_row(rows[i].what, measures[rows[i].ours].ns, measures[rows[i].peer].ns, rounds,
                  rows[i].budget);
    printf("\nbytes of an object: hand-written %.0f, ours %.0f (its chain included), C++20 %.0f\n"
           "sizeof: struct co_head %zu, struct co_chain %zu, struct co_task %zu\n",
           measures[HAND].bytes, measures[SWITCH].bytes, measures[CPP].bytes,
           sizeof(struct co_head), sizeof(struct co_chain), sizeof(struct co_task));
}

/* ---- Main ------------------------------------------------------------------------------------ */

static void count(const char *name, const char *number)
{
    static struct measure m;

    for (int i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i]->name, name)) {
            measure_init(&m, kinds[i], i < BOTH ? MANY : 1);
            run(&m, (size_t)strtoull(number, NULL, 10));
            return;
        }
    die("no such kind: see resume --kinds");
}

static void pin(void)
{
#ifdef __linux__
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
#endif
}

static int usage(void)
{
    fprintf(stderr, "usage: resume [--quick] [--seed N] | --count KIND N | --kinds\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t order_seed = 88172645463325252, seed = (uint64_t)bench_clock(CLOCK_MONOTONIC) | 1;
    const struct plan *plan = &plan_full;

    for (int i = 0; i < ORDER; i++)
        order_random[i] = bench_random(&order_seed, MANY);
    if (argc == 2 && !strcmp(argv[1], "--kinds")) {
        for (int i = 1; i < KINDS; i++)
            printf("%s\n", kinds[i]->name);
        return 0;
    }
    if (argc == 4 && !strcmp(argv[1], "--count"))
        return count(argv[2], argv[3]), 0;
    if (argc == 3 && !strncmp(argv[1], "--here", 6)) {
        measure_here(argv[1][6] ? &plan_quick : plan, strtoull(argv[2], NULL, 10));
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick"))
            plan = &plan_quick;
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10) | 1;
        else
            return usage();
    }
    pin();
    for (int i = 0; i < KINDS; i++)
        check(kinds[i]);
    measures_init();
    measure_all(argv, plan, seed);
    print_table(plan, seed);
    return 0;
}
