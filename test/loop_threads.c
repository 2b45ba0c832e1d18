/* SPDX-License-Identifier: BSD-2-Clause
 * loop_threads.c: tests of co_loop_threads: a loop per thread, a listener per thread, and how they
 * end together. After each test no thread is left. */
#define _GNU_SOURCE
#include "thread_test.h"

#include <netinet/in.h>

enum { LOOPS = 4 };

static struct { int sum, slept; } seen[LOOPS];   /* each its own */
static int alive;                                               /* in all loops */

static int loops_begins(void **state)
{
    memset(seen, 0, sizeof seen);
    alive = 0;
    return threads_begin(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, loops_begins, threads_end)

struct adds { co_frame; int n, i, add[3]; };
static co_define(adds) {
    co_begin;
    for (; self->i < self->n; self->i++) {
        co_try(co_sleep(0));
        seen[co_loop_index()].sum += ++self->add[self->i];
    }
    co_end;
}

static void each_loop_has_an_index_and_a_copy_of_the_arguments(void **state)
{
    (void)state;
    assert_int_equal(co_loop_threads(LOOPS, adds, .n = 3, .add = { 1, 10, 100 }), 0);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(seen[i].sum, 114);
    assert_int_equal(co_loop_index(), 0);
    assert_null(co_loop_current());
}

static void one_loop_or_none_asked_for_is_one(void **state)
{
    (void)state;
    assert_int_equal(co_loop_threads(1, adds, .n = 1), 0);
    assert_int_equal(co_loop_threads(0, adds, .n = 1), 0);
    assert_int_equal(seen[0].sum, 2);
    assert_int_equal(seen[1].sum, 0);
}

/* When all [n] are there, number [who] gives [result], or cancels itself, or raises SIGINT; the
 * others sleep, and may be [content] with their cancel. */
struct sleeps { co_frame; int n, who, cancels, raises, content; intptr_t result, slept; };
static co_define(sleeps) {
    co_begin;
    __atomic_add_fetch(&alive, 1, __ATOMIC_SEQ_CST);
    while (self->slept == 0 && __atomic_load_n(&alive, __ATOMIC_SEQ_CST) < self->n)
        co_await(self->slept, co_sleep(0.001));
    if ((int)co_loop_index() == self->who) {
        if (self->raises)
            kill(getpid(), SIGINT);
        else if (self->cancels)
            co_cancel(co_current());
        else
            co_return(self->result);
    }
    if (self->slept == 0)
        co_await(self->slept, co_sleep(1000));
    seen[co_loop_index()].slept = (int)self->slept;
    co_return(self->content ? 0 : self->slept);
    co_end;
}

static int cancelled(void)
{
    int count = 0;

    for (int i = 0; i < LOOPS; i++)
        count += seen[i].slept == -ECANCELED;
    return count;
}

static void the_first_failure_cancels_the_others_and_is_given(void **state)
{
    (void)state;
    for (int who = 0; who < LOOPS; who++) {
        alive = 0;
        memset(seen, 0, sizeof seen);
        assert_int_equal(co_loop_threads(LOOPS, sleeps, .n = LOOPS, .who = who, .result = -5), -5);
        assert_int_equal(cancelled(), LOOPS - 1);
        assert_int_equal(seen[who].slept, 0);
    }
}

static void one_that_is_cancelled_cancels_the_others(void **state)
{
    (void)state;
    assert_int_equal(co_loop_threads(LOOPS, sleeps, .n = LOOPS, .who = 2, .cancels = 1),
                     -ECANCELED);
    assert_int_equal(cancelled(), LOOPS);
}

static void one_that_is_content_with_its_cancel_cancels_the_others_too(void **state)
{
    (void)state;
    assert_int_equal(co_loop_threads(LOOPS, sleeps, .n = LOOPS, .cancels = 1, .content = 1), 0);
    assert_int_equal(cancelled(), LOOPS);
}

static void without_a_thread_all_are_cancelled_and_it_is_EAGAIN(void **state)
{
    (void)state;
    intptr_t result;

    stacks_too_large(true);
    result = co_loop_threads(LOOPS, sleeps, .n = LOOPS);
    stacks_too_large(false);
    assert_true(no_thread(result));
}

static void in_a_thread_that_has_a_loop_it_is_EBUSY(void **state)
{
    (void)state;
    struct co_loop *loop = co_loop_new(NULL);

    assert_int_equal(co_loop_threads(LOOPS, sleeps, .n = LOOPS), -EBUSY);
    assert_ptr_equal(co_loop_current(), loop);
}

static void ctrl_c_reaches_the_first_and_cancels_all(void **state)
{
    (void)state;
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(60);
        signal(SIGINT, SIG_DFL);
        intptr_t result = co_loop_threads(LOOPS, sleeps, .n = LOOPS, .who = 3, .raises = 1);
        _exit(result == -ECANCELED && cancelled() == LOOPS ? 11 : 12);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 11);
}

/* ---- One listener per thread ----------------------------------------------------------------- */

static int shared_port, listening;
static int served[LOOPS];

/* [n] clients, one after the other, as a call: each gets one byte, and it is that of its server. */
static intptr_t clients(void *arg)
{
    int n = *(int *)arg, answered = 0;

    for (int i = 0; i < n; i++) {
        struct sockaddr_in to = { .sin_family = AF_INET };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char byte = 0;

        to.sin_port = htons((uint16_t)shared_port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && read(fd, &byte, 1) == 1)
            answered += byte >= 'a' && byte < 'a' + LOOPS;
        close(fd);
    }
    return answered;
}

struct serves { co_frame; int listener, fd; char byte; };
static co_define(serves) {
    co_begin;
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        self->byte = (char)('a' + co_loop_index());
        co_await(co_send(self->fd, &self->byte, 1));
        co_fd_close(self->fd);
        served[co_loop_index()]++;
    }
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

/* The first has the port and the clients; when they are done, it cancels itself, and so all. */
struct shares { co_frame; struct serves serves; struct co_task *mine; int fd, n; intptr_t r; };
static co_define(shares) {
    co_begin;
    while (co_loop_index() > 0 && __atomic_load_n(&shared_port, __ATOMIC_ACQUIRE) == 0)
        co_try(co_sleep(0.001));
    co_try(self->fd, co_done(co_tcp_listen(NULL, shared_port, CO_TCP_REUSEPORT)));
    __atomic_add_fetch(&listening, 1, __ATOMIC_SEQ_CST);
    if (co_loop_index() > 0) {
        co_await(self->r, co_call(&self->serves, serves, .listener = self->fd));
        co_return(self->r);
    }
    __atomic_store_n(&shared_port, co_tcp_port(self->fd), __ATOMIC_RELEASE);
    self->mine = co_spawn(serves, .listener = self->fd);
    while (__atomic_load_n(&listening, __ATOMIC_SEQ_CST) < LOOPS)
        co_try(co_sleep(0.001));
    co_await(self->r, co_thread(clients, &self->n));
    co_cancel(self->mine);
    co_await(co_join(self->mine));
    co_task_free(self->mine);
    co_cancel(co_current());
    co_return(self->r == self->n ? 0 : -EPROTO);
    co_end;
}

static void one_listener_per_thread_shares_a_port(void **state)
{
    (void)state;
    int sum = 0, n = sized(400, 100);

    shared_port = listening = 0;
    memset(served, 0, sizeof served);
    assert_int_equal(co_loop_threads(LOOPS, shares, .n = n), 0);
    for (int i = 0; i < LOOPS; i++) {
        assert_true(served[i] > 0);
        sum += served[i];
    }
    assert_int_equal(sum, n);
}

static const struct CMUnitTest tests[] = {
    TEST(each_loop_has_an_index_and_a_copy_of_the_arguments),
    TEST(one_loop_or_none_asked_for_is_one),
    TEST(the_first_failure_cancels_the_others_and_is_given),
    TEST(one_that_is_cancelled_cancels_the_others),
    TEST(one_that_is_content_with_its_cancel_cancels_the_others_too),
    TEST(without_a_thread_all_are_cancelled_and_it_is_EAGAIN),
    TEST(in_a_thread_that_has_a_loop_it_is_EBUSY),
    TEST(ctrl_c_reaches_the_first_and_cancels_all),
    TEST(one_listener_per_thread_shares_a_port),
};

TEST_MAIN_WITH(tests, first_thread, NULL)
