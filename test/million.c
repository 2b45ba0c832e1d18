/* SPDX-License-Identifier: BSD-2-Clause
 * million.c: tests of demos/million with few connections: its output, its refusals, its end. */
#define _GNU_SOURCE
#include "demo_test.h"
#include "../demos/million_clients.h"

#include <sys/prctl.h>

enum { MANY = 3000, NO_RESOURCE_CAPABILITY = 24 };      /* CAP_SYS_RESOURCE: root raises limits */

#define HEAD \
    "server: process [0-9]+, on 127\\.0\\.0\\.1:[0-9]+ and as far as 127\\.0\\.0\\.[0-9]+\n" \
    "clients: process [0-9]+\n"
#define FIGURES(n) \
    n " connections open in [0-9.]+ s\n" \
    "user bytes an idle connection, of the server: -?[0-9]+ resident, -?[0-9]+ by malloc\n" \
    "kernel bytes a connection, of both its ends: -?[0-9]+\n" \
    n " lines in random order, each back: [0-9.]+ s, [0-9]+ requests/s\n"

/* ---- What it does ---------------------------------------------------------------------------- */

static void each_line_comes_back_and_the_figures_are_told(void **state)
{
    (void)state;
    succeeds(start("million --connections 200"),
             HEAD "seed [0-9]+: the first to send is connection [0-9]+, the last [0-9]+\n"
             FIGURES("200"));
    succeeds(start("million --connections 1 --seed 9"),
             HEAD "seed 9: the first to send is connection 0, the last 0\n" FIGURES("1"));
}

/* Who sends first and last. */
struct ends { char text[128]; };
static struct ends ends_of(int seed)
{
    struct child *child = start("million --connections 200 --seed %d", seed);
    struct ends ends;

    succeeds(child, HEAD "seed [^\n]+\n" FIGURES("200"));
    snprintf(ends.text, sizeof ends.text, "%s", strstr(child->text[OUT], "the first to send"));
    strchr(ends.text, '\n')[0] = '\0';
    return ends;
}

static void the_same_seed_gives_the_same_order(void **state)
{
    struct ends first = ends_of(7), again = ends_of(7), different = ends_of(8);
    uint32_t *a = shuffled(1000, 7), *b = shuffled(1000, 7), *c = shuffled(1000, 8);
    char seen[1000] = "";

    (void)state;
    assert_string_equal(first.text, again.text);
    assert_string_not_equal(first.text, different.text);
    assert_memory_equal(a, b, 1000 * sizeof *a);
    assert_memory_not_equal(a, c, 1000 * sizeof *a);
    for (int i = 0; i < 1000; i++) {
        assert_in_range(a[i], 0, 999);
        assert_int_equal(seen[a[i]]++, 0);
    }
    free(a);
    free(b);
    free(c);
}

/* ---- What it refuses ------------------------------------------------------------------------- */

static void a_bad_option_is_one_line(void **state)
{
    static const char *const commands[] = {
        "million --connections 0", "million --connections -1", "million --connections 10000001",
        "million --connections 1e3", "million --connections", "million --seed 0",
        "million --seed 1000000001", "million --seed x", "million --port 1", "million 200",
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fails(start("%s", commands[i]), 2, "million: [^\n]+: see million --help\n");
    succeeds(start("million --help"), "usage: million \\[--help\\] \\[--connections N\\] "
             "\\[--seed N\\]\n");
}

/* As for a user: for good, in this process and its children. */
static void root_raises_no_limits(void)
{
    if (prctl(PR_CAPBSET_READ, NO_RESOURCE_CAPABILITY) == 1)
        (void)prctl(PR_CAPBSET_DROP, NO_RESOURCE_CAPABILITY);
}

static void too_few_files_are_told_before_one_is_opened(void **state)
{
    struct child *child;

    (void)state;
    root_raises_no_limits();
    child = shell("ulimit -n 100; exec %s/million --connections 200", demos());
    fails(child, 1, "million: 200 connections need [0-9]+ open files in a process, and its hard "
          "limit is 100: sudo prlimit --pid \\$\\$ --nofile=[0-9]+\n");
    assert_string_equal(child->text[OUT], "");
}

/* By files, ports or memory. */
static void ten_million_connections_are_refused_with_a_reason(void **state)
{
    struct child *child = start("million --connections 10000000");

    (void)state;
    fails(child, 1, "million: 10000000 connections need [^\n]+(is|have|available)[^\n]*: "
          "(sudo|--connections) [^\n]+\n");
    assert_string_equal(child->text[OUT], "");
}

static void a_soft_limit_is_raised(void **state)
{
    (void)state;
    succeeds(shell("ulimit -Sn 100; exec %s/million --connections 200 --seed 1", demos()),
             HEAD "seed 1: [^\n]+\n" FIGURES("200"));
}

/* ---- How it ends ----------------------------------------------------------------------------- */

/* A run that stands still in the middle: its clients are stopped. */
static struct child *halfway(pid_t *clients_pid)
{
    struct child *child = start("million --connections %d", MANY);
    double until = now() + PATIENCE;

    while (!strstr(child->text[OUT], "seed ") && child_read(child, until)) { }
    check(child->text[OUT], HEAD "seed [^\n]+\n");
    child->port = atoi(strstr(child->text[OUT], "127.0.0.1:") + strlen("127.0.0.1:"));
    *clients_pid = (pid_t)atoi(strstr(child->text[OUT], "clients: ") + strlen("clients: process "));
    while (fds_of(child->pid) < 100 && now() < until)
        poll(NULL, 0, 1);
    assert_int_equal(kill(*clients_pid, SIGSTOP), 0);
    assert_true(fds_of(child->pid) >= 100);
    return child;
}

static void ctrl_c_ends_both_processes(void **state)
{
    pid_t clients_pid;

    (void)state;
    for (int both = 0; both < 2; both++) {
        struct child *child = halfway(&clients_pid);

        assert_int_equal(kill(both ? -child->pid : child->pid, SIGINT), 0);
        assert_int_equal(kill(clients_pid, SIGCONT), 0);
        end(child);
        assert_string_equal(child->text[ERR], "");
        assert_int_equal(child->status, 1);
    }
}

static void the_server_ends_when_the_clients_are_killed(void **state)
{
    pid_t clients_pid;
    struct child *child = halfway(&clients_pid);

    (void)state;
    assert_int_equal(kill(clients_pid, SIGKILL), 0);
    fails(child, 1, "million: the clients were killed by signal 9\n");
}

static void the_clients_end_when_the_server_is_killed(void **state)
{
    pid_t clients_pid;
    struct child *child = halfway(&clients_pid);

    (void)state;
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(kill(clients_pid, SIGCONT), 0);
    end(child);                                         /* which waits for both */
    assert_string_equal(child->text[ERR], "");
    assert_int_equal(child->status, 128 + SIGKILL);
}

/* ---- A peer that does not read --------------------------------------------------------------- */

static char letter(size_t i)
{
    return (char)('a' + i * 7 % 23 + i / 4096 % 3);
}

/* Sends until the server takes no more: its own sends have been waiting for a while. */
static size_t fill(int fd)
{
    size_t size = 0, most = (size_t)64 << 20;
    struct pollfd room = { fd, POLLOUT, 0 };

    while (size < most && poll(&room, 1, 200) == 1) {
        char text[5000];
        ssize_t n;

        for (size_t i = 0; i < sizeof text; i++)
            text[i] = letter(size + i);
        n = send(fd, text, sizeof text, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            assert_int_equal(errno, EAGAIN);
        size += n > 0 ? (size_t)n : 0;
    }
    assert_true(size < most);
    return size;
}

static void a_peer_that_is_slow_to_read_loses_nothing(void **state)
{
    pid_t clients_pid;
    struct child *child = halfway(&clients_pid);
    int fd = dial(child->port);
    size_t size = fill(fd), got = 0;
    char text[4096];
    ssize_t n;

    (void)state;
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while ((n = recv(fd, text, sizeof text, 0)) > 0)
        for (ssize_t i = 0; i < n; i++, got++)
            if (text[i] != letter(got))
                fail_msg("byte %zu is wrong", got);
    close(fd);
    assert_int_equal(n, 0);
    assert_int_equal(got, size);
    assert_int_equal(kill(clients_pid, SIGCONT), 0);
    assert_int_equal(kill(child->pid, SIGINT), 0);
    end(child);
    assert_string_equal(child->text[ERR], "");
}

static const struct CMUnitTest tests[] = {
    TEST(each_line_comes_back_and_the_figures_are_told),
    TEST(the_same_seed_gives_the_same_order),
    TEST(a_bad_option_is_one_line),
    TEST(ten_million_connections_are_refused_with_a_reason),
    TEST(a_soft_limit_is_raised),
    TEST(ctrl_c_ends_both_processes),
    TEST(the_server_ends_when_the_clients_are_killed),
    TEST(the_clients_end_when_the_server_is_killed),
    TEST(a_peer_that_is_slow_to_read_loses_nothing),
    TEST(too_few_files_are_told_before_one_is_opened),      /* last: it gives up a right */
};

TEST_MAIN(tests)
