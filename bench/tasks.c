/* SPDX-License-Identifier: BSD-2-Clause
 * tasks.c: what it costs to spawn a task and see it end, to wake one, and to run a million timers:
 * CPU in ns, against C++20, Go, libev, libuv and libevent.
 *
 *     tasks [--quick] [--seed N] [--go PROGRAM]
 *     tasks --slice KIND          one slice of one kind, for a profile; --slice: their names
 *
 * Each kind runs in a process of its own, so that none uses the heap of another. All run at once,
 * on one core, and take turns, with a slice for each in each round, in shuffled order. Linux. */
#define _GNU_SOURCE
#define BENCH_UNIT "ns"
#include "bench.h"
#include "tasks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MAX = 32 };

/* A process that measures a slice for each line that it reads, and writes the figure. */
struct worker {
    const char *name;
    pid_t pid;
    FILE *to, *from;
    int most;                           /* rounds that it takes part in */
    int rounds;
    double ns[BENCH_ROUNDS_MAX];
};

static struct worker workers[WORKERS_MAX];
static int worker_count;
static uint32_t *delays;                /* shared with the workers; anew in each round */
static const char *go_program;

static void die(const char *what)
{
    fprintf(stderr, "tasks: %s\n", what);
    exit(1);
}

static const struct tasks_kind *find(const char *name)
{
    const struct tasks_kind *const all[] = { tasks_ours, tasks_cpp, tasks_libev, tasks_libuv,
                                             tasks_libevent };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct tasks_kind *kind = all[i]; kind->name; kind++) {
            if (!name)
                puts(kind->name);
            else if (!strcmp(kind->name, name))
                return kind;
        }
    return NULL;
}

static void delays_shuffle(uint64_t *seed)
{
    for (int i = 0; i < TASKS_TIMERS; i++)
        delays[i] = bench_random(seed, 1000000000);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void work(const struct tasks_kind *kind)
{
    char line[8];

    if (kind->prepare)
        kind->prepare();
    while (fgets(line, sizeof line, stdin)) {
        printf("%.3f\n", kind->slice(delays));
        fflush(stdout);
    }
}

/* A name that begins with "Go " is a kind of the program of tasks_go.go. */
static void worker_start(const char *name, int most)
{
    struct worker *worker = &workers[worker_count];
    int go = !strncmp(name, "Go ", 3), to[2], from[2];
    const struct tasks_kind *kind = go ? NULL : find(name);

    if (go ? !go_program : !kind)
        return;                         /* that peer is not here */
    if (worker_count == WORKERS_MAX || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
        die("cannot start a process");
    fflush(stdout);
    *worker = (struct worker){ .name = name, .most = most, .pid = fork() };
    if (worker->pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        if (go) {
            execl(go_program, go_program, name + 3, (char *)NULL);
            _exit(127);
        }
        for (int i = 0; i < worker_count; i++)
            close(fileno(workers[i].to));
        close(to[1]);
        work(kind);
        fflush(stdout);
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    worker->to = fdopen(to[1], "w");
    worker->from = fdopen(from[0], "r");
    if (worker->pid < 0 || !worker->to || !worker->from)
        die("cannot start a process");
    worker_count++;
}

static double worker_slice(struct worker *worker)
{
    char line[64];

    fputs("go\n", worker->to);
    fflush(worker->to);
    if (!fgets(line, sizeof line, worker->from)) {
        fprintf(stderr, "tasks: %s: ", worker->name);
        die("its process failed");
    }
    return strtod(line, NULL);
}

static void workers_stop(int from)
{
    for (int i = from; i < worker_count; i++) {
        fclose(workers[i].to);
        fclose(workers[i].from);
        waitpid(workers[i].pid, NULL, 0);
    }
}

static struct worker *worker_find(const char *name)
{
    for (int i = 0; i < worker_count; i++)
        if (!strcmp(workers[i].name, name))
            return &workers[i];
    return NULL;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* The first round only warms up. */
static void rounds_run(const char *what, int first, int rounds, uint64_t *seed)
{
    uint32_t turns[WORKERS_MAX], n = (uint32_t)(worker_count - first);

    for (int round = -1; round < rounds; round++) {
        if (isatty(2))
            fprintf(stderr, "\r%s: round %d of %d ", what, round + 1, rounds);
        delays_shuffle(seed);
        bench_shuffle(seed, turns, n);
        for (uint32_t i = 0; i < n; i++) {
            struct worker *worker = &workers[first + (int)turns[i]];
            if (round >= 0 && worker->rounds == worker->most)
                continue;
            worker->ns[worker->rounds] = worker_slice(worker);
            worker->rounds += round >= 0;
        }
    }
    if (isatty(2))
        fprintf(stderr, "\r%40s\r", "");
}

static void measure(int quick, uint64_t *seed)
{
    static const char *const small[] = {
        "spawn", "spawn, again", "spawn large", "spawn and yield", "spawn among many",
        "spawn and yield among many", "C++20 spawn", "C++20 spawn and yield",
        "C++20 spawn among many", "C++20 spawn and yield among many", "Go spawn",
        "Go spawn and yield", "Go spawn among many", "wake", "libev wake", "Go wake"
    };
    static const char *const ours[] = { "timers fire", "libev timers fire", "timers cancelled",
                                        "libev timers cancelled" };
    static const char *const others[] = { "libuv timers fire", "libuv timers cancelled",
                                          "libevent timers fire", "libevent timers cancelled",
                                          "Go timers fire" };
    int rounds = quick ? 5 : 30, timer_rounds = quick ? 2 : 8, other_rounds = quick ? 1 : 3;
    int first;

    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        worker_start(small[i], rounds);
    rounds_run("spawn and wake", 0, rounds, seed);
    workers_stop(0);
    first = worker_count;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        worker_start(ours[i], timer_rounds);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        worker_start(others[i], other_rounds);
    rounds_run("timers", first, timer_rounds, seed);
    workers_stop(first);
}

/* ---- The table ------------------------------------------------------------------------------- */

struct row { const char *what, *ours, *peer; double budget; };

/* Without a peer, the budget is of the figure itself. */
static const struct row rows[] = {
    { "spawn + run + end", "spawn", NULL, 30 },
    { "spawn + run + end, a frame of 240 bytes", "spawn large", NULL, 30 },
    { "spawn + run + yield + end", "spawn and yield", NULL, 30 },
    { "spawn + run + end, 1,000,000 asleep", "spawn among many", NULL, 30 },
    { "spawn + run + yield + end, 1,000,000 asleep", "spawn and yield among many", NULL, 30 },
    { "spawn: ours / C++20", "spawn", "C++20 spawn", 0 },
    { "spawn, yield: ours / C++20", "spawn and yield", "C++20 spawn and yield", 0 },
    { "spawn, 1,000,000 asleep: ours / C++20", "spawn among many", "C++20 spawn among many", 0 },
    { "spawn, yield, 1,000,000 asleep: ours / C++20", "spawn and yield among many",
      "C++20 spawn and yield among many", 0 },
    { "spawn: ours / Go", "spawn", "Go spawn", 0 },
    { "spawn, yield: ours / Go", "spawn and yield", "Go spawn and yield", 0 },
    { "spawn, 1,000,000 asleep: ours / Go", "spawn among many", "Go spawn among many", 0 },
    { "spawn: ours / ours again (noise)", "spawn", "spawn, again", 0 },
    { "wake by event, 1,000 wait", "wake", NULL, 30 },
    { "wake: ours / libev's ev_feed_event", "wake", "libev wake", 0 },
    { "wake: ours / Go's channels", "wake", "Go wake", 0 },
    { "1e6 timers, fire: ours / libev", "timers fire", "libev timers fire", 0.75 },
    { "1e6 timers, fire: ours / libuv", "timers fire", "libuv timers fire", 0 },
    { "1e6 timers, fire: ours / libevent", "timers fire", "libevent timers fire", 0 },
    { "1e6 timers, fire: ours / Go", "timers fire", "Go timers fire", 0 },
    { "1e6 timers, cancel: ours / libev", "timers cancelled", "libev timers cancelled", 0.75 },
    { "1e6 timers, cancel: ours / libuv", "timers cancelled", "libuv timers cancelled", 0 },
    { "1e6 timers, cancel: ours / libevent", "timers cancelled", "libevent timers cancelled", 0 },
};

static void print_table(int quick, uint64_t seed)
{
    printf("tasks: CPU ns of one, medians of rounds with a slice of each kind, in shuffled order\n"
           "(seed %llu%s). spawns: %d in batches of %d, 0 or %d others asleep; their\n"
           "frame has 40 bytes. timers: %d, random in 0..1 s, started and fired, or started and\n"
           "cancelled; the real loop\n\n",
           (unsigned long long)seed, quick ? ", quick" : "", TASKS_SPAWNS, TASKS_BATCH,
           TASKS_SLEEPERS, TASKS_TIMERS);
    bench_head("what", "ours", "peer");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct worker *ours = worker_find(rows[i].ours);
        const struct worker *peer = rows[i].peer ? worker_find(rows[i].peer) : NULL;

        if (!ours)
            die("a kind of ours was not measured");
        if (rows[i].peer && !peer)
            printf("%-48s skipped: that peer is not installed\n", rows[i].what);
        else if (peer)
            bench_row(rows[i].what, ours->ns, peer->ns,
                      ours->rounds < peer->rounds ? ours->rounds : peer->rounds, rows[i].budget);
        else
            bench_alone(rows[i].what, ours->ns, ours->rounds, rows[i].budget);
    }
}

/* ---- Main ------------------------------------------------------------------------------------ */

static int slice_only(const char *name)
{
    const struct tasks_kind *kind = find(name);

    if (!kind)
        return name ? fprintf(stderr, "tasks: no such kind: see tasks --slice\n"), 2 : 0;
    if (kind->prepare)
        kind->prepare();
    printf("%.2f ns\n", kind->slice(delays));
    return 0;
}

static void pin(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)bench_clock(CLOCK_MONOTONIC) | 1, rounds_seed;
    int quick = 0;

    delays = mmap(NULL, TASKS_TIMERS * sizeof *delays, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (delays == MAP_FAILED)
        die("no memory");
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            quick = 1;
        } else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10) | 1;
        } else if (!strcmp(argv[i], "--go") && i + 1 < argc) {
            go_program = access(argv[++i], X_OK) == 0 ? argv[i] : NULL;
        } else if (!strcmp(argv[i], "--slice")) {
            delays_shuffle(&seed);
            return slice_only(argv[i + 1]);
        } else {
            fprintf(stderr, "usage: tasks [--quick] [--seed N] [--go PROGRAM] | --slice [KIND]\n");
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    pin();
    rounds_seed = seed;
    measure(quick, &rounds_seed);
    print_table(quick, seed);
    return 0;
}
