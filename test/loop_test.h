/* SPDX-License-Identifier: BSD-2-Clause
 * loop_test.h: what the tests of loop.h and net.h share: in each test a fresh loop and a count of
 * open fds; checks inside coroutines; each libev backend. */
#ifndef LOOP_TEST_H
#define LOOP_TEST_H
#define _XOPEN_SOURCE 700
#include "test.h"
#include "../net.h"

#include <ev.h>
#include <fcntl.h>
#include <sys/socket.h>

/* ---- Checks ---------------------------------------------------------------------------------- */

static int failures_;           /* of the checks in this test */

/* For coroutines, which cmocka's checks would leave by longjmp: notes a failure and goes on. run()
 * and the end of the test then fail. */
#define check(condition) check_(condition, #condition, __FILE__, __LINE__)
#define check_equal(value, wanted) \
    check_equal_((intptr_t)(value), (intptr_t)(wanted), #value, __FILE__, __LINE__)

static inline void check_(bool holds, const char *text, const char *file, int line)
{
    if (holds)
        return;
    failures_++;
    print_error("%s:%d: not so: %s\n", file, line, text);
}

static inline void check_equal_(intptr_t value, intptr_t wanted, const char *text,
                                const char *file, int line)
{
    if (value == wanted)
        return;
    failures_++;
    print_error("%s:%d: %s is %jd, not %jd\n", file, line, text, (intmax_t)value,
                (intmax_t)wanted);
}

/* Runs coroutine NAME, and all that it spawns, on this thread's loop. Its result.
 *     intptr_t run(NAME, .field = ...); */
#define run(...) run_(co_spawn(__VA_ARGS__))

static inline intptr_t run_(struct co_task *task)
{
    intptr_t result;

    assert_non_null(task);
    if (co_loop_run(co_loop_current()) != 0) {
        co_loop_dump(NULL, stderr);
        fail_msg("the tasks above wait for ever");
    }
    result = co_task_result(task);
    co_task_free(task);
    assert_int_equal(failures_, 0);
    return result;
}

/* How often libev has polled. */
static inline unsigned polls(void)
{
    return ev_iteration(co_loop_ev(co_loop_current()));
}

/* ---- A fresh loop in each test --------------------------------------------------------------- */

static unsigned backend_;       /* that the loop gets; 0: libev's choice */
static int open_before_;

static inline int open_fds(void)
{
    int count = 0;

    for (int fd = 0; fd < 2500; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static inline int test_begins(void **state)
{
    (void)state;
    failures_ = 0;
    open_before_ = open_fds();
    return 0;
}

static inline int test_ends(void **state)
{
    int left = open_fds() - open_before_;

    (void)state;
    if (left != 0)
        print_error("%d fds too many are open at the end\n", left);
    return left != 0 || failures_ > 0 ? -1 : 0;
}

static inline int loop_begins(void **state)
{
    struct co_loop_options options = { .backend = backend_ };

    return test_begins(state) == 0 && co_loop_new(&options) ? 0 : -1;
}

static inline int loop_ends(void **state)
{
    co_loop_free(co_loop_current());
    return test_ends(state);
}

/* A test that gets a loop, and one that makes its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_begins, loop_ends)
#define TEST_ALONE(name) cmocka_unit_test_setup_teardown(name, test_begins, test_ends)

/* Runs the array [tests] on each backend that is there. How many failed. */
#define run_on_each_backend(tests) \
    run_on_each_backend_(__FILE__, tests, TESTS_IN(tests))
#define TEST_MAIN_ON_EACH_BACKEND(tests)                                                          \
    int main(void)                                                                                \
    {                                                                                             \
        return run_on_each_backend(tests) != 0;                                                   \
    }

static inline int run_on_each_backend_(const char *file, const struct CMUnitTest *tests, size_t n)
{
    static const struct { const char *name; unsigned backend; } backends[] = {
        { "epoll", EVBACKEND_EPOLL }, { "kqueue", EVBACKEND_KQUEUE },
        { "poll", EVBACKEND_POLL }, { "select", EVBACKEND_SELECT },
    };
    char group[128];
    int failed = 0;

    if (!some_are_asked_for(file, tests, n))
        return 1;
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        backend_ = backends[i].backend;
        if (!(ev_supported_backends() & backend_))
            continue;
        snprintf(group, sizeof group, "%s with %s", file, backends[i].name);
        failed += run_group(group, tests, n, NULL, NULL);
    }
    return failed;
}

/* ---- Fds ------------------------------------------------------------------------------------- */

/* A stream in each direction between fds[0] and fds[1]. */
static inline void pair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 || co_fd_nonblock(fds[0]) < 0
        || co_fd_nonblock(fds[1]) < 0)
        abort();
}

/* From fds[1] to fds[0]. */
static inline void one_way(int fds[2])
{
    if (pipe(fds) < 0 || co_fd_nonblock(fds[0]) < 0 || co_fd_nonblock(fds[1]) < 0)
        abort();
}

/* Sends [text] at once, as somebody outside the loop would. */
static inline void put(int fd, const char *text)
{
    check_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Writes until [fd] takes no more. How many bytes. */
static inline size_t fill(int fd)
{
    static const char zeros[4096];
    size_t done = 0;
    ssize_t n;

    for (size_t size = sizeof zeros; size > 0; size = size == 1 ? 0 : 1)
        while ((n = write(fd, zeros, size)) > 0)
            done += (size_t)n;
    return done;
}

/* Reads until nothing is left. How many bytes. */
static inline size_t empty(int fd)
{
    char buf[4096];
    size_t done = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) > 0)
        done += (size_t)n;
    return done;
}

#endif
