/* SPDX-License-Identifier: BSD-2-Clause
 * net.c: tests of TCP: listening, connecting, sending, receiving, and peers that misbehave. Lines
 * have a file of their own, stream.c. */
#include "net_test.h"

#include <errno.h>
#include <netinet/tcp.h>

/* ---- Listening ------------------------------------------------------------------------------- */

static int has_ipv6(void)
{
    int fd = co_tcp_listen("::1", 0, 0);

    if (fd >= 0)
        co_fd_close(fd);
    return fd >= 0;
}

static void listens_on(const char *host)
{
    int fd = co_tcp_listen(host, 0, 0);

    assert_true(fd >= 0);
    assert_in_range(co_tcp_port(fd), 1, 65535);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(co_fd_close(fd), 0);
}

static void it_listens_on_a_numeric_address_or_localhost(void **state)
{
    (void)state;
    listens_on(NULL);
    listens_on("127.0.0.1");
    listens_on("localhost");
    if (has_ipv6())
        listens_on("::1");
}

static void a_name_or_nonsense_is_no_address_to_listen_on(void **state)
{
    (void)state;
    assert_int_equal(co_tcp_listen("example.com", 0, 0), -EINVAL);
    assert_int_equal(co_tcp_listen("", 0, 0), -EINVAL);
    assert_int_equal(co_tcp_listen("127.0.0.1:80", 0, 0), -EINVAL);
    assert_int_equal(co_tcp_listen("300.0.0.1", 0, 0), -EINVAL);
    assert_int_equal(co_tcp_listen("::g", 0, 0), -EINVAL);
}

static void a_port_out_of_range_is_EINVAL(void **state)
{
    (void)state;
    assert_int_equal(co_tcp_listen(NULL, -1, 0), -EINVAL);
    assert_int_equal(co_tcp_listen(NULL, 65536, 0), -EINVAL);
    assert_int_equal(co_tcp_listen(NULL, 1000000, 0), -EINVAL);
}

static void a_port_in_use_is_EADDRINUSE(void **state)
{
    (void)state;
    int fd = co_tcp_listen(NULL, 0, 0);

    assert_int_equal(co_tcp_listen(NULL, co_tcp_port(fd), 0), -EADDRINUSE);
    assert_int_equal(co_tcp_listen(NULL, co_tcp_port(fd), CO_TCP_REUSEPORT), -EADDRINUSE);
    co_fd_close(fd);
}

static void TCP_REUSEPORT_lets_two_listen_on_one_port(void **state)
{
    (void)state;
    int first = co_tcp_listen(NULL, 0, CO_TCP_REUSEPORT);
    int second = co_tcp_listen(NULL, co_tcp_port(first), CO_TCP_REUSEPORT);

    assert_true(first >= 0 && second >= 0);
    assert_int_equal(co_tcp_port(first), co_tcp_port(second));
    co_fd_close(first);
    co_fd_close(second);
}

static void tcp_port_says_why_not(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    assert_int_equal(co_tcp_port(fds[0]), -EAFNOSUPPORT);
    assert_int_equal(co_tcp_port(-1), -EBADF);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
    one_way(fds);
    assert_int_equal(co_tcp_port(fds[0]), -ENOTSOCK);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

/* A connection both of whose ends are here. */
struct meet { co_frame; const char *host; int *fds, listener; struct co_connect slot; intptr_t n; };
static co_define(meet)
{
    co_begin;
    self->listener = co_tcp_listen(self->host, 0, 0);
    if (self->listener < 0)
        co_return(self->listener);
    co_try(self->n, co_connect(&self->slot, self->host, co_tcp_port(self->listener)));
    self->fds[0] = (int)self->n;
    co_try(self->n, co_accept(self->listener));
    self->fds[1] = (int)self->n;
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

static void meet_here(int fds[2])
{
    assert_int_equal(run(meet, .fds = fds), 0);
}

static void is_set_up(int fd)
{
    int value = 0;
    socklen_t size = sizeof value;

    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    assert_int_not_equal(value, 0);
}

static void both_ends_are_non_blocking_close_on_exec_and_without_delay(void **state)
{
    (void)state;
    const char *hosts[] = { NULL, "127.0.0.1", "localhost", has_ipv6() ? "::1" : NULL };
    int fds[2];

    for (int i = 0; i < 4; i++) {
        assert_int_equal(run(meet, .host = hosts[i], .fds = fds), 0);
        is_set_up(fds[0]);
        is_set_up(fds[1]);
        co_fd_close(fds[0]);
        co_fd_close(fds[1]);
    }
}

struct dial { co_frame; const char *host; int port; struct co_connect slot; intptr_t n; };
static co_define(dial)
{
    co_begin;
    co_await(self->n, co_connect(&self->slot, self->host, self->port));
    co_return(self->n);
    co_end;
}

static void connecting_to_nobody_is_ECONNREFUSED(void **state)
{
    (void)state;
    int fd = co_tcp_listen(NULL, 0, 0), port = co_tcp_port(fd);

    co_fd_close(fd);
    for (int i = 0; i < 10; i++)
        assert_int_equal(run(dial, .port = port), -ECONNREFUSED);
}

/* Too long a label is refused before any name server is asked. */
static void connecting_to_a_name_that_is_none_is_ENOENT(void **state)
{
    char name[80];

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(run(dial, .host = name, .port = 80), -ENOENT);
}

static void connecting_to_no_address_is_EINVAL(void **state)
{
    (void)state;
    assert_int_equal(run(dial, .host = "", .port = 80), -EINVAL);
    assert_int_equal(run(dial, .port = -1), -EINVAL);
    assert_int_equal(run(dial, .port = 65536), -EINVAL);
}

/* The server closes first, so that its port lingers in TIME_WAIT. */
struct restart { co_frame; int listener, port, i; struct co_connect slot; intptr_t client, n; };
static co_define(restart)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    self->port = co_tcp_port(self->listener);
    for (self->i = 0; self->i < 5; self->i++) {
        co_try(self->client, co_connect(&self->slot, NULL, self->port));
        co_try(self->n, co_accept(self->listener));
        co_fd_close((int)self->n);
        co_fd_close((int)self->client);
        co_fd_close(self->listener);
        self->listener = co_tcp_listen(NULL, self->port, 0);
        check(self->listener >= 0);
    }
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

static void a_port_can_be_listened_on_again_at_once(void **state)
{
    (void)state;
    assert_int_equal(run(restart), 0);
}

struct hasty { co_frame; int port; struct co_connect slot; struct co_within deadline; intptr_t n; };
static co_define(hasty)
{
    co_begin;
    co_await(self->n, co_within(&self->deadline, 0.03, co_connect(&self->slot, NULL, self->port)));
    co_return(self->n);
    co_end;
}

static void a_connect_that_takes_too_long_leaves_no_fd(void **state)
{
    (void)state;
    struct full full;
    int before;

    full_begins(&full);
    before = open_fds();
    for (int i = 0; i < 5; i++)
        assert_int_equal(run(hasty, .port = full.port), -ETIMEDOUT);
    assert_int_equal(open_fds(), before);
    full_ends(&full);
}

struct canceller { co_frame; struct co_task *task; int turns; };
static co_define(canceller)
{
    co_begin;
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    co_cancel(self->task);
    co_end;
}

static void a_connect_that_is_cancelled_leaves_no_fd(void **state)
{
    (void)state;
    struct full full;
    int before;

    full_begins(&full);
    before = open_fds();
    for (int turns = 0; turns < 4; turns++) {
        struct co_task *task = co_spawn(dial, .port = full.port);
        assert_int_equal(co_go(canceller, .task = task, .turns = turns), 0);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
        assert_int_equal(co_task_result(task), -ECANCELED);
        co_task_free(task);
    }
    assert_int_equal(open_fds(), before);
    full_ends(&full);
}

/* Cancelled after each number of turns, a connect gives an fd or -ECANCELED and leaks none. */
static void a_connect_that_is_cancelled_as_it_ends_gives_its_fd_or_closes_it(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0), before = open_fds();

    for (int turns = 0; turns < 6; turns++) {
        struct co_task *task = co_spawn(dial, .port = co_tcp_port(listener));
        assert_int_equal(co_go(canceller, .task = task, .turns = turns), 0);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
        assert_true(co_task_result(task) == -ECANCELED || co_task_result(task) >= 0);
        co_fd_close((int)co_task_result(task));
        co_task_free(task);
        assert_int_equal(open_fds(), before);
    }
    co_fd_close(listener);
}

struct acceptor { co_frame; int listener; intptr_t n; };
static co_define(acceptor)
{
    co_begin;
    co_await(self->n, co_accept(self->listener));
    co_return(self->n);
    co_end;
}

static void an_accept_that_is_cancelled_loses_no_peer(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0);

    for (int turns = 0; turns < 6; turns++) {
        struct co_task *task = co_spawn(acceptor, .listener = listener), *again = NULL;
        int client = (int)run(dial, .port = co_tcp_port(listener));

        assert_true(client >= 0);
        if (co_task_state(task) == CO_TASK_PENDING) {
            assert_int_equal(co_go(canceller, .task = task, .turns = turns), 0);
            assert_int_equal(co_loop_run(co_loop_current()), 0);
        }
        if (co_task_result(task) < 0) {
            assert_int_equal(co_task_result(task), -ECANCELED);
            again = co_spawn(acceptor, .listener = listener);
            assert_int_equal(co_loop_run(co_loop_current()), 0);
        }
        co_fd_close((int)co_task_result(again ? again : task));
        co_task_free(task);
        co_task_free(again);
        co_fd_close(client);
    }
    co_fd_close(listener);
}

static void accepting_on_what_does_not_listen_is_an_error(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(run(acceptor, .listener = -1), -EBADF);
    one_way(fds);
    assert_int_equal(run(acceptor, .listener = fds[0]), -ENOTSOCK);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
    meet_here(fds);
    assert_int_equal(run(acceptor, .listener = fds[0]), -EINVAL);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

/* ---- Echo ------------------------------------------------------------------------------------ */

/* Sends [rounds] messages of [size] bytes, in pieces of [piece], and wants each of them back. */
struct client {
    co_frame;
    int port, rounds;
    size_t size, piece, done;
    int fd, i;
    struct co_connect slot;
    intptr_t n;
    char out[1000], in[1000];
};
static co_define(client)
{
    co_begin;
    self->fd = -1;
    co_try(self->n, co_connect(&self->slot, NULL, self->port));
    self->fd = (int)self->n;
    for (self->i = 0; self->i < self->rounds; self->i++) {
        for (size_t k = 0; k < self->size; k++)
            self->out[k] = (char)(self->fd + self->i + (int)k);
        for (self->done = 0; self->done < self->size; self->done += self->piece) {
            co_try(self->n, co_send_all(self->fd, self->out + self->done, self->piece));
            check_equal(self->n, self->piece);
            co_try(self->n, co_recv_exact(self->fd, self->in + self->done, self->piece));
            check_equal(self->n, self->piece);
        }
        check(memcmp(self->in, self->out, self->size) == 0);
    }
    shutdown(self->fd, SHUT_WR);
    co_try(self->n, co_recv(self->fd, self->in, sizeof self->in));
    check_equal(self->n, 0);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void echo(int clients, int rounds, size_t size, size_t piece)
{
    static struct co_task *tasks[1000];
    int listener = co_tcp_listen(NULL, 0, 0), port = co_tcp_port(listener);

    assert_int_equal(co_go(echo_server, .listener = listener, .left = clients), 0);
    for (int i = 0; i < clients; i++)
        tasks[i] = co_spawn(client, .port = port, .rounds = rounds, .size = size, .piece = piece);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    for (int i = 0; i < clients; i++) {
        assert_int_equal(co_task_result(tasks[i]), 0);
        co_task_free(tasks[i]);
    }
}

static void an_echo_serves_many_clients(void **state)
{
    (void)state;
    echo(sized(200, 20), 20, 100, 100);
}

static void an_echo_serves_one_byte_at_a_time(void **state)
{
    (void)state;
    echo(3, 2, (size_t)sized(1000, 100), 1);
}

/* ---- Much, and slowly ------------------------------------------------------------------------ */

struct giver { co_frame; int fd; size_t size; char *buf; intptr_t n; };
static co_define(giver)
{
    co_begin;
    self->buf = malloc(self->size);
    for (size_t i = 0; i < self->size; i++)
        self->buf[i] = (char)(i % 253);
    co_await(self->n, co_send_all(self->fd, self->buf, self->size));
    co_return(self->n);
    co_finally;
    free(self->buf);
    co_fd_close(self->fd);
    co_end;
}

struct taker { co_frame; int fd, slow; size_t done; intptr_t n; char buf[30011]; };
static co_define(taker)
{
    co_begin;
    for (;;) {
        co_try(self->n, co_recv(self->fd, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        for (intptr_t i = 0; i < self->n; i++, self->done++)
            if (self->buf[i] != (char)(self->done % 253))
                co_return(-EILSEQ);
        if (self->slow-- > 0)
            co_try(co_sleep(0.001));
    }
    co_return(self->done);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void co_send_all_sends_all_to_a_slow_reader(void **state)
{
    (void)state;
    size_t size = (size_t)sized(10000000, 1000000);
    struct co_task *task;
    int fds[2];

    meet_here(fds);
    task = co_spawn(giver, .fd = fds[0], .size = size);
    assert_int_equal(run(taker, .fd = fds[1], .slow = 100), size);
    assert_int_equal(co_task_result(task), size);
    co_task_free(task);
}

struct late_send {
    co_frame;
    int fds[2];
    struct co_within slot;
    intptr_t n;
    char *buf;
    size_t size;
};
static co_define(late_send)
{
    co_begin;
    self->size = 20000000;
    self->buf = calloc(1, self->size);
    co_await(self->n, co_within(&self->slot, 0.05,
                                co_send_all(self->fds[0], self->buf, self->size)));
    check_equal(self->n, -ETIMEDOUT);
    check(empty(self->fds[1]) > 0);             /* part of it, as net.h says */
    co_await(self->n, co_within(&self->slot, 10, co_send(self->fds[0], self->buf, self->size)));
    check(self->n > 0 && (size_t)self->n < self->size);
    co_finally;
    free(self->buf);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_send_to_a_reader_that_stopped_can_be_given_up(void **state)
{
    (void)state;
    int fds[2];

    meet_here(fds);
    run(late_send, .fds = { fds[0], fds[1] });
}

/* ---- The end, in all forms ------------------------------------------------------------------- */

struct half_close { co_frame; int fds[2], i; intptr_t n; char buf[8]; };
static co_define(half_close)
{
    co_begin;
    co_try(co_send_all(self->fds[0], "last", 4));
    shutdown(self->fds[0], SHUT_WR);
    co_try(self->n, co_recv(self->fds[1], self->buf, 8));
    check_equal(self->n, 4);
    for (self->i = 0; self->i < 3; self->i++) {
        co_try(self->n, co_recv(self->fds[1], self->buf, 8));
        check_equal(self->n, 0);
    }
    co_try(co_send_all(self->fds[1], "answer", 6));         /* the other half lives */
    co_try(self->n, co_recv(self->fds[0], self->buf, 8));
    check_equal(self->n, 6);
    co_await(self->n, co_send(self->fds[0], "x", 1));
    check_equal(self->n, -EPIPE);
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void half_a_connection_can_end(void **state)
{
    (void)state;
    int fds[2];

    meet_here(fds);
    run(half_close, .fds = { fds[0], fds[1] });
}

struct reset_in { co_frame; int fds[2]; struct co_task *task; intptr_t n; };
static co_define(reset_in)
{
    co_begin;
    self->task = co_spawn(taker, .fd = self->fds[0]);
    co_try(co_send_all(self->fds[1], "\0\1\2", 3));
    co_try(co_sleep(0.01));
    reset(self->fds[1]);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, -ECONNRESET);
    co_finally;
    co_task_free(self->task);
    co_end;
}

static void a_reset_in_mid_request_is_ECONNRESET(void **state)
{
    (void)state;
    int fds[2];

    meet_here(fds);
    run(reset_in, .fds = { fds[0], fds[1] });
}

struct reset_out { co_frame; int fds[2]; struct co_task *task; intptr_t n; };
static co_define(reset_out)
{
    co_begin;
    self->task = co_spawn(giver, .fd = self->fds[0], .size = 20000000);
    co_try(co_sleep(0.02));
    check_equal(co_task_state(self->task), CO_TASK_PENDING);
    reset(self->fds[1]);
    co_await(self->n, co_join(self->task));
    check(self->n == -ECONNRESET || self->n == -EPIPE);
    co_finally;
    co_task_free(self->task);
    co_end;
}

static void a_reset_while_sending_is_an_error(void **state)
{
    (void)state;
    int fds[2];

    meet_here(fds);
    run(reset_out, .fds = { fds[0], fds[1] });
}

struct to_nobody { co_frame; int fds[2], i; intptr_t n; };
static co_define(to_nobody)
{
    co_begin;
    co_fd_close(self->fds[1]);
    for (self->i = 0; self->i < 100; self->i++) {       /* the first may go through */
        co_await(self->n, co_send(self->fds[0], "hello", 5));
        if (self->n < 0)
            break;
        co_try(co_sleep(0.001));
    }
    check(self->n == -EPIPE || self->n == -ECONNRESET);
    co_await(self->n, co_send_all(self->fds[0], "hello", 5));
    check_equal(self->n, -EPIPE);
    co_finally;
    co_fd_close(self->fds[0]);
    co_end;
}

static void sending_to_a_peer_that_is_gone_is_EPIPE_or_ECONNRESET_and_kills_nobody(void **state)
{
    (void)state;
    int fds[2];

    signal(SIGPIPE, SIG_DFL);                   /* co_loop_new had it ignored */
    meet_here(fds);
    run(to_nobody, .fds = { fds[0], fds[1] });
    signal(SIGPIPE, SIG_IGN);
}

/* Peers that come and are gone before they are accepted. */
struct gone_before { co_frame; int listener, i; struct co_connect slot; intptr_t n; char byte; };
static co_define(gone_before)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    for (self->i = 0; self->i < 10; self->i++) {
        co_try(self->n, co_connect(&self->slot, NULL, co_tcp_port(self->listener)));
        if (self->i % 2)
            reset((int)self->n);
        else
            co_fd_close((int)self->n);
    }
    for (self->i = 0; self->i < 10; self->i++) {
        co_try(self->n, co_accept(self->listener));
        self->slot.fd = (int)self->n;
        co_await(self->n, co_recv(self->slot.fd, &self->byte, 1));
        check_equal(self->n, self->i % 2 ? -ECONNRESET : 0);
        co_fd_close(self->slot.fd);
    }
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

static void a_peer_that_went_before_it_was_accepted_ends_its_session_alone(void **state)
{
    (void)state;
    run(gone_before);
}

static void a_listener_that_is_closed_wakes_its_accept_with_EBADF(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0);
    struct co_task *task = co_spawn(acceptor, .listener = listener);

    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    co_fd_close(listener);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), -EBADF);
    co_task_free(task);
}

/* ---- co_recv_exact --------------------------------------------------------------------------- */

struct exactly { co_frame; int fd; size_t size; intptr_t n; char buf[1000]; };
static co_define(exactly)
{
    co_begin;
    co_await(self->n, co_recv_exact(self->fd, self->buf, self->size));
    co_return(self->n);
    co_end;
}

struct segments { co_frame; int fd, i, count, close; };
static co_define(segments)
{
    co_begin;
    for (self->i = 0; self->i < self->count; self->i++) {
        put(self->fd, "0123456789");
        co_try(co_sleep(0.001));
    }
    co_finally;
    if (self->close)
        co_fd_close(self->fd);
    co_end;
}

static void co_recv_exact_takes_so_many_bytes_and_no_more(void **state)
{
    (void)state;
    int fds[2];

    meet_here(fds);
    put(fds[1], "abcdefgh");
    assert_int_equal(run(exactly, .fd = fds[0], .size = 3), 3);
    assert_int_equal(run(exactly, .fd = fds[0], .size = 0), 0);
    assert_int_equal(empty(fds[0]), 5);
    assert_int_equal(co_go(segments, .fd = fds[1], .count = 50), 0);
    assert_int_equal(run(exactly, .fd = fds[0], .size = 493), 493);
    assert_int_equal(run(exactly, .fd = fds[0], .size = 7), 7);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

static void an_end_before_is_ENODATA(void **state)
{
    (void)state;
    int fds[2];

    for (int count = 0; count < 3; count++) {
        meet_here(fds);
        assert_int_equal(co_go(segments, .fd = fds[1], .count = count, .close = 1), 0);
        assert_int_equal(run(exactly, .fd = fds[0], .size = 21), -ENODATA);
        co_fd_close(fds[0]);
    }
}

static void what_is_no_socket_is_refused(void **state)
{
    (void)state;
    int fds[2];

    one_way(fds);
    assert_int_equal(run(exactly, .fd = fds[0], .size = 1), -ENOTSOCK);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
    assert_int_equal(run(exactly, .fd = fds[0], .size = 1), -EBADF);
}

/* ---- Nothing --------------------------------------------------------------------------------- */

/* After a short read, when there is nothing more. */
struct nothing { co_frame; int fds[2]; intptr_t n; struct co_within slot; char buf[64]; };
static co_define(nothing)
{
    co_begin;
    check_equal(co_fd_pair(self->fds), 0);
    check_equal(write(self->fds[1], "header", 6), 6);
    co_try(self->n, co_recv(self->fds[0], self->buf, sizeof self->buf));
    check_equal(self->n, 6);
    co_await(self->n, co_within(&self->slot, 1, co_recv_exact(self->fds[0], self->buf, 0)));
    check_equal(self->n, 0);
    check_equal(write(self->fds[1], "header", 6), 6);
    co_try(self->n, co_recv(self->fds[0], self->buf, sizeof self->buf));
    co_await(self->n, co_within(&self->slot, 1, co_read(self->fds[0], self->buf, 0)));
    check_equal(self->n, 0);
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void an_op_of_no_bytes_waits_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(nothing), 0);
}

/* ---- Files ----------------------------------------------------------------------------------- */

enum { FILE_SIZE = 3000000 };

/* Sends the part of the file that begins at [offset], and closes. */
struct send_part {
    co_frame;
    int fd, file;
    int64_t offset;
    size_t size;
    struct co_sendfile slot;
    intptr_t n;
};
static co_define(send_part)
{
    co_begin;
    co_try(self->n, co_sendfile(self->fd, &self->slot, self->file, self->offset, self->size));
    check_equal(self->slot.done, self->n);
    co_return(self->n);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* Wants [wanted] bytes, as they lie in the file from [offset], and the end. */
struct receive_part { co_frame; int fd; size_t offset, wanted, got; intptr_t n; char buf[65536]; };
static co_define(receive_part)
{
    co_begin;
    for (;;) {
        co_try(self->n, co_recv(self->fd, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        for (intptr_t i = 0; i < self->n; i++, self->got++)
            if (self->buf[i] != (char)((self->offset + self->got) % 251))
                co_return(-EIO);
    }
    co_return(self->got == self->wanted ? 0 : -EPROTO);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static int file_make(void)
{
    FILE *file = tmpfile();
    int fd;

    assert_non_null(file);
    for (size_t i = 0; i < FILE_SIZE; i++)
        putc((char)(i % 251), file);
    assert_int_equal(fflush(file), 0);
    fd = dup(fileno(file));
    fclose(file);
    return fd;
}

static void sends_part(int file, int64_t offset, size_t size, size_t wanted)
{
    struct co_task *sender, *receiver;
    int fds[2];

    assert_int_equal(co_fd_pair(fds), 0);
    sender = co_spawn(send_part, .fd = fds[0], .file = file, .offset = offset, .size = size);
    receiver = co_spawn(receive_part, .fd = fds[1], .offset = (size_t)offset, .wanted = wanted);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(sender), wanted);
    assert_int_equal(co_task_result(receiver), 0);
    co_task_free(sender);
    co_task_free(receiver);
}

static void a_file_is_sent_whole_or_in_part(void **state)
{
    (void)state;
    int file = file_make();

    sends_part(file, 0, FILE_SIZE, FILE_SIZE);
    sends_part(file, 12345, 54321, 54321);
    sends_part(file, 0, 0, 0);
    sends_part(file, FILE_SIZE - 10, 1000, 10);         /* the file ends before */
    sends_part(file, FILE_SIZE + 10, 1000, 0);
    close(file);
}

static void a_file_that_cannot_be_sent_is_an_error(void **state)
{
    (void)state;
    int fds[2], file = file_make(), ends[2];

    assert_int_equal(co_fd_pair(fds), 0);
    assert_int_equal(run(send_part, .fd = fds[0], .file = -1, .size = 1), -EBADF);
    co_fd_close(fds[1]);
    assert_int_equal(co_fd_pair(fds), 0);
    assert_int_equal(co_fd_pipe(ends), 0);
    assert_int_equal(run(send_part, .fd = fds[0], .file = ends[0], .size = 1), -ESPIPE);
    co_fd_close(fds[1]);
    co_fd_close(ends[0]);
    co_fd_close(ends[1]);
    assert_int_equal(co_fd_pair(fds), 0);
    co_fd_close(fds[1]);
    assert_int_equal(run(send_part, .fd = fds[0], .file = file, .size = 10), -EPIPE);
    close(file);
}

struct hurried_part { co_frame; int fd, file; struct co_sendfile slot; struct co_within within; };
static co_define(hurried_part)
{
    co_begin;
    co_try(co_within(&self->within, 0.02,
                     co_sendfile(self->fd, &self->slot, self->file, 0, FILE_SIZE)));
    co_finally;
    check(self->slot.done > 0 && self->slot.done < FILE_SIZE);
    co_end;
}

static void a_file_that_nobody_takes_meets_its_deadline_and_tells_how_much_went(void **state)
{
    (void)state;
    int fds[2], file = file_make();

    assert_int_equal(co_fd_pair(fds), 0);
    assert_int_equal(run(hurried_part, .fd = fds[0], .file = file), -ETIMEDOUT);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
    close(file);
}

static const struct CMUnitTest tests[] = {
    TEST(an_op_of_no_bytes_waits_for_nothing),
    TEST(a_file_is_sent_whole_or_in_part),
    TEST(a_file_that_cannot_be_sent_is_an_error),
    TEST(a_file_that_nobody_takes_meets_its_deadline_and_tells_how_much_went),
    TEST(it_listens_on_a_numeric_address_or_localhost),
    TEST(a_name_or_nonsense_is_no_address_to_listen_on),
    TEST(a_port_out_of_range_is_EINVAL),
    TEST(a_port_in_use_is_EADDRINUSE),
    TEST(TCP_REUSEPORT_lets_two_listen_on_one_port),
    TEST(tcp_port_says_why_not),
    TEST(both_ends_are_non_blocking_close_on_exec_and_without_delay),
    TEST(connecting_to_nobody_is_ECONNREFUSED),
    TEST(connecting_to_a_name_that_is_none_is_ENOENT),
    TEST(connecting_to_no_address_is_EINVAL),
    TEST(a_port_can_be_listened_on_again_at_once),
    TEST(a_connect_that_takes_too_long_leaves_no_fd),
    TEST(a_connect_that_is_cancelled_leaves_no_fd),
    TEST(a_connect_that_is_cancelled_as_it_ends_gives_its_fd_or_closes_it),
    TEST(an_accept_that_is_cancelled_loses_no_peer),
    TEST(accepting_on_what_does_not_listen_is_an_error),
    TEST(an_echo_serves_many_clients),
    TEST(an_echo_serves_one_byte_at_a_time),
    TEST(co_send_all_sends_all_to_a_slow_reader),
    TEST(a_send_to_a_reader_that_stopped_can_be_given_up),
    TEST(half_a_connection_can_end),
    TEST(a_reset_in_mid_request_is_ECONNRESET),
    TEST(a_reset_while_sending_is_an_error),
    TEST(sending_to_a_peer_that_is_gone_is_EPIPE_or_ECONNRESET_and_kills_nobody),
    TEST(a_peer_that_went_before_it_was_accepted_ends_its_session_alone),
    TEST(a_listener_that_is_closed_wakes_its_accept_with_EBADF),
    TEST(co_recv_exact_takes_so_many_bytes_and_no_more),
    TEST(an_end_before_is_ENODATA),
    TEST(what_is_no_socket_is_refused),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
