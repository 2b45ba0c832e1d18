/* SPDX-License-Identifier: BSD-2-Clause
 * echo.c: what an echoed message costs the server in CPU: coroutines against libev callbacks.
 *
 *     echo [--quick] [--seed N] OURS PEER             the two server programs
 *     echo --load PORT CONNECTIONS REQUESTS           so many requests to a server that runs
 *
 * Both servers are up at once, pinned to core 0; this, the load, is pinned to core 1: so many
 * connections, each with one message in flight. In each round every server gets a slice of load,
 * in shuffled order, the peer twice; each slice is measured by the server's CPU time. Linux. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 64, CONNECTIONS_MAX = 500, ROUNDS = 20, ROUNDS_QUICK = 5 };
enum { SLICE_MS = 350, SLICE_MS_QUICK = 60, PATIENCE_MS = 5000 };
enum { OURS, PEER, PEER_AGAIN, TURNS };

struct connection { int fd, got; };

struct server {
    const char *program;
    pid_t child, pid;           /* the same, unless the program ran another one */
    int port;
    int epoll, count;
    struct connection connections[CONNECTIONS_MAX];
};

static struct server servers[2];

static void die(const char *what)
{
    fprintf(stderr, "echo: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    for (int i = 0; i < 2; i++)
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

static void server_start(struct server *server, const char *program)
{
    int ends[2], pid = 0;
    FILE *from;

    server->program = program;
    if (pipe2(ends, O_CLOEXEC) < 0 || (server->child = fork()) < 0)
        die("cannot start a server");
    if (server->child == 0) {
        dup2(ends[1], 1);
        pin(0);
        execlp(program, program, (char *)NULL);
        perror(program);
        _exit(127);
    }
    close(ends[1]);
    errno = 0;
    from = fdopen(ends[0], "r");
    if (!from || fscanf(from, "%d %d", &server->port, &pid) != 2)
        die("a server tells no port");
    server->pid = pid;
    fclose(from);
}

static void server_stop(struct server *server)
{
    kill(server->child, SIGKILL);
    waitpid(server->child, NULL, 0);
    server->child = 0;
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

/* ---- The rounds ------------------------------------------------------------------------------ */

/* The server's CPU per request in us, in a slice of load. */
static double slice(struct server *server, int ms)
{
    int64_t before = server_cpu(server);
    long n = load(server, bench_clock(CLOCK_MONOTONIC) + (int64_t)ms * 1000000, INT32_MAX);

    return (double)(server_cpu(server) - before) / 1000 / (double)n;
}

static void compare(int connections, int rounds, int ms, uint64_t *seed)
{
    double us[TURNS][BENCH_ROUNDS_MAX] = { { 0 } }, base[BENCH_ROUNDS_MAX];
    uint32_t turns[TURNS];
    char what[64];

    for (int i = 0; i < 2; i++) {
        connections_open(&servers[i], connections);
        slice(&servers[i], ms);                     /* warms up */
    }
    for (int round = 0; round < rounds; round++) {
        bench_shuffle(seed, turns, TURNS);
        for (int i = 0; i < TURNS; i++)
            us[turns[i]][round] = slice(&servers[turns[i] == OURS ? 0 : 1], ms);
        base[round] = (us[PEER][round] + us[PEER_AGAIN][round]) / 2;
        if (isatty(2))
            fprintf(stderr, "\r%d connections: round %d of %d ", connections, round + 1, rounds);
    }
    if (isatty(2))
        fprintf(stderr, "\r%40s\r", "");
    snprintf(what, sizeof what, "%d connections: coroutines / libev", connections);
    bench_row(what, us[OURS], base, rounds, 1.03);
    snprintf(what, sizeof what, "%d connections: libev / itself (noise)", connections);
    bench_row(what, us[PEER_AGAIN], us[PEER], rounds, 0);
    for (int i = 0; i < 2; i++)
        connections_close(&servers[i]);
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
    if (argc - at != 2) {
        fprintf(stderr, "usage: echo [--quick] [--seed N] OURS PEER\n"
                        "       echo --load PORT CONNECTIONS REQUESTS\n");
        return 2;
    }
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4096, 4096 });
    pin(1);
    server_start(&servers[0], argv[at]);
    server_start(&servers[1], argv[at + 1]);
    printf("echo: server CPU in us a request of %d bytes, medians of %d rounds with a slice of\n"
           "%d ms for each, in shuffled order (seed %llu)\n\n", MESSAGE,
           quick ? ROUNDS_QUICK : ROUNDS, quick ? SLICE_MS_QUICK : SLICE_MS,
           (unsigned long long)seed);
    bench_head("what", "ours", "peer");
    for (int connections = 50; connections <= CONNECTIONS_MAX; connections *= 10)
        compare(connections, quick ? ROUNDS_QUICK : ROUNDS, quick ? SLICE_MS_QUICK : SLICE_MS,
                &seed);
    for (int i = 0; i < 2; i++)
        server_stop(&servers[i]);
    return 0;
}
