/* SPDX-License-Identifier: BSD-2-Clause
 * connections.c: what an echoed message costs the server in CPU when there are 1, 10, ... 100,000
 * connections: with one message at a time, to each connection in turn, in random order; and with
 * 100 connections that are busy, while the others of the n are idle.
 *
 *     connections [--quick] [--seed N] OURS PEER          the server programs, as of echo.c
 *
 * Each n has a server and a load of its own, so that no process has many more than n fds; all are
 * up at once, pinned to core 0 and to core 1. In each round every server gets a slice of both
 * loads, in shuffled order. The connections come from 127.0.0.2 and on, since an address has but
 * 28,000 ports. Linux. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 64, MOST = 100000, MOST_QUICK = 1000, SIZES = 6, SPARE = 32, PATIENCE_S = 10 };
enum { ROUNDS = 10, ROUNDS_QUICK = 3, SLICE_MS = 250, SLICE_MS_QUICK = 60 };
enum { ACTIVE = 100, PER_ADDRESS = 5000 };
enum mode { TURN, BUSY, MODES };

static const char *const curves[2][MODES] = {
    { "growth: echo, each in turn", "growth: echo, 100 busy among n idle" },
    { "growth: echo, each in turn, libev", "growth: echo, 100 busy among n idle, libev" },
};

struct server {
    int n;
    pid_t pid, load;
    int port, orders, answers;              /* pipes to and from its load */
    double us[MODES][BENCH_ROUNDS_MAX];     /* a message, by rounds */
};
static struct server servers[2][SIZES];
static int sizes;

static void die(const char *what)
{
    fprintf(stderr, "connections: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);                                /* servers and loads end with their parent */
}

static void pin(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((unsigned)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fprintf(stderr, "connections: no core %d: the figures say little\n", core);
}

/* ---- A load: a process of its own ------------------------------------------------------------ */

struct order { int mode, ms; };

static int *fds, count, epoll, at;
static uint32_t *turns;

static int connection(int port, int i)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)i / PER_ADDRESS);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        die("cannot connect");
    return fd;
}

static void ask(int fd)
{
    static const char message[MESSAGE] = "sixty-four bytes";

    if (send(fd, message, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
        die("cannot send");
}

/* The server sends so few bytes at once, and so do they arrive. */
static void answer(int fd)
{
    char buf[MESSAGE];

    errno = 0;
    if (recv(fd, buf, MESSAGE, MSG_WAITALL) != MESSAGE)
        die("no answer");
}

/* Each of them has had an answer in the end: the server has accepted it, and touched its memory. */
static void load_open(int port, int n, uint64_t seed)
{
    fds = malloc((size_t)n * sizeof *fds);
    turns = malloc((size_t)n * sizeof *turns);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!fds || !turns || epoll < 0)
        die("cannot begin");
    bench_shuffle(&seed, turns, (uint32_t)n);
    for (count = 0; count < n; count++) {
        fds[count] = connection(port, count);
        ask(fds[count]);
        answer(fds[count]);
    }
    for (int i = 0; i < n && i < ACTIVE; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.fd = fds[turns[i]] };

        if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
            die("cannot wait");
    }
}

static long load_turn(int64_t until)
{
    long answers = 0;

    for (; bench_clock(CLOCK_MONOTONIC) < until; answers++) {
        int fd = fds[turns[at]];

        at = at + 1 < count ? at + 1 : 0;
        ask(fd);
        answer(fd);
    }
    return answers;
}

static long load_busy(int64_t until)
{
    struct epoll_event events[ACTIVE];
    long asked = 0, answers = 0;

    for (; asked < count && asked < ACTIVE; asked++)
        ask(fds[turns[asked]]);
    while (answers < asked) {
        int n = epoll_wait(epoll, events, ACTIVE, PATIENCE_S * 1000);
        int goes_on = bench_clock(CLOCK_MONOTONIC) < until;

        if (n <= 0)
            die("no answer");
        for (int i = 0; i < n; i++, answers++) {
            answer(events[i].data.fd);
            if (goes_on) {
                ask(events[i].data.fd);
                asked++;
            }
        }
    }
    return answers;
}

/* Opens its connections, says 0, and then for each order how many answers came. */
static _Noreturn void load_run(const struct server *server, int orders, int answers, uint64_t seed)
{
    struct order order;
    long n = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(1);
    load_open(server->port, server->n, seed);
    while (write(answers, &n, sizeof n) == sizeof n && read(orders, &order, sizeof order) > 0) {
        int64_t until = bench_clock(CLOCK_MONOTONIC) + (int64_t)order.ms * 1000000;

        n = order.mode == TURN ? load_turn(until) : load_busy(until);
    }
    _exit(0);
}

/* ---- Servers and their loads ----------------------------------------------------------------- */

static void server_start(struct server *server, const char *program)
{
    int ends[2], pid = 0;
    FILE *from;

    if (pipe2(ends, O_CLOEXEC) < 0 || (server->pid = fork()) < 0)
        die("cannot start a server");
    if (server->pid == 0) {
        dup2(ends[1], 1);
        pin(0);
        execlp(program, program, (char *)NULL);
        perror(program);
        _exit(127);
    }
    close(ends[1]);
    errno = 0;
    from = fdopen(ends[0], "r");
    if (!from || fscanf(from, "%d %d", &server->port, &pid) != 2 || pid != server->pid)
        die("a server tells no port");
    fclose(from);
}

static long load_answer(const struct server *server)
{
    long n = 0;

    errno = 0;
    if (read(server->answers, &n, sizeof n) != sizeof n)
        die("a load has ended");
    return n;
}

static void load_start(struct server *server, uint64_t seed)
{
    int orders[2], answers[2];

    if (pipe2(orders, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0 ||
        (server->load = fork()) < 0)
        die("cannot start a load");
    if (server->load == 0) {
        close(orders[1]);
        close(answers[0]);
        load_run(server, orders[0], answers[1], seed);
    }
    close(orders[0]);
    close(answers[1]);
    server->orders = orders[1];
    server->answers = answers[0];
    load_answer(server);                    /* all are open */
}

/* The CPU time of the server in ns. It sleeps by now, so that the figure is whole. */
static int64_t server_cpu(const struct server *server)
{
    char path[64];
    long long ns = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)server->pid);
    usleep(2000);
    file = fopen(path, "r");
    if (!file || fscanf(file, "%lld", &ns) != 1)
        die("cannot read schedstat");
    fclose(file);
    return ns;
}

/* The server's CPU per message in us, in a slice of load. */
static double slice(const struct server *server, int mode, int ms)
{
    struct order order = { mode, ms };
    int64_t before = server_cpu(server);
    long n;

    if (write(server->orders, &order, sizeof order) != sizeof order)
        die("a load takes no order");
    n = load_answer(server);
    return (double)(server_cpu(server) - before) / 1000 / (double)n;
}

static void progress(const char *what, int done, int all)
{
    if (isatty(2))
        fprintf(stderr, "\r%-20s %d of %d ", what, done, all);
    if (isatty(2) && done == all)
        fprintf(stderr, "\r%50s\r", "");
}

/* The first size that a curve has. */
static int first(int mode)
{
    int i = 0;

    while (mode == BUSY && i < sizes - 1 && servers[0][i].n < ACTIVE)
        i++;
    return i;
}

static void measure(char **programs, int rounds, int ms, uint64_t *seed)
{
    uint32_t order[2 * SIZES * MODES];

    for (int i = 0; i < 2 * sizes; i++) {
        struct server *server = &servers[i % 2][i / 2];

        server_start(server, programs[i % 2]);
        load_start(server, *seed);
        progress("servers, connected:", i + 1, 2 * sizes);
    }
    for (int round = -1; round < rounds; round++) {         /* the first one warms up */
        bench_shuffle(seed, order, (uint32_t)(2 * sizes * MODES));
        for (int i = 0; i < 2 * sizes * MODES; i++) {
            int mode = (int)order[i] % MODES, who = (int)order[i] / MODES;
            struct server *server = &servers[who % 2][who / 2];

            if (who / 2 >= first(mode))
                server->us[mode][round < 0 ? 0 : round] = slice(server, mode, ms);
        }
        progress("rounds:", round + 1, rounds);
    }
}

static void finish(void)
{
    for (int i = 0; i < 2 * sizes; i++) {
        kill(servers[i % 2][i / 2].load, SIGKILL);
        kill(servers[i % 2][i / 2].pid, SIGKILL);
        waitpid(servers[i % 2][i / 2].load, NULL, 0);
        waitpid(servers[i % 2][i / 2].pid, NULL, 0);
    }
}

/* ---- What came out --------------------------------------------------------------------------- */

/* The slope of the cost of all n messages over n, on logarithmic scales, from n = 100 on, as
 * report.py fits it: 1 if one costs the same whatever n is. */
static double exponent(const struct server *of, int mode, int rounds)
{
    double x = 0, y = 0, xx = 0, xy = 0, points = sizes - first(BUSY);

    for (int i = first(BUSY); i < sizes; i++) {
        double n = log(of[i].n), us = n + log(bench_spread(of[i].us[mode], rounds).median);

        x += n, y += us, xx += n * n, xy += n * us;
    }
    return (points * xy - x * y) / (points * xx - x * x);
}

static void report(int rounds)
{
    static const char *const heads[MODES] = { "in turn", "100 busy" };

    for (int mode = 0; mode < MODES; mode++) {
        printf("\n%-12s  %10s  %8s %8s  %6s\n", heads[mode], "n", "ours", "peer", "ratio");
        for (int i = first(mode); i < sizes; i++) {
            double ratios[BENCH_ROUNDS_MAX], us[2];

            for (int k = 0; k < 2; k++) {
                us[k] = bench_spread(servers[k][i].us[mode], rounds).median;
                bench_point(curves[k][mode], "us", servers[k][i].n, us[k], k == 0 ? 1.1 : 0);
            }
            for (int round = 0; round < rounds; round++)
                ratios[round] = servers[0][i].us[mode][round] / servers[1][i].us[mode][round];
            printf("%12s  %10d  %8.2f %8.2f  %6.3f\n", "", servers[0][i].n, us[0], us[1],
                   bench_spread(ratios, rounds).median);
        }
        printf("%12s  %10s  %8.3f %8.3f\n", "", "exponent", exponent(servers[0], mode, rounds),
               exponent(servers[1], mode, rounds));
    }
}

/* 1, 10, ... [most], as far as the limit of open files goes, and the last at that limit. */
static void choose(int most)
{
    struct rlimit limit = { (rlim_t)most + SPARE, (rlim_t)most + SPARE };
    int allowed;

    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    allowed = (int)(limit.rlim_max < (rlim_t)most + SPARE ? limit.rlim_max : (rlim_t)most + SPARE);
    for (int n = 1; n < 10 * most && sizes < SIZES; n *= 10) {
        int fits = n <= allowed - SPARE ? n : allowed - SPARE;

        if (fits < n)
            printf("connections: %d do not fit the hard limit of %d open files; %d do. For more: "
                   "sudo prlimit --pid $$ --nofile=%d\n", n, allowed, fits, most + SPARE);
        for (int k = 0; k < 2; k++)
            servers[k][sizes].n = fits;
        sizes++;
        if (fits < n)
            break;
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)bench_clock(CLOCK_MONOTONIC) | 1;
    int quick = 0, i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--quick"))
            quick = 1;
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10) | 1;
        else
            break;
    }
    if (argc - i != 2) {
        fprintf(stderr, "usage: connections [--quick] [--seed N] OURS PEER\n");
        return 2;
    }
    printf("connections: server CPU in us a message of %d bytes, medians of %d rounds "
           "(seed %llu)\n", MESSAGE, quick ? ROUNDS_QUICK : ROUNDS, (unsigned long long)seed);
    choose(quick ? MOST_QUICK : MOST);
    fflush(stdout);
    measure(argv + i, quick ? ROUNDS_QUICK : ROUNDS, quick ? SLICE_MS_QUICK : SLICE_MS, &seed);
    report(quick ? ROUNDS_QUICK : ROUNDS);
    finish();
    return 0;
}
