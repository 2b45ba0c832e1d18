/* SPDX-License-Identifier: BSD-2-Clause
 * datagram.c: tests of UDP: opening, sending, receiving, and what gets lost and what does not. */
#include "loop_test.h"

#include <errno.h>
#include <netinet/in.h>

/* ---- Opening --------------------------------------------------------------------------------- */

static void opens_on(const char *host)
{
    int fd = co_udp_open(host, 0, 0);

    assert_true(fd >= 0);
    assert_in_range(co_tcp_port(fd), 1, 65535);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(co_fd_close(fd), 0);
}

static void it_opens_on_a_numeric_address_or_localhost(void **state)
{
    (void)state;
    opens_on(NULL);
    opens_on("127.0.0.1");
    opens_on("localhost");
}

static void an_address_that_is_none_is_EINVAL(void **state)
{
    (void)state;
    struct co_datagram to;

    assert_int_equal(co_udp_open("example.com", 0, 0), -EINVAL);
    assert_int_equal(co_udp_open("", 0, 0), -EINVAL);
    assert_int_equal(co_udp_open(NULL, -1, 0), -EINVAL);
    assert_int_equal(co_udp_open(NULL, 65536, 0), -EINVAL);
    assert_int_equal(co_datagram_to(&to, "example.com", 1), -EINVAL);
    assert_int_equal(co_datagram_to(&to, NULL, 65536), -EINVAL);
}

static void a_port_in_use_is_EADDRINUSE_unless_both_share_it(void **state)
{
    (void)state;
    int first = co_udp_open(NULL, 0, 0), second;

    assert_int_equal(co_udp_open(NULL, co_tcp_port(first), 0), -EADDRINUSE);
    assert_int_equal(co_udp_open(NULL, co_tcp_port(first), CO_TCP_REUSEPORT), -EADDRINUSE);
    co_fd_close(first);
    first = co_udp_open(NULL, 0, CO_TCP_REUSEPORT);
    second = co_udp_open(NULL, co_tcp_port(first), CO_TCP_REUSEPORT);
    assert_true(second >= 0);
    co_fd_close(first);
    co_fd_close(second);
}

/* ---- There and back -------------------------------------------------------------------------- */

/* Sends each datagram back to where it came from, [left] times. */
struct echo { co_frame; int fd, left; struct co_datagram d; intptr_t n; char buf[2000]; };
static co_define(echo)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        self->d.data = self->buf;
        self->d.size = sizeof self->buf;
        co_try(self->n, co_recvfrom(self->fd, &self->d));
        self->d.size = (size_t)self->n;
        co_try(self->n, co_sendto(self->fd, &self->d));
        check_equal(self->n, self->d.size);
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* Sends [rounds] datagrams of growing size to [port], and wants each back from there. */
struct caller {
    co_frame;
    int port, rounds, fd, i;
    struct co_datagram out, in;
    intptr_t n;
    char sent[1000], got[1000];
};
static co_define(caller)
{
    co_begin;
    self->fd = co_udp_open(NULL, 0, 0);
    for (; self->i < self->rounds; self->i++) {
        self->out.data = self->sent;
        self->out.size = (size_t)self->i * 7 % 1000;
        memset(self->sent, self->fd + self->i, sizeof self->sent);
        check_equal(co_datagram_to(&self->out, NULL, self->port), 0);
        co_try(self->n, co_sendto(self->fd, &self->out));
        check_equal(self->n, self->out.size);
        self->in.data = self->got;
        self->in.size = sizeof self->got;
        co_try(self->n, co_recvfrom(self->fd, &self->in));
        check_equal(self->n, self->out.size);
        check(memcmp(self->got, self->sent, (size_t)self->n) == 0);
        check_equal(self->in.peer_size, self->out.peer_size);
        check_equal(ntohs(((struct sockaddr_in *)&self->in.peer)->sin_port), self->port);
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void a_datagram_comes_back_from_where_it_went(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);

    assert_int_equal(co_go(echo, .fd = fd, .left = 150), 0);
    assert_int_equal(run(caller, .port = co_tcp_port(fd), .rounds = 150), 0);
}

static void one_socket_serves_many_peers(void **state)
{
    (void)state;
    struct co_task *callers[60];
    int fd = co_udp_open(NULL, 0, 0), n = sized(60, 10);

    assert_int_equal(co_go(echo, .fd = fd, .left = n * 20), 0);
    for (int i = 0; i < n; i++)
        callers[i] = co_spawn(caller, .port = co_tcp_port(fd), .rounds = 20);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(co_task_result(callers[i]), 0);
        co_task_free(callers[i]);
    }
    assert_int_equal(failures_, 0);
}

/* ---- Many in one system call ----------------------------------------------------------------- */

enum { MANY = 150, EACH = 40 };

static void many_init(struct co_datagram *d, char (*room)[EACH], int port)
{
    for (int i = 0; i < MANY; i++) {
        d[i] = (struct co_datagram){ .data = room[i], .size = EACH };
        assert_int_equal(co_datagram_to(&d[i], NULL, port), 0);
    }
}

/* Receives [left] datagrams, number i being of i % EACH bytes of value i. */
struct collect { co_frame; int fd, left, next; intptr_t n; struct co_datagram *d; };
static co_define(collect)
{
    co_begin;
    while (self->left > 0) {
        co_try(self->n, co_recvmmsg(self->fd, self->d, MANY));
        check(self->n >= 1);
        for (int i = 0; i < self->n; i++, self->next++) {
            check_equal(self->d[i].length, self->next % EACH);
            check(self->next % EACH == 0 || *(unsigned char *)self->d[i].data == self->next);
            check(self->d[i].peer_size == sizeof(struct sockaddr_in));
        }
        self->left -= (int)self->n;
    }
    co_end;
}

struct scatter { co_frame; int fd; struct co_datagram *d; int pieces, at; intptr_t n; };
static co_define(scatter)
{
    co_begin;
    for (self->at = 0; self->at < MANY; self->at += (int)self->n) {
        self->n = MANY - self->at < self->pieces ? MANY - self->at : self->pieces;
        co_try(self->n, co_sendmmsg(self->fd, self->d + self->at, (size_t)self->n));
        co_pause;
    }
    co_return(self->at);
    co_end;
}

/* [pieces] are sent with a call; on the loopback, in order and without a loss. */
static void there_and_back(int pieces)
{
    static struct co_datagram in[MANY], out[MANY];
    static char got[MANY][EACH], sent[MANY][EACH];
    int from = co_udp_open(NULL, 0, 0), to = co_udp_open(NULL, 0, 0);
    struct co_task *tasks[2];

    many_init(in, got, 1);
    many_init(out, sent, co_tcp_port(to));
    for (int i = 0; i < MANY; i++) {
        memset(sent[i], i, EACH);
        out[i].size = (size_t)(i % EACH);
    }
    tasks[0] = co_spawn(collect, .fd = to, .left = MANY, .d = in);
    tasks[1] = co_spawn(scatter, .fd = from, .d = out, .pieces = pieces);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(failures_, 0);
    assert_int_equal(co_task_result(tasks[0]), 0);
    assert_int_equal(co_task_result(tasks[1]), MANY);
    co_task_free(tasks[0]);
    co_task_free(tasks[1]);
    co_fd_close(from);
    co_fd_close(to);
}

static void many_datagrams_go_and_come_with_one_call(void **state)
{
    (void)state;
    there_and_back(MANY);
    there_and_back(64);
    there_and_back(3);
    there_and_back(1);
}

/* Two datagrams, the second of them too long for its room; then none, until the deadline. */
struct pair { co_frame; int fd; intptr_t n; struct co_datagram d[3]; struct co_within slot; };
static co_define(pair)
{
    static char room[3][4];

    co_begin;
    for (int i = 0; i < 3; i++)
        self->d[i] = (struct co_datagram){ .data = room[i], .size = sizeof room[i] };
    co_try(self->n, co_recvmmsg(self->fd, self->d, 3));
    check_equal(self->n, 2);
    check_equal(self->d[0].length, 2);
    check_equal(self->d[1].length, 9);
    co_await(self->n, co_within(&self->slot, 0.01, co_recvmmsg(self->fd, self->d, 3)));
    check_equal(self->n, -ETIMEDOUT);
    co_try(self->n, co_recvmmsg(self->fd, self->d, 3));
    check_equal(self->n, 1);
    check_equal(self->d[0].length, 3);
    co_end;
}

struct late_one { co_frame; int fd; const struct co_datagram *d; };
static co_define(late_one)
{
    co_begin;
    co_try(co_sleep(0.03));
    co_try(co_sendto(self->fd, self->d));
    co_end;
}

static void what_was_cut_tells_its_size_and_a_deadline_loses_none(void **state)
{
    (void)state;
    struct co_datagram out[3] = { { .data = "ab", .size = 2 }, { .data = "123456789", .size = 9 },
                                  { .data = "xyz", .size = 3 } };
    int from = co_udp_open(NULL, 0, 0), to = co_udp_open(NULL, 0, 0);

    for (int i = 0; i < 3; i++)
        assert_int_equal(co_datagram_to(&out[i], NULL, co_tcp_port(to)), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sendto(from, out[i].data, out[i].size, 0,
                                (struct sockaddr *)&out[i].peer, out[i].peer_size),
                         out[i].size);
    assert_int_equal(co_go(late_one, .fd = from, .d = &out[2]), 0);
    assert_int_equal(run(pair, .fd = to), 0);
    co_fd_close(from);
    co_fd_close(to);
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

struct get { co_frame; int fd; size_t size; struct co_datagram d; intptr_t n; char buf[16]; };
static co_define(get)
{
    co_begin;
    memset(self->buf, '.', sizeof self->buf);
    self->d = (struct co_datagram){ .data = self->buf, .size = self->size };
    co_await(self->n, co_recvfrom(self->fd, &self->d));
    co_return(self->n);
    co_end;
}

struct give {
    co_frame;
    int fd, port;
    const void *data;
    size_t size;
    struct co_datagram d;
    intptr_t n;
};
static co_define(give)
{
    co_begin;
    self->d.data = (void *)(uintptr_t)self->data;
    self->d.size = self->size;
    check_equal(co_datagram_to(&self->d, NULL, self->port), 0);
    co_await(self->n, co_sendto(self->fd, &self->d));
    co_return(self->n);
    co_end;
}

/* What is received in a buffer of [room] bytes. */
static void arrives(int fd, const char *sent, size_t room, const char *got)
{
    size_t length = strlen(sent);
    struct co_task *task;

    assert_int_equal(run(give, .fd = fd, .port = co_tcp_port(fd), .data = sent, .size = length),
                     length);
    task = co_spawn(get, .fd = fd, .size = room);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), length);
    assert_memory_equal(CO_TASK_FRAME(task, get)->buf, got, 16);
    co_task_free(task);
}

static void a_datagram_that_was_cut_tells_its_whole_size(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);

    arrives(fd, "0123456789", 10, "0123456789......");
    arrives(fd, "0123456789", 9, "012345678.......");
    arrives(fd, "0123456789", 1, "0...............");
    arrives(fd, "0123456789", 0, "................");
    arrives(fd, "ab", 16, "ab..............");           /* the rest has not come after all */
    co_fd_close(fd);
}

static void a_datagram_may_be_empty_and_is_no_end(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);

    arrives(fd, "", 16, "................");
    arrives(fd, "", 0, "................");
    arrives(fd, "more", 16, "more............");
    co_fd_close(fd);
}

static void a_datagram_that_is_too_large_is_EMSGSIZE(void **state)
{
    (void)state;
    static const char large[70000];
    int fd = co_udp_open(NULL, 0, 0);

    assert_int_equal(run(give, .fd = fd, .port = co_tcp_port(fd), .data = large,
                         .size = sizeof large), -EMSGSIZE);
    arrives(fd, "small", 16, "small...........");
    co_fd_close(fd);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

struct canceller { co_frame; struct co_task *task; int turns; };
static co_define(canceller)
{
    co_begin;
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    co_cancel(self->task);
    co_end;
}

static void a_receive_that_is_cancelled_loses_no_datagram(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0), port = co_tcp_port(fd);

    for (int turns = 0; turns < 6; turns++) {
        struct co_task *task = co_spawn(get, .fd = fd, .size = 16);

        assert_int_equal(co_go(canceller, .task = task, .turns = turns), 0);
        assert_int_equal(co_go(give, .fd = fd, .port = port, .data = "once", .size = 4), 0);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
        if (co_task_result(task) == -ECANCELED)
            assert_int_equal(run(get, .fd = fd, .size = 16), 4);
        else
            assert_int_equal(co_task_result(task), 4);
        co_task_free(task);
        assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
    }
    co_fd_close(fd);
}

struct patient {
    co_frame;
    int fd;
    struct co_within slot;
    struct co_datagram d;
    intptr_t n;
    char buf[4];
};
static co_define(patient)
{
    co_begin;
    self->d = (struct co_datagram){ .data = self->buf, .size = 4 };
    co_await(self->n, co_within(&self->slot, 0.02, co_recvfrom(self->fd, &self->d)));
    check_equal(self->n, -ETIMEDOUT);
    co_await(self->n, co_within(&self->slot, 0.02, co_recvfrom(self->fd, &self->d)));
    co_return(self->n);
    co_end;
}

static void a_receive_has_a_deadline(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);

    assert_int_equal(run(patient, .fd = fd), -ETIMEDOUT);
    co_fd_close(fd);
}

/* ---- Full, refused, misused ------------------------------------------------------------------ */

/* Fills the queue of a socket that loses nothing, with [count] sends to it. */
struct floods { co_frame; int fd, count, done; struct co_datagram d; intptr_t n; };
static co_define(floods)
{
    co_begin;
    for (; self->done < self->count; self->done++) {
        self->d.data = &self->done;
        self->d.size = sizeof self->done;
        co_try(self->n, co_sendto(self->fd, &self->d));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct reads { co_frame; int fd, count, i, got; struct co_datagram d; intptr_t n; };
static co_define(reads)
{
    co_begin;
    co_try(co_sleep(0.01));
    for (; self->i < self->count; self->i++) {
        self->d.data = &self->got;
        self->d.size = sizeof self->got;
        co_try(self->n, co_recvfrom(self->fd, &self->d));
        check_equal(self->got, self->i);
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void a_send_waits_for_room(void **state)
{
    (void)state;
    struct co_task *task;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    task = co_spawn(floods, .fd = fds[0], .count = 3000);
    assert_int_equal(run(reads, .fd = fds[1], .count = 3000), 0);
    assert_int_equal(co_task_result(task), 0);
    co_task_free(task);
}

/* A port that nobody has. */
static int nobody(void)
{
    int fd = co_udp_open(NULL, 0, 0), port = co_tcp_port(fd);

    co_fd_close(fd);
    return port;
}

static void a_port_that_refuses_disturbs_no_other_peer(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);

    for (int i = 0; i < 5; i++) {
        assert_int_equal(run(give, .fd = fd, .port = nobody(), .data = "lost", .size = 4), 4);
        arrives(fd, "found", 16, "found...........");
    }
    co_fd_close(fd);
}

static void a_port_that_refuses_is_told_to_a_connected_socket(void **state)
{
    (void)state;
    struct co_datagram to;
    int fd = co_udp_open(NULL, 0, 0);
    struct co_task *task;

    assert_int_equal(co_datagram_to(&to, NULL, nobody()), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to.peer, to.peer_size), 0);
    task = co_spawn(get, .fd = fd, .size = 16);
    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_int_equal(run_(task), -ECONNREFUSED);
    co_fd_close(fd);
}

static void what_is_no_socket_is_refused(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(co_fd_pipe(fds), 0);
    assert_int_equal(run(get, .fd = fds[0], .size = 1), -ENOTSOCK);
    assert_int_equal(run(give, .fd = fds[1], .port = 1, .data = "x", .size = 1), -ENOTSOCK);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
    assert_int_equal(run(get, .fd = fds[0], .size = 1), -EBADF);
    assert_int_equal(run(give, .fd = fds[1], .port = 1, .data = "x", .size = 1), -EBADF);
}

static void a_second_receive_at_once_gets_EBUSY(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);
    struct co_task *first = co_spawn(get, .fd = fd, .size = 16);

    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    assert_int_equal(co_go(give, .fd = fd, .port = co_tcp_port(fd), .data = "one", .size = 3), 0);
    assert_int_equal(run(get, .fd = fd, .size = 16), -EBUSY);
    assert_int_equal(co_task_result(first), 3);
    co_task_free(first);
    co_fd_close(fd);
}

static void a_socket_that_is_closed_wakes_its_receiver_with_EBADF(void **state)
{
    (void)state;
    int fd = co_udp_open(NULL, 0, 0);
    struct co_task *task = co_spawn(get, .fd = fd, .size = 16);

    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    co_fd_close(fd);
    assert_int_equal(run_(task), -EBADF);
}

static const struct CMUnitTest tests[] = {
    TEST(it_opens_on_a_numeric_address_or_localhost),
    TEST(an_address_that_is_none_is_EINVAL),
    TEST(a_port_in_use_is_EADDRINUSE_unless_both_share_it),
    TEST(a_datagram_comes_back_from_where_it_went),
    TEST(one_socket_serves_many_peers),
    TEST(many_datagrams_go_and_come_with_one_call),
    TEST(what_was_cut_tells_its_size_and_a_deadline_loses_none),
    TEST(a_datagram_that_was_cut_tells_its_whole_size),
    TEST(a_datagram_may_be_empty_and_is_no_end),
    TEST(a_datagram_that_is_too_large_is_EMSGSIZE),
    TEST(a_receive_that_is_cancelled_loses_no_datagram),
    TEST(a_receive_has_a_deadline),
    TEST(a_send_waits_for_room),
    TEST(a_port_that_refuses_disturbs_no_other_peer),
    TEST(a_port_that_refuses_is_told_to_a_connected_socket),
    TEST(what_is_no_socket_is_refused),
    TEST(a_second_receive_at_once_gets_EBUSY),
    TEST(a_socket_that_is_closed_wakes_its_receiver_with_EBADF),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
