/* SPDX-License-Identifier: BSD-2-Clause
 * demo_test.h: what the tests of the demos share: children, what they print, sockets to them.
 * DEMOS: the directory that the demos were built in. Every child runs under an alarm; teardown
 * kills what is left. */
#ifndef DEMO_TEST_H
#define DEMO_TEST_H
#include "test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

enum { PATIENCE = 30, CHILDREN = 8, OUT = 0, ERR = 1 };

/* ---- Children -------------------------------------------------------------------------------- */

struct child {
    pid_t pid;                          /* and process group; 0: none */
    int fd[2];                          /* its stdout and stderr; -1: closed */
    char text[2][1 << 16];              /* what it has written there */
    size_t size[2];
    int status;                         /* its exit status, or 128 and the signal */
    int port;                           /* of a server */
};
static struct child children[CHILDREN];

static inline double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline struct child *child_new(void)
{
    for (int i = 0; i < CHILDREN; i++)
        if (children[i].pid == 0) {
            memset(&children[i], 0, sizeof children[i]);
            children[i].fd[OUT] = children[i].fd[ERR] = -1;
            return &children[i];
        }
    fail_msg("too many children");
    return NULL;
}

/* In the child: a group of its own, the signals as from a terminal, an end in any case. */
static inline void child_prepare(void)
{
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    alarm(PATIENCE);
}

static inline struct child *child_start(char **argv)
{
    struct child *child = child_new();
    int out[2], err[2];

    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        child_prepare();
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        for (int i = 3; i < 64; i++)
            close(i);
        execv(argv[0], argv);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    child->fd[OUT] = out[0];
    child->fd[ERR] = err[0];
    assert_true(child->pid > 0);
    setpgid(child->pid, child->pid);    /* whoever comes first */
    return child;
}

static inline const char *demos(void)
{
    return getenv("DEMOS") ? getenv("DEMOS") : "build/demos";
}

/* Starts a demo with its arguments: start("study --scale 0.1"). */
static inline struct child *start(const char *format, ...)
{
    char line[1024], path[1024], *argv[16] = { path };
    va_list list;
    int n = 1;

    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    snprintf(path, sizeof path, "%s/%s", demos(), strtok(line, " "));
    while (n < 15 && (argv[n] = strtok(NULL, " ")))
        n++;
    return child_start(argv);
}

/* Starts a line of shell. */
static inline struct child *shell(const char *format, ...)
{
    char line[1024], path[] = "/bin/sh", flag[] = "-c";
    va_list list;

    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    return child_start((char *[]){ path, flag, line, NULL });
}

/* Reads what the child has written; 0 once it has closed both. */
static inline int child_read(struct child *child, double until)
{
    struct pollfd polls[2] = { { child->fd[OUT], POLLIN, 0 }, { child->fd[ERR], POLLIN, 0 } };

    if (child->fd[OUT] < 0 && child->fd[ERR] < 0)
        return 0;
    if (now() > until)
        fail_msg("a child did not end; it wrote: %s%s", child->text[OUT], child->text[ERR]);
    poll(polls, 2, 100);
    for (int i = 0; i < 2; i++) {
        if (!polls[i].revents)
            continue;
        ssize_t n = read(child->fd[i], child->text[i] + child->size[i],
                         sizeof child->text[i] - 1 - child->size[i]);
        if (n > 0) {
            child->size[i] += (size_t)n;
        } else {
            close(child->fd[i]);
            child->fd[i] = -1;
        }
    }
    return 1;
}

/* Waits for its end; nothing of its process group is left then. */
static inline void end(struct child *child)
{
    double until = now() + PATIENCE;
    int status;

    while (child_read(child, until)) { }
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    while (kill(-child->pid, 0) == 0 && now() < until)
        poll(NULL, 0, 10);
    assert_int_equal(kill(-child->pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    child->pid = 0;
}

/* Starts a server, and waits for the line that names its port. */
static inline struct child *serve(const char *command)
{
    struct child *child = start("%s", command);
    double until = now() + PATIENCE;

    while (!strchr(child->text[OUT], '\n') && child_read(child, until)) { }
    assert_non_null(strrchr(child->text[OUT], ':'));
    child->port = atoi(strrchr(child->text[OUT], ':') + 1);
    assert_in_range(child->port, 1, 65535);
    return child;
}

static inline void stop(struct child *server, int signo)
{
    assert_int_equal(kill(server->pid, signo), 0);
    end(server);
    assert_string_equal(server->text[ERR], "");
    assert_int_equal(server->status, 0);
}

/* A test that starts demos. */
#define TEST(name) cmocka_unit_test_teardown(name, teardown)

static inline int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < CHILDREN; i++) {
        struct child *child = &children[i];

        if (child->pid <= 0)
            continue;
        kill(-child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        for (int k = 0; k < 2; k++)
            if (child->fd[k] >= 0)
                close(child->fd[k]);
        child->pid = 0;
    }
    return 0;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

/* All of [text] matches the POSIX extended regex [pattern]. */
static inline bool matches(const char *text, const char *pattern)
{
    regmatch_t match;
    regex_t regex;
    bool is_match;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
    is_match = regexec(&regex, text, 1, &match, 0) == 0 && match.rm_so == 0
        && text[match.rm_eo] == '\0';
    regfree(&regex);
    return is_match;
}

static inline void check(const char *text, const char *pattern)
{
    if (!matches(text, pattern))
        fail_msg("this does not match:\n%s\n--- the pattern is:\n%s", text, pattern);
}

static inline void succeeds(struct child *child, const char *pattern)
{
    end(child);
    assert_string_equal(child->text[ERR], "");
    check(child->text[OUT], pattern);
    assert_int_equal(child->status, 0);
}

static inline void fails(struct child *child, int status, const char *pattern)
{
    end(child);
    check(child->text[ERR], pattern);           /* a dot matches "\n", too: count them */
    assert_ptr_equal(strchr(child->text[ERR], '\n'), strrchr(child->text[ERR], '\n'));
    assert_int_equal(child->status, status);
}

/* The demo [name] refuses an option and an operand that it has no use for, and has a --help. */
static inline void knows_its_options(const char *name)
{
    char pattern[128];

    snprintf(pattern, sizeof pattern, "%s: unknown option --no-such: see %s --help\n", name, name);
    fails(start("%s --no-such", name), 2, pattern);
    snprintf(pattern, sizeof pattern, "%s: unknown option -x: .*\n", name);
    fails(start("%s -xy", name), 2, pattern);
    snprintf(pattern, sizeof pattern, "%s: there is no use for .*\n", name);
    fails(start("%s 1 2", name), 2, pattern);
    snprintf(pattern, sizeof pattern, "usage: %s \\[--help\\].*\n", name);
    succeeds(start("%s --help", name), pattern);
}

/* The [n]th "Cost time: " of the output, from 0. */
static inline double cost(const struct child *child, int n)
{
    const char *found = strstr(child->text[OUT], "Cost time: ");

    while (found && n-- > 0)
        found = strstr(found + 1, "Cost time: ");
    assert_non_null(found);
    return atof(found + strlen("Cost time: "));
}

static inline void between(double value, double least, double most)
{
    if (value < least || value > most)
        fail_msg("%g is not between %g and %g", value, least, most);
}

/* Memory that is in use, in KB; -1 where /proc does not tell. */
static inline long resident(pid_t pid)
{
    char path[64];
    long pages = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    file = fopen(path, "r");
    if (!file)
        return -1;
    if (fscanf(file, "%*d %ld", &pages) != 1)
        pages = -1;
    fclose(file);
    return pages < 0 ? -1 : pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* How many fds a process has open; -1 where /proc does not tell. */
static inline int fds_of(pid_t pid)
{
    char path[64];
    DIR *dir;
    int n = -1;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    if (!(dir = opendir(path)))
        return -1;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* ---- Sockets --------------------------------------------------------------------------------- */

static inline struct sockaddr_in loopback(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

static inline int dial(int port)
{
    struct sockaddr_in at = loopback(port);
    struct timeval patience = { .tv_sec = PATIENCE };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static inline void put(int fd, const char *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* Reads to the end, which must be one, and closes. */
static inline const char *rest(int fd)
{
    static char text[1 << 16];
    size_t size = 0;
    ssize_t n;

    while ((n = recv(fd, text + size, sizeof text - 1 - size, 0)) > 0)
        size += (size_t)n;
    text[size] = '\0';
    close(fd);
    assert_int_equal(n, 0);
    return text;
}

#define STAMP "[0-9]{2}:[0-9]{2}:[0-9]{2} "
#define COST "Cost time: [0-9]+\\.[0-9]{2}"

#endif
