/* SPDX-License-Identifier: BSD-2-Clause
 * echo.c: what an echoed message costs the server in CPU: coroutines, callbacks, other languages.
 *
 *     echo [--quick] [--seed N] NAME=COMMAND...       the servers; ours first, one named libev
 *     echo --load PORT CONNECTIONS REQUESTS           so many requests to a server that runs
 *
 * All servers are up at once, pinned to core 0; this, the load, is pinned to core 1: so many
 * connections, each with one message in flight. A server prints its port and its pid; one that
 * prints something else is left out, with that line. The CPU time is that of all its threads.
 *
 * A round is a few passes; in each pass every server gets a short slice of load, in shuffled order,
 * and its figure of the round is the CPU time over the requests of all its slices. The ratio of two
 * servers is the median of the ratios of the rounds. libev is there twice, as two processes, whose
 * ratio is the noise. All are started anew a few times, since where a process happens to lie in
 * memory makes it faster or slower for its whole life. What has no budget has fewer rounds.
 *
 * The plan is that with the least noise. Libev against itself, quartiles of three pairs in runs of
 * equal length, on two cores that others used as well; rounds x passes x ms of a slice:
 *     50 connections     24 x 1 x 150  0.981-1.024   120 x 1 x 30   0.982-1.022
 *                        24 x 5 x 30   0.990-1.011
 *     500 connections    60 x 1 x 100  0.963-1.028   20 x 5 x 60    0.979-1.027
 *                        20 x 1 x 300  0.984-1.013   20 x 3 x 100   0.983-1.009
 * and the medians of 20 x 1 x 300 were 0.998-1.010 without a new start, 0.998-1.000 with four.
 *
 * Linux. */
#define _GNU_SOURCE
#define BENCH_UNIT "us"
#include "bench.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 64, CONNECTIONS_MAX = 500, SERVERS_MAX = 16, FDS = SERVERS_MAX * 512 };
enum { PATIENCE_MS = 5000, REST_US = 2000, WARM_MS = 20, RARELY = 3 };

struct connection { int fd, got; };

struct server {
    const char *name, *command;
    double budget;              /* of the ratio ours / this, if there are more connections than 1 */
    int every, turn;            /* it is measured in each so-manieth round, from that one on */
    pid_t child, pid;           /* the same, unless the program ran another one */
    int port;
    int epoll, count;
    struct connection connections[CONNECTIONS_MAX];
    int64_t cpu;                /* of the round that runs, in ns; */
    long requests;              /* and these */
    double us[BENCH_ROUNDS_MAX];        /* CPU of a request, by round; 0: was not measured */
};

/* How it is measured; all servers are started anew [starts] times. */
struct plan { int connections, starts, rounds, passes, slice_ms; };
enum { PLANS = 3 };
static const struct plan plans[2][PLANS] = {
    { { 1, 2, 12, 3, 30 }, { 50, 6, 24, 5, 30 }, { 500, 6, 24, 3, 100 } },
    { { 1, 1, 3, 1, 30 }, { 50, 2, 6, 2, 20 }, { 500, 2, 6, 1, 40 } },      /* --quick */
};

static const struct { const char *name; double budget; } budgets[] = {
    { "libev", 1.01 }, { "epoll", 1.02 }
};

static struct server servers[SERVERS_MAX];              /* the first is ours */
static int server_count;
static struct server *base, *again;                     /* libev, twice */

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "echo: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    for (int i = 0; i < server_count; i++)
        if (servers[i].child > 0)
            kill(servers[i].child, SIGKILL);
    exit(1);
}

static void pin(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((unsigned)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fprintf(stderr, "echo: no core %d: the figures say little\n", core);
}

/* ---- The servers ----------------------------------------------------------------------------- */

/* Runs its command, pinned. What it says first is its port and its pid, or else why it cannot:
 * then, if it is [optional], it is left out with that line. 1 if it runs. */
static int server_start(struct server *server, int optional)
{
    char line[512] = "";
    int ends[2], pid = 0;
    FILE *from;

    if (pipe2(ends, O_CLOEXEC) < 0 || (server->child = fork()) < 0)
        die("cannot start a server");
    if (server->child == 0) {
        snprintf(line, sizeof line, "exec %s", server->command);
        dup2(ends[1], 1);
        if (optional)
            dup2(ends[1], 2);
        pin(0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    errno = 0;
    from = fdopen(ends[0], "r");
    if (!from || !fgets(line, sizeof line, from) ||
        sscanf(line, "%d %d", &server->port, &pid) != 2) {
        if (!optional)
            die("a server tells no port");
        line[strcspn(line, "\n")] = '\0';
        printf("echo: %s is left out: %s\n", server->name, line);
    }
    server->pid = pid;
    fclose(from);
    return pid != 0;
}

static void server_stop(struct server *server)
{
    if (server->pid > 0)            /* 0 would be all of this group */
        kill(server->pid, SIGKILL);
    kill(server->child, SIGKILL);
    waitpid(server->child, NULL, 0);
    server->child = 0;
}

static int64_t thread_cpu(int pid, const char *thread)
{
    char path[300];
    long long ns = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, thread);
    file = fopen(path, "r");
    if (!file || fscanf(file, "%lld", &ns) != 1)
        die("cannot read schedstat");
    fclose(file);
    return ns;
}

/* The CPU time of the server in ns, of all its threads. It sleeps by now, so that the figure is
 * whole. */
static int64_t server_cpu(const struct server *server)
{
    char path[64];
    int64_t ns = 0;
    struct dirent *thread;
    DIR *threads;

    snprintf(path, sizeof path, "/proc/%d/task", (int)server->pid);
    threads = opendir(path);
    if (!threads)
        die("a server is gone");
    while ((thread = readdir(threads)) != NULL)
        if (thread->d_name[0] != '.')
            ns += thread_cpu(server->pid, thread->d_name);
    closedir(threads);
    return ns;
}

/* ---- The load -------------------------------------------------------------------------------- */

static void connections_open(struct server *server, int count)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1;

    server->count = count;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        struct connection *c = &server->connections[i];
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        c->got = 0;
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 ||
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
            epoll_ctl(server->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
            die("cannot connect");
    }
}

static void connections_close(struct server *server)
{
    for (int i = 0; i < server->count; i++)
        close(server->connections[i].fd);
    close(server->epoll);
}

static void ask(struct connection *c)
{
    static const char message[MESSAGE] = "sixty-four bytes";

    c->got = 0;
    if (send(c->fd, message, MESSAGE, MSG_DONTWAIT | MSG_NOSIGNAL) != MESSAGE)
        die("cannot send");
}

/* Receives; 1 once the answer is whole. */
static int answered(struct connection *c)
{
    char buf[MESSAGE];
    ssize_t n = recv(c->fd, buf, (size_t)(MESSAGE - c->got), MSG_DONTWAIT);

    if (n == 0)
        errno = 0, die("a server hangs up");
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        die("cannot receive");
    c->got += n > 0 ? (int)n : 0;
    return c->got == MESSAGE;
}

/* Loads until the monotonic time [until], or [most] requests; the number of requests. All of them
 * have been answered in the end. */
static long load(struct server *server, int64_t until, long most)
{
    struct epoll_event events[256];
    long asked = 0, answers = 0;

    for (; asked < server->count && asked < most; asked++)
        ask(&server->connections[asked]);
    while (answers < asked) {
        int n = epoll_wait(server->epoll, events, 256, PATIENCE_MS);
        int goes_on = bench_clock(CLOCK_MONOTONIC) < until;

        if (n == 0)
            errno = ETIMEDOUT;
        if (n <= 0 && errno != EINTR)
            die("no answer");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;

            if (!answered(c))
                continue;
            answers++;
            if (goes_on && asked < most) {
                ask(c);
                asked++;
            }
        }
    }
    return answers;
}

static int load_only(char **argv)
{
    long requests = atol(argv[4]);

    servers[0].port = atoi(argv[2]);
    connections_open(&servers[0], atoi(argv[3]));
    printf("%ld\n", load(&servers[0], INT64_MAX, requests));
    connections_close(&servers[0]);
    return 0;
}

/* ---- The rounds ------------------------------------------------------------------------------ */

static void slice(struct server *server, int ms)
{
    int64_t before = server_cpu(server);

    int64_t until = bench_clock(CLOCK_MONOTONIC) + (int64_t)ms * 1000000;

    server->requests += load(server, until, LONG_MAX);
    usleep(REST_US);
    server->cpu += server_cpu(server) - before;
}

static void all_stop(void)
{
    for (int i = 0; i < server_count; i++) {
        connections_close(&servers[i]);
        server_stop(&servers[i]);
    }
}

static void all_start(int connections)
{
    for (int i = 0; i < server_count; i++) {
        if (!server_start(&servers[i], 0))
            die("a server does not start again");
        connections_open(&servers[i], connections);
        slice(&servers[i], WARM_MS);
    }
}

static void measure_round(const struct plan *plan, int round, uint64_t *seed)
{
    uint32_t turns[SERVERS_MAX];

    for (int i = 0; i < server_count; i++)
        servers[i].cpu = 0, servers[i].requests = 0;
    for (int pass = 0; pass < plan->passes; pass++) {
        bench_shuffle(seed, turns, (uint32_t)server_count);
        for (int i = 0; i < server_count; i++) {
            struct server *server = &servers[turns[i]];

            if (round % server->every == server->turn)
                slice(server, plan->slice_ms);
        }
    }
    for (int i = 0; i < server_count; i++)
        servers[i].us[round] = servers[i].requests == 0 ? 0
            : (double)servers[i].cpu / 1000 / (double)servers[i].requests;
}

/* A row: the figures [a] against [b], in the rounds that measured both. */
static void row(const struct plan *plan, const char *names, const double *a, const double *b,
                double budget)
{
    double us[2][BENCH_ROUNDS_MAX];
    char what[80];
    int n = 0;

    for (int round = 0; round < plan->rounds; round++) {
        if (a[round] <= 0 || b[round] <= 0)
            continue;
        us[0][n] = a[round];
        us[1][n++] = b[round];
    }
    snprintf(what, sizeof what, "echo, %d connection%s: %s", plan->connections,
             plan->connections > 1 ? "s" : "", names);
    if (n > 0)
        bench_row(what, us[0], us[1], n, plan->connections > 1 ? budget : 0);
}

static void rows(const struct plan *plan)
{
    double both[BENCH_ROUNDS_MAX];
    char names[48];

    for (int round = 0; round < plan->rounds; round++)
        both[round] = (base->us[round] + again->us[round]) / 2;
    for (int i = 1; i < server_count; i++) {
        const struct server *peer = &servers[i];

        snprintf(names, sizeof names, "ours / %s", peer->name);
        if (peer != again)
            row(plan, names, servers[0].us, peer == base ? both : peer->us, peer->budget);
    }
    row(plan, "libev / itself", again->us, base->us, 0);
    printf("\n");
}

static void measure(const struct plan *plan, uint64_t *seed)
{
    for (int round = 0; round < plan->rounds; round++) {
        if (round % (plan->rounds / plan->starts) == 0) {
            if (round > 0)
                all_stop();
            all_start(plan->connections);
        }
        if (isatty(2))
            fprintf(stderr, "\r%d connections: round %d of %d ", plan->connections, round + 1,
                    plan->rounds);
        measure_round(plan, round, seed);
    }
    all_stop();
    if (isatty(2))
        fprintf(stderr, "\r%40s\r", "");
    rows(plan);
}

/* ---- The command line ------------------------------------------------------------------------ */

/* The server "NAME=COMMAND", if it runs here; without a budget it is measured more rarely. */
static struct server *server_add(const char *name, const char *command, int optional)
{
    struct server *server = &servers[server_count];

    server->name = name;
    server->command = command;
    if (!server_start(server, optional)) {
        server_stop(server);
        return NULL;
    }
    server_stop(server);
    server->turn = server_count++ % RARELY;
    server->every = RARELY;
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
        if (!strcmp(name, budgets[i].name))
            server->budget = budgets[i].budget;
    if (server->budget > 0 || !optional) {
        server->every = 1;
        server->turn = 0;
    }
    return server;
}

static int servers_add(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        char *command = strchr(arguments[i], '=');
        struct server *server;

        if (!command || server_count + 1 == SERVERS_MAX)
            return 0;
        *command++ = '\0';
        server = server_add(arguments[i], command, i > 0 && strcmp(arguments[i], "libev") != 0);
        if (server && !strcmp(server->name, "libev"))
            base = server;
    }
    if (!base || base == servers)
        return 0;
    again = server_add(base->name, base->command, 0);
    return 1;
}

static void fds_allow(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FDS) {
        limit.rlim_cur = limit.rlim_max < FDS ? limit.rlim_max : FDS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)bench_clock(CLOCK_MONOTONIC) | 1;
    int quick = 0, at = 1;

    if (argc == 5 && !strcmp(argv[1], "--load") && atoi(argv[3]) > 0 &&
        atoi(argv[3]) <= CONNECTIONS_MAX)
        return load_only(argv);
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (!strcmp(argv[at], "--quick"))
            quick = 1;
        else if (!strcmp(argv[at], "--seed") && at + 1 < argc)
            seed = strtoull(argv[++at], NULL, 10) | 1;
        else
            break;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    fds_allow();
    pin(1);
    if (!servers_add(argc - at, argv + at)) {
        fprintf(stderr, "usage: echo [--quick] [--seed N] NAME=COMMAND...   ours first, one libev\n"
                        "       echo --load PORT CONNECTIONS REQUESTS\n");
        return 2;
    }
    printf("echo: server CPU in us a request of %d bytes, medians of the rounds (seed %llu)\n\n",
           MESSAGE, (unsigned long long)seed);
    bench_head("what", "ours", "peer");
    for (int i = 0; i < PLANS; i++)
        measure(&plans[quick][i], &seed);
    return 0;
}
