/* SPDX-License-Identifier: BSD-2-Clause
 * memory.c: the bytes of a sleeping task, at 1,000,000 of them, and what is left when all have
 * ended; of an idle fd, at 10,000; and of the timers and tasks of others.
 *
 *     memory [--quick] [--go PROGRAM] [--asyncio PROGRAM]
 *
 * Each kind runs in a process of its own, which reports its RSS, and what malloc() has handed out,
 * before and after. It needs Linux. */
#define _GNU_SOURCE
#define BENCH_UNIT "bytes"
#include "bench.h"
#include "loop.h"

#include <ev.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#if __has_include(<uv.h>)
#include <uv.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { MANY = 1000000, FDS = 10000, ASYNCIO = 100000 };

struct bytes { double rss, heap; };
struct use { struct bytes took, left, trimmed; int failed; };   /* of one item */

/* ---- What a process uses --------------------------------------------------------------------- */

static struct bytes bytes_now(void)
{
    struct bytes bytes = { 0, 0 };
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file && fscanf(file, "%*d %ld", &pages) == 1)
        bytes.rss = (double)pages * (double)sysconf(_SC_PAGESIZE);
    if (file)
        fclose(file);
#if defined __GLIBC__ && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    bytes.heap = (double)info.uordblks + (double)info.hblkhd;
#endif
    return bytes;
}

static struct bytes bytes_since(struct bytes start, int n)
{
    struct bytes now = bytes_now();

    return (struct bytes){ (now.rss - start.rss) / n, (now.heap - start.heap) / n };
}

static void need(int right)
{
    if (!right) {
        fputs("memory: no memory, or no fd\n", stderr);
        _exit(1);
    }
}

/* ---- Ours ------------------------------------------------------------------------------------ */

struct nap { co_frame; double seconds; };
static co_define(nap)
{
    co_begin;
    co_try(co_sleep(self->seconds));
    co_end;
}

struct rest { co_frame; };
static co_define(rest)
{
    co_begin;
    co_try(co_sleep(3600));
    co_end;
}

static struct co_event never;
struct waiter { co_frame; int fd; };
static co_define(waiter)
{
    co_begin;
    co_try(co_event_wait(&never));
    co_end;
}

struct reader { co_frame; int fd; };
static co_define(reader)
{
    co_begin;
    co_try(co_readable(self->fd));
    co_end;
}

static int spawn_nap(int i) { return co_go(nap, .seconds = 3600 + i % 1000); }
static int spawn_rest(int i) { return (void)i, co_go(rest); }
static int spawn_waiter(int i) { return co_go(waiter, .fd = i); }

/* All read ends are of one pipe: to the loop each is an fd of its own. */
static int pipe_ends[2] = { -1, -1 };
static int spawn_reader(int i)
{
    int fd;

    if (i == 0)
        need(pipe(pipe_ends) == 0);
    fd = dup(pipe_ends[0]);
    need(fd >= 0 && co_fd_nonblock(fd) == 0);
    return co_go(reader, .fd = fd);
}

static struct use use_tasks(int (*spawn)(int), int n)
{
    struct co_loop *loop = co_loop_new(NULL);
    struct co_scheduler *s = co_scheduler_get();
    struct bytes start;
    struct use use = { .failed = 0 };

    need(loop != NULL);
    start = bytes_now();
    for (int i = 0; i < n; i++)
        need(spawn(i) == 0);
    co_scheduler_turn(s);
    use.took = bytes_since(start, n);
    need(s->count == (uint32_t)n);
    co_scheduler_cancel_all(s);
    need(co_loop_run(loop) == 0 && s->count == 0);
    use.left = bytes_since(start, n);
#ifdef __GLIBC__
    malloc_trim(0);             /* or free blocks as small as these are kept */
#endif
    use.trimmed = bytes_since(start, n);
    return use;
}

static struct use use_nap(void) { return use_tasks(spawn_nap, MANY); }
static struct use use_rest(void) { return use_tasks(spawn_rest, MANY); }
static struct use use_waiter(void) { return use_tasks(spawn_waiter, FDS); }
static struct use use_reader(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return use_tasks(spawn_reader, FDS);
}

/* ---- Bare timers of others, a malloc() each -------------------------------------------------- */

static void on_ev_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)timer, (void)revents;
}

static struct use use_libev(void)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
    struct bytes start = bytes_now();
    struct use use = { .failed = 0 };

    need(loop != NULL);
    for (int i = 0; i < MANY; i++) {
        ev_timer *timer = malloc(sizeof *timer);

        need(timer != NULL);
        ev_timer_init(timer, on_ev_timer, 3600 + i % 1000, 0.);
        ev_timer_start(loop, timer);
    }
    use.took = bytes_since(start, MANY);
    return use;
}

#if __has_include(<uv.h>)
static void on_uv_timer(uv_timer_t *timer)
{
    (void)timer;
}

static struct use use_libuv(void)
{
    static uv_loop_t loop;
    struct bytes start = bytes_now();
    struct use use = { .failed = 0 };

    need(uv_loop_init(&loop) == 0);
    for (int i = 0; i < MANY; i++) {
        uv_timer_t *timer = malloc(sizeof *timer);

        need(timer && uv_timer_init(&loop, timer) == 0
             && uv_timer_start(timer, on_uv_timer, 3600000 + (unsigned)i % 1000000, 0) == 0);
    }
    use.took = bytes_since(start, MANY);
    return use;
}
#else
static struct use use_libuv(void)
{
    return (struct use){ .failed = 1 };
}
#endif

/* ---- In a process of its own ----------------------------------------------------------------- */

/* What [measure] tells; or, without it, the RSS that [program] writes, run with [n]. */
static struct use use_of(struct use (*measure)(void), const char *program, int n)
{
    struct use use = { .failed = 1 };
    char text[32] = "";
    int ends[2], status;
    FILE *from;
    pid_t pid;

    snprintf(text, sizeof text, "%d", n);
    if ((!measure && !program) || pipe(ends) || (pid = fork()) < 0)
        return use;
    if (pid == 0) {
        dup2(ends[1], 1);
        if (measure) {
            use = measure();
            _exit(write(1, &use, sizeof use) != (ssize_t)sizeof use);
        }
        execlp(program, program, text, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    from = fdopen(ends[0], "rb");
    if (measure ? fread(&use, sizeof use, 1, from) != 1
                : fscanf(from, "%lf", &use.took.rss) != 1)
        use.failed = 1;
    else if (!measure)
        use.failed = 0;
    fclose(from);
    waitpid(pid, &status, 0);
    return use;
}

/* ---- The table ------------------------------------------------------------------------------- */

static void against(const char *what, double ours, const struct use *peer)
{
    if (peer->failed)
        printf("%-48s skipped: that peer is not installed\n", what);
    else
        bench_row(what, &ours, &peer->took.rss, 1, 0);
}

static void left_row(const char *what, double left, double took, double budget)
{
    left = left > 0 ? left : 0;
    bench_row(what, &left, &took, 1, budget);
}

static void alone(const char *what, double bytes, double budget)
{
    bench_alone(what, &bytes, 1, budget);
}

static int ours(double *nap_bytes)
{
    struct use nap = use_of(use_nap, NULL, 0), rest = use_of(use_rest, NULL, 0);
    struct use waiting = use_of(use_waiter, NULL, 0), reading = use_of(use_reader, NULL, 0);

    if (nap.failed || rest.failed || waiting.failed)
        return -1;
    alone("sleeping task, struct nap: RSS", nap.took.rss, 160);
    alone("sleeping task, smallest frame: RSS", rest.took.rss, 160);
    if (nap.took.heap > 0)
        alone("sleeping task, struct nap: malloc'd", nap.took.heap, 0);
    if (nap.took.heap > 0)
        left_row("left when all have ended: malloc'd", nap.left.heap, nap.took.heap, 0.01);
    left_row("left when all have ended: RSS", nap.left.rss, nap.took.rss, 0);
    left_row("left when all have ended, malloc_trim(): RSS", nap.trimmed.rss, nap.took.rss, 0.01);
    alone("task that waits for an event: RSS", waiting.took.rss, 0);
    if (reading.failed)
        printf("%-48s skipped: fewer than %d fds are allowed\n", "idle fd", FDS);
    else
        alone("idle fd, without its task: RSS", reading.took.rss - waiting.took.rss, 0);
    alone("sizeof(struct co_head), the head of a frame", sizeof(struct co_head), 0);
    alone("sizeof(struct co_chain)", sizeof(struct co_chain), 0);
    alone("sizeof(struct co_task), its chain included", sizeof(struct co_task), 0);
    *nap_bytes = nap.took.rss;
    return 0;
}

int main(int argc, char **argv)
{
    const char *go = NULL, *asyncio = NULL;
    struct use peer;
    double nap_bytes;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--go") && i + 1 < argc) {
            go = access(argv[++i], X_OK) == 0 ? argv[i] : NULL;
        } else if (!strcmp(argv[i], "--asyncio") && i + 1 < argc) {
            asyncio = argv[++i];
        } else if (strcmp(argv[i], "--quick")) {        /* it is quick as it is */
            fprintf(stderr, "usage: memory [--quick] [--go PROGRAM] [--asyncio PROGRAM]\n");
            return 2;
        }
    }
    printf("memory: bytes of one, at %d of them (fds: %d; asyncio: %d), a process each\n\n", MANY,
           FDS, ASYNCIO);
    bench_head("what", "ours", "peer");
    if (ours(&nap_bytes) < 0)
        return 1;
    peer = use_of(use_libev, NULL, 0);
    against("sleeping task: ours / libev's bare timer", nap_bytes, &peer);
    peer = use_of(use_libuv, NULL, 0);
    against("sleeping task: ours / libuv's bare timer", nap_bytes, &peer);
    peer = use_of(NULL, go, MANY);
    against("sleeping task: ours / Go", nap_bytes, &peer);
    peer = use_of(NULL, asyncio, ASYNCIO);
    against("sleeping task: ours / asyncio", nap_bytes, &peer);
    return 0;
}
