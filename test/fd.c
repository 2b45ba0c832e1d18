/* SPDX-License-Identifier: BSD-2-Clause
 * fd.c: tests of the ops on fds: what they return and refuse, two directions, cancel. Closing is
 * tested in fd_close.c, and what must not spin in fd_spin.c. */
#include "fd_test.h"

#include <limits.h>

/* ---- Reading and writing --------------------------------------------------------------------- */

struct through { co_frame; int fds[2]; intptr_t n; char buf[8]; struct co_task *writer; };
static co_define(through)
{
    co_begin;
    self->writer = co_spawn(one, .op = WRITE, .fd = self->fds[1]);
    co_await(self->n, co_read(self->fds[0], self->buf, 8));     /* waits for the writer */
    check_equal(self->n, 8);
    check(memcmp(self->buf, "01234567", 8) == 0);
    co_await(self->n, co_read(self->fds[0], self->buf, 8));     /* is there */
    check_equal(self->n, 8);
    check(memcmp(self->buf, "89abcdef", 8) == 0);
    co_await(self->n, co_join(self->writer));
    check_equal(self->n, 16);
    put(self->fds[1], "xyz");
    co_await(self->n, co_read(self->fds[0], self->buf, 8));
    check_equal(self->n, 3);
    co_fd_close(self->fds[1]);
    co_await(self->n, co_read(self->fds[0], self->buf, 8));
    check_equal(self->n, 0);
    co_await(self->n, co_read(self->fds[0], self->buf, 8));     /* once more: the same answer */
    check_equal(self->n, 0);
    co_await(self->n, co_readable(self->fds[0]));               /* the end can be read too */
    check_equal(self->n, 0);
    co_fd_close(self->fds[0]);
    co_task_free(self->writer);
    co_end;
}

static void what_is_written_to_a_pipe_is_read_and_then_its_end(void **state)
{
    (void)state;
    int fds[2];

    one_way(fds);
    run(through, .fds = { fds[0], fds[1] });
}

static void a_socket_does_as_well(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(through, .fds = { fds[0], fds[1] });
}

struct size_0 { co_frame; int fds[2]; intptr_t n; };
static co_define(size_0)
{
    co_begin;
    co_await(self->n, co_read(self->fds[0], NULL, 0));
    check_equal(self->n, 0);
    co_await(self->n, co_write(self->fds[1], NULL, 0));
    check_equal(self->n, 0);
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void nothing_is_read_and_written_at_once(void **state)
{
    (void)state;
    int fds[2];

    one_way(fds);
    run(size_0, .fds = { fds[0], fds[1] });
}

struct patient {
    co_frame;
    int fds[2];
    enum op ready, go;
    struct co_task *task;
    intptr_t n;
    size_t full;
};
static co_define(patient)
{
    co_begin;
    self->full = fill(self->fds[1]);
    self->task = co_spawn(one, .op = self->ready, .fd = self->fds[self->ready == WRITABLE]);
    if (self->ready == READABLE)
        check_equal(empty(self->fds[0]), self->full);
    co_try(co_sleep(0.02));
    check_equal(co_task_state(self->task), CO_TASK_PENDING);
    if (self->ready == READABLE)
        put(self->fds[1], "now");
    else
        check_equal(empty(self->fds[0]), self->full);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, 0);
    co_task_free(self->task);
    self->task = co_spawn(one, .op = self->go, .fd = self->fds[self->go == WRITE]);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, self->go == WRITE ? 16 : 3);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void co_readable_waits_until_something_is_there_and_takes_nothing(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(patient, .fds = { fds[0], fds[1] }, .ready = READABLE, .go = READ);
}

static void co_writable_waits_until_there_is_room(void **state)
{
    (void)state;
    int fds[2];

    one_way(fds);
    run(patient, .fds = { fds[0], fds[1] }, .ready = WRITABLE, .go = WRITE);
}

/* Bulk: each co_write is partial, each co_read short or full as it comes. With [half] the fd stays
 * open for the other direction. */
struct source { co_frame; int fd, half; size_t size, done; intptr_t n; unsigned char buf[10000]; };
static co_define(source)
{
    co_begin;
    while (self->done < self->size) {
        for (size_t i = 0; i < sizeof self->buf; i++)
            self->buf[i] = (unsigned char)((self->done + i) % 251);
        co_try(self->n, co_write(self->fd, self->buf,
                                 self->size - self->done < sizeof self->buf
                                     ? self->size - self->done : sizeof self->buf));
        check(self->n > 0);
        self->done += (size_t)self->n;
    }
    co_finally;
    if (self->half)
        shutdown(self->fd, SHUT_WR);
    else
        co_fd_close(self->fd);
    co_end;
}

struct sink { co_frame; int fd, half; size_t done; intptr_t n; unsigned char buf[7777]; };
static co_define(sink)
{
    co_begin;
    for (;;) {
        co_try(self->n, co_read(self->fd, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        for (intptr_t i = 0; i < self->n; i++, self->done++)
            if (self->buf[i] != self->done % 251) {
                check_equal(self->buf[i], self->done % 251);
                co_return(-EILSEQ);
            }
    }
    co_return(self->done);
    co_finally;
    if (!self->half)
        co_fd_close(self->fd);
    co_end;
}

static void megabytes_go_through_whole_and_in_order(void **state)
{
    (void)state;
    int fds[2];
    size_t size = (size_t)sized(5000000, 300000);

    pair(fds);
    assert_int_equal(co_go(source, .fd = fds[0], .size = size), 0);
    assert_int_equal(run(sink, .fd = fds[1]), size);
    one_way(fds);
    assert_int_equal(co_go(source, .fd = fds[1], .size = size), 0);
    assert_int_equal(run(sink, .fd = fds[0]), size);
}

struct gone { co_frame; int fds[2]; intptr_t n; };
static co_define(gone)
{
    co_begin;
    co_fd_close(self->fds[0]);
    co_await(self->n, co_write(self->fds[1], "x", 1));
    check_equal(self->n, -EPIPE);
    co_await(self->n, co_writable(self->fds[1]));
    check_equal(self->n, 0);                    /* a write would not wait */
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_write_that_nobody_can_read_gives_EPIPE(void **state)
{
    (void)state;
    int fds[2];

    one_way(fds);
    run(gone, .fds = { fds[0], fds[1] });
    pair(fds);
    run(gone, .fds = { fds[0], fds[1] });
}

/* ---- What is refused ------------------------------------------------------------------------- */

struct refused { co_frame; int fd; intptr_t error; struct co_task *task; enum op op; intptr_t n; };
static co_define(refused)
{
    co_begin;
    for (self->op = READABLE; self->op < OPS; self->op++) {
        self->task = co_spawn(one, .op = self->op, .fd = self->fd);
        co_await(self->n, co_join(self->task));
        check_equal(self->n, self->error);
        co_task_free(self->task);
    }
    co_end;
}

static void an_fd_that_never_was_gives_EBADF(void **state)
{
    (void)state;
    run(refused, .fd = -1, .error = -EBADF);
    run(refused, .fd = INT_MIN, .error = -EBADF);
    run(refused, .fd = 2000, .error = -EBADF);
    run(refused, .fd = 1000000, .error = -EBADF);
    run(refused, .fd = INT_MAX, .error = -EBADF);
}

static void a_closed_fd_gives_EBADF(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    close(fds[0]);
    run(refused, .fd = fds[0], .error = -EBADF);
    co_fd_close(fds[1]);
    run(refused, .fd = fds[1], .error = -EBADF);
    pair(fds);
    run(through, .fds = { fds[0], fds[1] });            /* awaited, then closed */
    run(refused, .fd = fds[0], .error = -EBADF);
    run(refused, .fd = fds[1], .error = -EBADF);
}

static void a_regular_file_gives_EPERM(void **state)
{
    (void)state;
    FILE *file = tmpfile();

    assert_non_null(file);
    run(refused, .fd = fileno(file), .error = -EPERM);
    fclose(file);
}

static void a_directory_gives_EPERM(void **state)
{
    (void)state;
    int fd = open("/", O_RDONLY);

    run(refused, .fd = fd, .error = -EPERM);
    close(fd);
}

static void a_number_that_was_a_file_can_be_a_socket(void **state)
{
    (void)state;
    int fds[2];
    int fd = open("/", O_RDONLY);

    run(refused, .fd = fd, .error = -EPERM);
    close(fd);
    pair(fds);
    assert_int_equal(fds[0], fd);
    run(through, .fds = { fds[0], fds[1] });
}

static void a_device_that_never_waits_is_ready(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDWR | O_NONBLOCK);

    assert_int_equal(run(one, .op = READABLE, .fd = fd), 0);
    assert_int_equal(run(one, .op = WRITABLE, .fd = fd), 0);
    assert_int_equal(run(one, .op = READ, .fd = fd), 0);
    assert_int_equal(run(one, .op = READ, .fd = fd), 0);
    assert_int_equal(run(one, .op = WRITE, .fd = fd), 16);
    co_fd_close(fd);
}

static void fd_nonblock_makes_it_so_or_says_why_not(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(co_fd_nonblock(-1), -EBADF);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(co_fd_nonblock(fds[0]), 0);
    assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    close(fds[0]);
    close(fds[1]);
}

/* ---- Two directions, one waiter each --------------------------------------------------------- */

struct busy { co_frame; int fds[2]; struct co_task *tasks[4]; intptr_t n; size_t full; };
static co_define(busy)
{
    co_begin;
    self->full = fill(self->fds[0]);
    for (int i = 0; i < 4; i++)             /* a reader and a writer, then one more of each */
        self->tasks[i] = co_spawn(one, .op = i % 2 ? WRITE : READ, .fd = self->fds[0]);
    for (int i = 0; i < 4; i++)
        check_equal(co_task_state(self->tasks[i]), CO_TASK_PENDING);
    co_try(co_sleep(0));
    check_equal(co_task_result(self->tasks[0]), -EINPROGRESS);
    check_equal(co_task_result(self->tasks[1]), -EINPROGRESS);
    check_equal(co_task_result(self->tasks[2]), -EBUSY);
    check_equal(co_task_result(self->tasks[3]), -EBUSY);
    co_await(self->n, co_readable(self->fds[0]));
    check_equal(self->n, -EBUSY);
    co_await(self->n, co_writable(self->fds[0]));
    check_equal(self->n, -EBUSY);
    put(self->fds[1], "abc");
    co_await(self->n, co_join(self->tasks[0]));
    check_equal(self->n, 3);
    check_equal(co_task_result(self->tasks[1]), -EINPROGRESS);
    check_equal(empty(self->fds[1]), self->full);
    co_await(self->n, co_join(self->tasks[1]));
    check_equal(self->n, 16);
    co_await(self->n, co_writable(self->fds[0]));       /* free again */
    check_equal(self->n, 0);
    co_finally;
    for (int i = 0; i < 4; i++)
        co_task_free(self->tasks[i]);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_second_reader_or_writer_gets_EBUSY_and_disturbs_nobody(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(busy, .fds = { fds[0], fds[1] });
}

/* Both ends write and read much at once; the buffers are full most of the time. */
static void a_reader_and_a_writer_work_on_one_fd_at_once(void **state)
{
    (void)state;
    int fds[2];
    size_t size = (size_t)sized(1000000, 200000);
    struct co_task *sinks[2];

    pair(fds);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(co_go(source, .fd = fds[i], .half = 1, .size = size), 0);
        sinks[i] = co_spawn(sink, .fd = fds[i], .half = 1);
    }
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(co_task_result(sinks[i]), size);
        co_task_free(sinks[i]);
        co_fd_close(fds[i]);
    }
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

struct twice { co_frame; int fd; intptr_t first, second; char buf[16]; };
static co_define(twice)
{
    co_begin;
    co_await(self->first, co_read(self->fd, self->buf, sizeof self->buf));
    co_await(self->second, co_read(self->fd, self->buf, sizeof self->buf));
    co_end;
}

/* [turns] lie between the data and the cancel; [before]: the cancel comes first. */
struct cancelled {
    co_frame;
    int fds[2], turns, before;
    struct co_task *task;
    intptr_t n;
    char buf[16];
};
static co_define(cancelled)
{
    co_begin;
    self->task = co_spawn(twice, .fd = self->fds[0]);
    co_try(co_sleep(0.01));
    if (self->before)
        co_cancel(self->task);
    put(self->fds[1], "hello");
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    if (!self->before)
        co_cancel(self->task);
    put(self->fds[1], "world");
    co_try(co_join(self->task));
    if (CO_TASK_FRAME(self->task, twice)->first >= 0) { /* the data came first, the cancel next */
        check(memcmp(CO_TASK_FRAME(self->task, twice)->buf, "hello", 5) == 0);
        check_equal(CO_TASK_FRAME(self->task, twice)->first, 5);
        check_equal(CO_TASK_FRAME(self->task, twice)->second, -ECANCELED);
        co_await(self->n, co_read(self->fds[0], self->buf, sizeof self->buf));
        check_equal(self->n, 5);
        check(memcmp(self->buf, "world", 5) == 0);
    } else {
        check_equal(CO_TASK_FRAME(self->task, twice)->first, -ECANCELED);
        self->n = CO_TASK_FRAME(self->task, twice)->second;        /* one read, or its first half */
        check(self->n == 10 || self->n == 5);
        check(memcmp(CO_TASK_FRAME(self->task, twice)->buf, "helloworld", (size_t)self->n) == 0);
        check_equal(empty(self->fds[0]), 10 - self->n);
    }
    co_return(CO_TASK_FRAME(self->task, twice)->first);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_cancelled_read_loses_no_byte(void **state)
{
    (void)state;
    int fds[2], kept = 0;

    for (int turns = 0; turns < 4; turns++) {
        pair(fds);
        kept += run(cancelled, .fds = { fds[0], fds[1] }, .turns = turns) == 5;
        pair(fds);
        assert_int_equal(run(cancelled, .fds = { fds[0], fds[1] }, .turns = turns, .before = 1),
                         -ECANCELED);
    }
    assert_true(kept > 0);              /* a read that was done gave its bytes */
}

struct unwritten { co_frame; int fds[2]; struct co_task *task; size_t full; intptr_t n; };
static co_define(unwritten)
{
    co_begin;
    self->full = fill(self->fds[1]);
    self->task = co_spawn(one, .op = WRITE, .fd = self->fds[1]);
    co_try(co_sleep(0.01));
    co_cancel(self->task);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, -ECANCELED);
    check_equal(empty(self->fds[0]), self->full);
    co_try(co_sleep(0.01));
    check_equal(empty(self->fds[0]), 0);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_cancelled_write_writes_nothing(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(unwritten, .fds = { fds[0], fds[1] });
}

struct late { co_frame; int fds[2]; struct co_within slot; intptr_t n; char buf[8]; };
static co_define(late)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, 0.01, co_read(self->fds[0], self->buf, 8)));
    check_equal(self->n, -ETIMEDOUT);
    put(self->fds[1], "there");
    co_await(self->n, co_within(&self->slot, 10, co_read(self->fds[0], self->buf, 8)));
    check_equal(self->n, 5);
    co_await(self->n, co_within(&self->slot, 0, co_read(self->fds[0], self->buf, 8)));
    check_equal(self->n, -ETIMEDOUT);
    put(self->fds[1], "again");
    co_await(self->n, co_within(&self->slot, 0.01, co_readable(self->fds[0])));
    check_equal(self->n, 0);
    check_equal(empty(self->fds[0]), 5);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_read_that_was_late_loses_no_byte(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(late, .fds = { fds[0], fds[1] });
}

struct asked { co_frame; int fds[2]; enum op op; struct co_task *task; intptr_t n; };
static co_define(asked)
{
    co_begin;
    put(self->fds[1], "there");
    for (self->op = READABLE; self->op < OPS; self->op++) {
        self->task = co_spawn(one, .op = self->op, .fd = self->fds[0]);
        co_cancel(self->task);
        co_await(self->n, co_join(self->task));
        check_equal(self->n, -ECANCELED);
        co_task_free(self->task);
    }
    check_equal(empty(self->fds[0]), 5);
    co_fd_close(self->fds[0]);
    check_equal(empty(self->fds[1]), 0);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_task_that_was_cancelled_before_does_nothing_on_the_fd(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(asked, .fds = { fds[0], fds[1] });
}

/* ---- Fairness -------------------------------------------------------------------------------- */

struct hog { co_frame; int fd, stop; intptr_t n; char buf[1]; };
static co_define(hog)
{
    co_begin;
    while (!self->stop)
        co_try(self->n, co_read(self->fd, self->buf, 1));
    co_end;
}

struct starved { co_frame; int fds[2]; struct co_task *hog; intptr_t n; };
static co_define(starved)
{
    co_begin;
    (void)fill(self->fds[1]);
    self->hog = co_spawn(hog, .fd = self->fds[0]);
    for (self->n = 0; self->n < 10; self->n++)
        co_try(co_sleep(0));
    self->n = (intptr_t)empty(self->fds[0]);
    check(self->n > 0);                     /* it had not read all before we ran again */
    CO_TASK_FRAME(self->hog, hog)->stop = 1;
    put(self->fds[1], "x");
    co_try(co_join(self->hog));
    co_finally;
    co_task_free(self->hog);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_task_that_always_finds_data_lets_the_others_run(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(starved, .fds = { fds[0], fds[1] });
}

/* ---- A deadline of 0 is a poll --------------------------------------------------------------- */

struct polls { co_frame; int fds[2]; struct co_within slot; intptr_t n; char buf[8]; };
static co_define(polls)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, 0, co_read(self->fds[0], self->buf, 8)));
    check_equal(self->n, -ETIMEDOUT);                           /* nothing is there */
    put(self->fds[1], "abc");
    co_await(self->n, co_within(&self->slot, 0, co_read(self->fds[0], self->buf, 8)));
    check_equal(self->n, 3);                                    /* after a wait for nothing */
    put(self->fds[1], "de");
    co_await(self->n, co_within(&self->slot, 0, co_read(self->fds[0], self->buf, 8)));
    check_equal(self->n, 2);                                    /* after a short read */
    put(self->fds[1], "01234567");
    co_await(self->n, co_within(&self->slot, -1, co_read(self->fds[0], self->buf, 4)));
    check_equal(self->n, 4);
    co_await(self->n, co_within(&self->slot, 0, co_read(self->fds[0], self->buf, 4)));
    check_equal(self->n, 4);                                    /* after a full one */
    co_await(self->n, co_within(&self->slot, 0, co_readable(self->fds[0])));
    check_equal(self->n, -ETIMEDOUT);
    put(self->fds[1], "f");
    co_await(self->n, co_within(&self->slot, 0, co_readable(self->fds[0])));
    check_equal(self->n, 0);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_deadline_of_0_gives_what_is_ready_whatever_was_read_before(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(polls, .fds = { fds[0], fds[1] });
}

/* ---- A cancel and a byte in one turn --------------------------------------------------------- */

struct reads_one { co_frame; int fd; intptr_t n; char byte; };
static co_define(reads_one)
{
    co_begin;
    co_try(self->n, co_read(self->fd, &self->byte, 1));
    co_return(self->n);
    co_end;
}
struct waits_for { co_frame; struct co_task *reader; int gathers; intptr_t first, second; };
static co_define(waits_for)
{
    co_begin;
    if (self->gathers)
        co_await(self->first, co_gather(&self->reader, 1));
    else
        co_await(self->first, co_join(self->reader));
    co_await(self->second, co_sleep(0));
    co_return(self->first);
    co_end;
}

/* Both come to one poll: by then the byte is there, and the reader has been woken by it. */
struct together { co_frame; int fds[2], gathers; struct co_task *reader, *waiter; intptr_t met; };
static co_define(together)
{
    co_begin;
    self->reader = co_spawn(reads_one, .fd = self->fds[0]);
    self->waiter = co_spawn(waits_for, .reader = self->reader, .gathers = self->gathers);
    co_try(co_sleep(0.001));
    put(self->fds[1], "x");
    while (co_task_state(self->reader) == CO_TASK_PENDING
           && strcmp(co_task_name(self->reader), "reads_one") == 0 && self->reader->step == 2)
        co_pause;                       /* until the poll has woken it: it runs after us */
    co_cancel(self->waiter);
    co_await(co_shield(self->waiter));
    self->met = (CO_TASK_FRAME(self->waiter, waits_for)->first == -ECANCELED)
        + (CO_TASK_FRAME(self->waiter, waits_for)->second == -ECANCELED);
    check_equal(co_task_result(self->reader), 1);
    co_task_free(self->waiter);
    co_task_free(self->reader);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_return(self->met);
    co_end;
}

static void a_cancel_in_the_turn_of_the_byte_is_met_once_in_100_of_100(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        int fds[2];

        pair(fds);
        assert_int_equal(run(together, .fds = { fds[0], fds[1] }, .gathers = i % 2), 1);
    }
}

/* Rounds of gather under a deadline, as a program with workers has them. */
struct quick { co_frame; };
static co_define(quick)
{
    co_begin;
    co_await(co_sleep(0.001));                      /* it does not look at the result */
    co_end;
}
struct gathers_on { co_frame; struct co_task *tasks[2]; intptr_t r; long rounds; };
static co_define(gathers_on)
{
    co_begin;
    for (;;) {
        self->rounds++;
        self->tasks[0] = co_spawn(quick);
        self->tasks[1] = co_spawn(quick);
        co_await(self->r, co_gather(self->tasks, 2));
        co_task_free(self->tasks[0]);
        co_task_free(self->tasks[1]);
        if (self->r < 0)
            co_return(self->r);
    }
    co_end;
}
struct rounds { co_frame; struct co_within slot; struct gathers_on child; intptr_t r; };
static co_define(rounds)
{
    co_begin;
    co_await(self->r, co_within(&self->slot, 0.05, co_call(&self->child, gathers_on)));
    co_return(self->r);
    co_end;
}

static void a_deadline_around_rounds_of_gather_fires(void **state)
{
    (void)state;
    assert_int_equal(run(rounds), -ETIMEDOUT);
}

static const struct CMUnitTest tests[] = {
    TEST(what_is_written_to_a_pipe_is_read_and_then_its_end),
    TEST(a_socket_does_as_well),
    TEST(nothing_is_read_and_written_at_once),
    TEST(co_readable_waits_until_something_is_there_and_takes_nothing),
    TEST(co_writable_waits_until_there_is_room),
    TEST(megabytes_go_through_whole_and_in_order),
    TEST(a_write_that_nobody_can_read_gives_EPIPE),
    TEST(an_fd_that_never_was_gives_EBADF),
    TEST(a_closed_fd_gives_EBADF),
    TEST(a_regular_file_gives_EPERM),
    TEST(a_directory_gives_EPERM),
    TEST(a_number_that_was_a_file_can_be_a_socket),
    TEST(a_device_that_never_waits_is_ready),
    TEST(fd_nonblock_makes_it_so_or_says_why_not),
    TEST(a_second_reader_or_writer_gets_EBUSY_and_disturbs_nobody),
    TEST(a_reader_and_a_writer_work_on_one_fd_at_once),
    TEST(a_cancelled_read_loses_no_byte),
    TEST(a_cancelled_write_writes_nothing),
    TEST(a_read_that_was_late_loses_no_byte),
    TEST(a_task_that_was_cancelled_before_does_nothing_on_the_fd),
    TEST(a_task_that_always_finds_data_lets_the_others_run),
    TEST(a_deadline_of_0_gives_what_is_ready_whatever_was_read_before),
    TEST(a_cancel_in_the_turn_of_the_byte_is_met_once_in_100_of_100),
    TEST(a_deadline_around_rounds_of_gather_fires),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
