/* SPDX-License-Identifier: BSD-2-Clause
 * fd_spin.c: tests that nothing spins and that nothing breaks when fds are ready and not wanted, no
 * fd is to spare, SIGPIPE or a storm of signals comes, or there are a thousand fds. */
#include "fd_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/time.h>

enum { FEW = 6 };               /* polls in a sleep in which nothing should happen */

/* ---- Ready, and nobody waits ----------------------------------------------------------------- */

/* Lets an fd be armed in both directions, makes it ready, and sleeps. */
enum ready { ROOM, DATA, END, RESET, CLOSED, LOST };
struct unwanted {
    co_frame;
    enum ready ready;
    int fds[2], kept;
    struct co_task *tasks[2];
    unsigned start;
};
static co_define(unwanted)
{
    co_begin;
    pair(self->fds);
    self->kept = -1;
    (void)fill(self->fds[0]);
    self->tasks[0] = co_spawn(one, .op = READ, .fd = self->fds[0]);
    self->tasks[1] = co_spawn(one, .op = WRITE, .fd = self->fds[0]);
    co_try(co_sleep(0.01));
    co_cancel(self->tasks[0]);
    co_cancel(self->tasks[1]);
    co_await(co_gather(self->tasks, 2));
    if (self->ready == DATA || self->ready >= CLOSED)
        put(self->fds[1], "data");
    if (self->ready == ROOM)
        (void)empty(self->fds[1]);
    if (self->ready == END)
        shutdown(self->fds[1], SHUT_WR);
    if (self->ready == RESET)
        co_fd_close(self->fds[1]);
    if (self->ready >= CLOSED)
        self->kept = dup(self->fds[0]);     /* the file lives on, and epoll goes on to report it */
    if (self->ready == CLOSED)
        co_fd_close(self->fds[0]);
    if (self->ready == LOST)
        close(self->fds[0]);
    self->start = polls();
    co_try(co_sleep(0.1));
    check(polls() - self->start <= FEW);
    co_finally;
    co_task_free(self->tasks[0]);
    co_task_free(self->tasks[1]);
    close(self->kept);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_readable_fd_that_nobody_reads_does_not_spin(void **state)
{
    (void)state;
    run(unwanted, .ready = DATA);
}

static void a_writable_fd_that_nobody_writes_to_does_not_spin(void **state)
{
    (void)state;
    run(unwanted, .ready = ROOM);
}

static void an_end_that_nobody_reads_does_not_spin(void **state)
{
    (void)state;
    run(unwanted, .ready = END);
    run(unwanted, .ready = RESET);
}

static void a_closed_fd_whose_file_lives_on_does_not_spin(void **state)
{
    (void)state;
    run(unwanted, .ready = CLOSED);
    run(unwanted, .ready = LOST);
}

/* The same after a write that had to wait has gone through. */
struct written { co_frame; int fds[2]; struct co_task *task; unsigned start; };
static co_define(written)
{
    co_begin;
    pair(self->fds);
    (void)fill(self->fds[0]);
    self->task = co_spawn(one, .op = WRITE, .fd = self->fds[0]);
    co_try(co_sleep(0.01));
    (void)empty(self->fds[1]);
    co_try(co_join(self->task));
    self->start = polls();
    co_try(co_sleep(0.1));
    check(polls() - self->start <= FEW);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_write_that_went_through_leaves_nothing_that_spins(void **state)
{
    (void)state;
    run(written);
}

/* While a reader waits, the same fd is writable all the time. */
struct one_sided { co_frame; int fds[2]; struct co_task *task; unsigned start; };
static co_define(one_sided)
{
    co_begin;
    pair(self->fds);
    co_try(co_writable(self->fds[0]));
    self->task = co_spawn(one, .op = READ, .fd = self->fds[0]);
    co_try(co_sleep(0));
    self->start = polls();
    co_try(co_sleep(0.1));
    check(polls() - self->start <= FEW);
    put(self->fds[1], "x");
    co_try(co_join(self->task));
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_reader_of_a_writable_fd_does_not_spin(void **state)
{
    (void)state;
    run(one_sided);
}

struct unaccepted { co_frame; int listener, fds[3], i; struct co_connect slot; unsigned start; };
static co_define(unaccepted)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    for (self->i = 0; self->i < 3; self->i++)
        co_try(self->fds[self->i], co_connect(&self->slot, NULL, co_tcp_port(self->listener)));
    co_try(co_readable(self->listener));
    self->start = polls();
    co_try(co_sleep(0.1));
    check(polls() - self->start <= FEW);
    co_finally;
    for (int i = 0; i < 3; i++)
        co_fd_close(self->fds[i]);
    co_fd_close(self->listener);
    co_end;
}

static void peers_that_nobody_accepts_do_not_spin(void **state)
{
    (void)state;
    run(unaccepted);
}

struct idle { co_frame; unsigned start; int i; };
static co_define(idle)
{
    co_begin;
    self->start = polls();
    for (self->i = 0; self->i < 10; self->i++)
        co_try(co_sleep(0.01));
    check(polls() - self->start <= 10 + FEW);
    co_end;
}

static void a_sleep_is_one_poll(void **state)
{
    (void)state;
    run(idle);
}

/* ---- No fd to spare -------------------------------------------------------------------------- */

static struct rlimit limit_;

/* From now on no fd can be opened: the lowest free number is the limit. */
static void no_more_fds(void)
{
    int lowest = dup(0);
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit_);
    limit = limit_;
    limit.rlim_cur = (rlim_t)lowest;
    close(lowest);
    check_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    check(dup(0) < 0 && errno == EMFILE);
}

struct next_peer { co_frame; int listener; intptr_t n; };
static co_define(next_peer)
{
    co_begin;
    co_await(self->n, co_accept(self->listener));
    co_return(self->n);
    co_end;
}

/* The only peer of [listener]; no call of it needs an fd. */
static void dial(int client, int listener)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    to.sin_port = htons((uint16_t)co_tcp_port(listener));
    check_equal(connect(client, (struct sockaddr *)&to, sizeof to), 0);
}

/* A peer waits and no fd is left. After a while [spare] is closed, by close() if [plain]; or the
 * task is cancelled. With [first] the accept had begun to wait before the peer came. */
struct exhausted {
    co_frame;
    int plain, first, cancel;
    int listener, spare, peer, i;
    struct co_within deadline;
    struct co_task *task;
    unsigned start;
    intptr_t n;
};
static co_define(exhausted)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    self->peer = socket(AF_INET, SOCK_STREAM, 0);
    self->spare = dup(0);
    if (self->first) {
        self->task = co_spawn(next_peer, .listener = self->listener);
        co_try(co_sleep(0.01));
    }
    no_more_fds();
    dial(self->peer, self->listener);
    if (!self->first)
        self->task = co_spawn(next_peer, .listener = self->listener);
    self->start = polls();
    co_try(co_sleep(0.3));
    check(polls() - self->start < 10);
    check_equal(co_task_state(self->task), CO_TASK_PENDING);
    if (self->cancel) {
        co_cancel(self->task);
        co_await(self->n, co_join(self->task));
        check_equal(self->n, -ECANCELED);
        close(self->spare);
    } else if (self->plain) {
        close(self->spare);
        co_await(self->n, co_within(&self->deadline, 10, co_join(self->task)));
        check_equal(self->n, self->spare);
    } else {
        co_fd_close(self->spare);
        for (self->i = 0; self->i < 3; self->i++)
            co_try(co_sleep(0));
        check_equal(co_task_result(self->task), self->spare);   /* no pause is waited for */
    }
    co_finally;
    setrlimit(RLIMIT_NOFILE, &limit_);
    co_fd_close((int)co_task_result(self->task));
    co_task_free(self->task);
    co_fd_close(self->peer);
    co_fd_close(self->listener);
    co_end;
}

/* Under valgrind, accept4() takes the peer before it fails. */
#define skip_under_valgrind() do { if (under_valgrind()) skip(); } while (0)

static void without_an_fd_to_spare_an_accept_pauses_until_fd_close(void **state)
{
    (void)state;
    skip_under_valgrind();
    run(exhausted);
    run(exhausted, .first = 1);
}

static void or_until_a_plain_close(void **state)
{
    (void)state;
    skip_under_valgrind();
    run(exhausted, .plain = 1);
    run(exhausted, .plain = 1, .first = 1);
}

static void an_accept_that_pauses_can_be_cancelled(void **state)
{
    (void)state;
    skip_under_valgrind();
    run(exhausted, .cancel = 1);
}

/* The pause ends while somebody else waits on the listener. */
struct relieved { co_frame; int listener, peer; struct co_task *task; intptr_t n; };
static co_define(relieved)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    self->peer = socket(AF_INET, SOCK_STREAM, 0);
    no_more_fds();
    dial(self->peer, self->listener);
    self->task = co_spawn(next_peer, .listener = self->listener);
    co_try(co_sleep(0));
    co_cancel(self->task);
    co_await(co_join(self->task));
    co_task_free(self->task);
    setrlimit(RLIMIT_NOFILE, &limit_);
    close(accept(self->listener, NULL, NULL));
    self->task = co_spawn(one, .op = READABLE, .fd = self->listener);
    co_try(co_sleep(0.1));
    check_equal(co_task_state(self->task), CO_TASK_PENDING);
    close(self->peer);
    self->peer = socket(AF_INET, SOCK_STREAM, 0);
    dial(self->peer, self->listener);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, 0);
    co_finally;
    co_task_free(self->task);
    close(self->peer);
    co_fd_close(self->listener);
    co_end;
}

static void the_end_of_a_pause_wakes_nobody_else(void **state)
{
    (void)state;
    skip_under_valgrind();
    run(relieved);
}

/* Two listeners pause; the fds that come free serve both. */
struct both {
    co_frame; int listeners[2], peers[2], spares[2]; struct co_task *tasks[2]; intptr_t n;
};
static co_define(both)
{
    co_begin;
    for (int i = 0; i < 2; i++) {
        self->listeners[i] = co_tcp_listen(NULL, 0, 0);
        self->peers[i] = socket(AF_INET, SOCK_STREAM, 0);
        self->spares[i] = dup(0);
    }
    no_more_fds();
    for (int i = 0; i < 2; i++) {
        dial(self->peers[i], self->listeners[i]);
        self->tasks[i] = co_spawn(next_peer, .listener = self->listeners[i]);
    }
    co_try(co_sleep(0.12));
    co_fd_close(self->spares[0]);
    co_fd_close(self->spares[1]);
    co_try(co_gather(self->tasks, 2));
    co_finally;
    setrlimit(RLIMIT_NOFILE, &limit_);
    for (int i = 0; i < 2; i++) {
        check(co_task_result(self->tasks[i]) >= 0);
        co_fd_close((int)co_task_result(self->tasks[i]));
        co_task_free(self->tasks[i]);
        co_fd_close(self->listeners[i]);
        co_fd_close(self->peers[i]);
    }
    co_end;
}

static void two_listeners_can_pause_at_once(void **state)
{
    (void)state;
    skip_under_valgrind();
    run(both);
}

struct no_socket { co_frame; int port; struct co_connect slot; intptr_t n; };
static co_define(no_socket)
{
    co_begin;
    no_more_fds();
    check_equal(co_tcp_listen(NULL, 0, 0), -EMFILE);
    co_await(self->n, co_connect(&self->slot, NULL, self->port));
    check_equal(self->n, -EMFILE);
    co_finally;
    setrlimit(RLIMIT_NOFILE, &limit_);
    co_end;
}

static void without_an_fd_to_spare_listening_and_connecting_are_EMFILE(void **state)
{
    (void)state;
    run(no_socket, .port = 1);
}

/* ---- Signals --------------------------------------------------------------------------------- */

struct broken { co_frame; int fds[2]; intptr_t n; };
static co_define(broken)
{
    co_begin;
    one_way(self->fds);
    co_fd_close(self->fds[0]);
    co_await(self->n, co_write(self->fds[1], "x", 1));
    check_equal(self->n, -EPIPE);
    co_fd_close(self->fds[1]);
    pair(self->fds);
    co_fd_close(self->fds[0]);
    co_await(self->n, co_send_all(self->fds[1], "x", 1));
    check_equal(self->n, -EPIPE);
    co_fd_close(self->fds[1]);
    co_end;
}

static volatile sig_atomic_t signals;
static void count_signal(int signo)
{
    (void)signo;
    signals++;
}

static void sigpipe_kills_nobody(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_non_null(co_loop_new(NULL));
    run(broken);
    co_loop_free(co_loop_current());
}

static void a_handler_of_sigpipe_stays(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = count_signal };

    signals = 0;
    sigaction(SIGPIPE, &action, NULL);
    assert_non_null(co_loop_new(NULL));
    run(broken);
    assert_int_equal(signals, 1);               /* of the pipe; a send gives none */
    co_loop_free(co_loop_current());
    signal(SIGPIPE, SIG_DFL);
}

/* A child that sends and a parent that receives, both by the ops, while SIGALRM comes all the
 * time. */
struct storm_out { co_frame; int fd, left; intptr_t n; };
static co_define(storm_out)
{
    static const char text[1000];

    co_begin;
    for (; self->left > 0; self->left -= (int)self->n)
        co_try(self->n, co_write(self->fd, text, self->left < 1000 ? (size_t)self->left : 1000));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct storm_in { co_frame; int fd, done; intptr_t n; char buf[700]; };
static co_define(storm_in)
{
    co_begin;
    do {
        co_try(self->n, co_read(self->fd, self->buf, sizeof self->buf));
        self->done += (int)self->n;
        if (self->done % 50 == 0)
            co_try(co_sleep(0.001));
    } while (self->n > 0);
    co_return(self->done);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void a_storm_of_signals_is_seen_by_nobody(void **state)
{
    (void)state;
    struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
    struct sigaction action = { .sa_handler = count_signal };
    int fds[2], size = sized(2000000, 50000);
    intptr_t done;

    signals = 0;
    sigaction(SIGALRM, &action, NULL);          /* no SA_RESTART */
    setitimer(ITIMER_REAL, &often, NULL);
    pair(fds);
    assert_int_equal(co_go(storm_out, .fd = fds[0], .left = size), 0);
    done = run(storm_in, .fd = fds[1]);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);                   /* one may still be on its way */
    assert_int_equal(done, size);
    assert_true(signals > 0);
}

/* ---- A thousand fds -------------------------------------------------------------------------- */

/* Waits for a byte and hands it to the next. */
struct hand_on { co_frame; int in, out, rounds; intptr_t n; char byte; };
static co_define(hand_on)
{
    co_begin;
    for (; self->rounds > 0; self->rounds--) {
        co_try(co_read(self->in, &self->byte, 1));
        self->byte++;
        co_try(co_write(self->out, &self->byte, 1));
    }
    co_end;
}

enum { LINKS = 500 };

static void a_thousand_fds_are_served(void **state)
{
    (void)state;
    static int fds[LINKS][2];
    struct rlimit limit, wanted = { .rlim_cur = 2 * LINKS + 100 };
    int rounds = sized(20, 2);

    getrlimit(RLIMIT_NOFILE, &limit);
    wanted.rlim_max = limit.rlim_max;
    if (limit.rlim_cur < wanted.rlim_cur && setrlimit(RLIMIT_NOFILE, &wanted) < 0)
        skip();
    for (int i = 0; i < LINKS; i++)
        pair(fds[i]);
    for (int i = 0; i < LINKS; i++)
        assert_int_equal(co_go(hand_on, .in = fds[i][0], .out = fds[(i + 1) % LINKS][1],
                               .rounds = rounds), 0);
    put(fds[0][1], "a");
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    for (int i = 0; i < LINKS; i++) {
        co_fd_close(fds[i][0]);
        co_fd_close(fds[i][1]);
    }
    setrlimit(RLIMIT_NOFILE, &limit);
}

static const struct CMUnitTest tests[] = {
    TEST(a_readable_fd_that_nobody_reads_does_not_spin),
    TEST(a_writable_fd_that_nobody_writes_to_does_not_spin),
    TEST(an_end_that_nobody_reads_does_not_spin),
    TEST(a_closed_fd_whose_file_lives_on_does_not_spin),
    TEST(a_write_that_went_through_leaves_nothing_that_spins),
    TEST(a_reader_of_a_writable_fd_does_not_spin),
    TEST(peers_that_nobody_accepts_do_not_spin),
    TEST(a_sleep_is_one_poll),
    TEST(without_an_fd_to_spare_an_accept_pauses_until_fd_close),
    TEST(or_until_a_plain_close),
    TEST(an_accept_that_pauses_can_be_cancelled),
    TEST(the_end_of_a_pause_wakes_nobody_else),
    TEST(two_listeners_can_pause_at_once),
    TEST(without_an_fd_to_spare_listening_and_connecting_are_EMFILE),
    TEST_ALONE(sigpipe_kills_nobody),
    TEST_ALONE(a_handler_of_sigpipe_stays),
    TEST(a_storm_of_signals_is_seen_by_nobody),
    TEST(a_thousand_fds_are_served),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
