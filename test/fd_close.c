/* SPDX-License-Identifier: BSD-2-Clause
 * fd_close.c: tests of closing an fd that is awaited, by co_fd_close() and by plain close(), and of
 * numbers that come again. libev would abort on some of it, and hang on more. */
#include "fd_test.h"

/* ---- co_fd_close() --------------------------------------------------------------------------- */

struct closed {
    co_frame;
    int fds[2], turns;
    enum op reader, writer;
    struct co_task *tasks[2];
    size_t n;
};
static co_define(closed)
{
    co_begin;
    self->n = fill(self->fds[0]);
    self->tasks[0] = co_spawn(one, .op = self->reader, .fd = self->fds[0]);
    self->tasks[1] = co_spawn(one, .op = self->writer, .fd = self->fds[0]);
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    check_equal(co_fd_close(self->fds[0]), 0);
    check_equal(co_fd_close(self->fds[0]), -EBADF);
    co_await(co_gather(self->tasks, 2));
    check_equal(co_task_result(self->tasks[0]), -EBADF);
    check_equal(co_task_result(self->tasks[1]), -EBADF);
    check_equal(empty(self->fds[1]), self->n);
    co_finally;
    co_task_free(self->tasks[0]);
    co_task_free(self->tasks[1]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void fd_close_wakes_the_reader_and_the_writer_with_EBADF(void **state)
{
    (void)state;
    int fds[2];

    for (int turns = 0; turns < 4; turns++) {
        pair(fds);
        run(closed, .fds = { fds[0], fds[1] }, .reader = READ, .writer = WRITE, .turns = turns);
        pair(fds);
        run(closed, .fds = { fds[0], fds[1] }, .reader = READABLE, .writer = WRITABLE,
            .turns = turns);
    }
}

static void fd_close_of_what_is_not_open_gives_EBADF(void **state)
{
    (void)state;
    assert_int_equal(co_fd_close(-1), -EBADF);
    assert_int_equal(co_fd_close(2000), -EBADF);
    assert_int_equal(co_fd_close(1000000), -EBADF);
}

/* Both orders in one turn: the data and then the close, and the close of an fd whose event has
 * already been taken. */
struct raced { co_frame; int fds[2]; int turns; struct co_task *task; intptr_t n; };
static co_define(raced)
{
    co_begin;
    self->task = co_spawn(one, .op = READ, .fd = self->fds[0]);
    co_try(co_sleep(0.01));
    put(self->fds[1], "hello");
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    co_fd_close(self->fds[0]);
    co_await(self->n, co_join(self->task));
    co_return(self->n);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_close_beats_data_that_was_not_yet_read_and_no_other(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    assert_int_equal(run(raced, .fds = { fds[0], fds[1] }, .turns = 0), -EBADF);
    pair(fds);
    assert_int_equal(run(raced, .fds = { fds[0], fds[1] }, .turns = 1), 5);
    pair(fds);
    assert_int_equal(run(raced, .fds = { fds[0], fds[1] }, .turns = 2), 5);
}

/* ---- A number that comes again --------------------------------------------------------------- */

/* The event of an old fd must reach nobody who waits on the new one of the same number. With [kept]
 * the old file stays open under another number, so that its events go on. */
struct reused {
    co_frame;
    int old[2], new[2], turns, kept;
    struct co_task *first, *second;
    intptr_t n;
};
static co_define(reused)
{
    co_begin;
    self->first = co_spawn(one, .op = READ, .fd = self->old[0]);
    co_try(co_sleep(0.01));
    put(self->old[1], "old");
    self->kept = self->kept ? dup(self->old[0]) : -1;
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    co_fd_close(self->old[0]);
    pair(self->new);
    check_equal(self->new[0], self->old[0]);
    self->second = co_spawn(one, .op = READ, .fd = self->new[0]);
    co_await(self->n, co_join(self->first));
    check(self->n == -EBADF || self->n == 3);
    if (self->kept >= 0 && self->n == 3)
        put(self->old[1], "again");
    co_try(co_sleep(0.02));
    check_equal(co_task_state(self->second), CO_TASK_PENDING);
    put(self->new[1], "new");
    co_await(self->n, co_join(self->second));
    check_equal(self->n, 3);
    check(memcmp(CO_TASK_FRAME(self->second, one)->buf, "new", 3) == 0);
    co_finally;
    co_task_free(self->first);
    co_task_free(self->second);
    co_fd_close(self->old[1]);
    co_fd_close(self->new[0]);
    co_fd_close(self->new[1]);
    if (self->kept >= 0)
        close(self->kept);
    co_end;
}

static void an_event_of_a_closed_fd_reaches_nobody(void **state)
{
    (void)state;
    int fds[2];

    for (int turns = 0; turns < 4; turns++)
        for (int kept = 0; kept < 2; kept++) {
            pair(fds);
            run(reused, .old = { fds[0], fds[1] }, .turns = turns, .kept = kept);
        }
}

/* The same while the event stands in libev's queue: a foreign watcher, called before or after ours
 * in the same turn, closes the fd and opens another. */
struct meddler { ev_io io; int old, new[2]; struct co_task *second; };

static void meddle(struct ev_loop *ev, ev_io *io, int revents)
{
    struct meddler *m = io->data;

    (void)revents;
    ev_io_stop(ev, io);
    co_fd_close(m->old);
    pair(m->new);
    check_equal(m->new[0], m->old);
    m->second = co_spawn(one, .op = READ, .fd = m->new[0]);
}

static intptr_t meddled(int priority)
{
    struct ev_loop *ev = co_loop_ev(co_loop_current());
    struct meddler m = { .second = NULL };
    int bell[2], old[2];
    struct co_task *first;
    intptr_t result;

    pair(bell);
    pair(old);
    m.old = old[0];
    ev_io_init(&m.io, meddle, bell[0], EV_READ);
    ev_set_priority(&m.io, priority);
    m.io.data = &m;
    ev_io_start(ev, &m.io);
    first = co_spawn(one, .op = READ, .fd = old[0]);
    ev_run(ev, EVRUN_NOWAIT);               /* armed */
    put(old[1], "old");
    put(bell[1], "!");
    ev_run(ev, EVRUN_NOWAIT);               /* both events in one poll */
    ev_run(ev, EVRUN_NOWAIT);
    ev_run(ev, EVRUN_NOWAIT);
    result = co_task_result(first);
    assert_int_equal(co_task_result(m.second), -EINPROGRESS);
    put(m.new[1], "newer");
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(m.second), 5);
    co_task_free(first);
    co_task_free(m.second);
    close(bell[0]);
    close(bell[1]);
    close(old[1]);
    co_fd_close(m.new[0]);
    co_fd_close(m.new[1]);
    return result;
}

static void an_event_in_the_queue_reaches_nobody_once_its_fd_is_closed(void **state)
{
    (void)state;
    assert_int_equal(meddled(EV_MAXPRI), -EBADF);
    assert_int_equal(meddled(EV_MINPRI), 3);
}

struct again {
    co_frame;
    int fds[2], i, first;
    enum op op;
    struct co_task *task;
    intptr_t n;
    size_t full;
};
static co_define(again)
{
    co_begin;
    for (self->i = 0; self->i < sized(10000, 500); self->i++) {
        pair(self->fds);
        if (self->i == 0)
            self->first = self->fds[0];
        check_equal(self->fds[0], self->first);
        self->op = (enum op)(self->i % OPS);
        self->full = self->op == WRITE || self->op == WRITABLE ? fill(self->fds[0]) : 0;
        self->task = co_spawn(one, .op = self->op, .fd = self->fds[0]);
        co_try(co_sleep(0));
        co_try(co_sleep(0));
        check_equal(co_task_state(self->task), CO_TASK_PENDING);
        if (self->i % 3 == 0)
            co_fd_close(self->fds[0]);      /* else its event comes before */
        else if (self->full)
            check_equal(empty(self->fds[1]), self->full);
        else
            put(self->fds[1], "x");
        co_await(self->n, co_join(self->task));
        check_equal(self->n, self->i % 3 == 0 ? -EBADF
                             : self->op == READ ? 1 : self->op == WRITE ? 16 : 0);
        co_task_free(self->task);
        co_fd_close(self->fds[0]);
        co_fd_close(self->fds[1]);
    }
    co_end;
}

static void a_number_can_come_10000_times(void **state)
{
    (void)state;
    run(again);
}

/* ---- Plain close(), which the loop does not see ---------------------------------------------- */

/* Right behind the await that armed it, before libev knows of the fd. */
struct unseen { co_frame; int fds[2]; enum op op; struct co_task *task; size_t full; intptr_t n; };
static co_define(unseen)
{
    co_begin;
    for (self->op = READABLE; self->op < OPS; self->op++) {
        pair(self->fds);
        self->full = fill(self->fds[0]);
        self->task = co_spawn(one, .op = self->op, .fd = self->fds[0]);
        co_try(co_sleep(0));                /* behind it in the queue */
        close(self->fds[0]);
        co_await(self->n, co_join(self->task));
        check_equal(self->n, -EBADF);
        co_task_free(self->task);
        close(self->fds[1]);
    }
    co_end;
}

static void a_plain_close_before_the_poll_gives_EBADF(void **state)
{
    (void)state;
    run(unseen);
}

/* An fd that was armed in an earlier turn, in one direction or both; a waiter is there unless
 * [idle]. It is closed behind the loop's back, and its number then given to a new listener, or,
 * with [dial], to a new connection. */
struct behind {
    co_frame;
    int dial, idle, both;
    int listener, made, fds[2];
    struct co_task *tasks[2];
    struct co_connect slot;
    intptr_t n;
};
static co_define(behind)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    pair(self->fds);
    if (self->both)
        (void)fill(self->fds[0]);
    self->tasks[0] = co_spawn(one, .op = READ, .fd = self->fds[0]);
    self->tasks[1] = self->both ? co_spawn(one, .op = WRITE, .fd = self->fds[0]) : NULL;
    co_try(co_sleep(0.01));
    if (self->idle) {
        co_cancel(self->tasks[0]);
        co_cancel(self->tasks[1]);
        co_try(co_sleep(0));
    }
    close(self->fds[0]);
    co_try(co_sleep(0.01));
    if (self->dial)
        co_try(self->made, co_connect(&self->slot, NULL, co_tcp_port(self->listener)));
    else
        self->made = co_tcp_listen(NULL, 0, 0);
    check_equal(self->made, self->fds[0]);
    co_await(co_gather(self->tasks, 1 + (size_t)self->both));
    for (int i = 0; i <= self->both; i++)
        check_equal(co_task_result(self->tasks[i]), self->idle ? -ECANCELED : -EBADF);

    if (!self->dial)                        /* the new one works */
        co_try(self->n, co_connect(&self->slot, NULL, co_tcp_port(self->made)));
    co_try(co_readable(self->dial ? self->listener : self->made));
    co_await(self->n, self->dial ? co_write(self->made, "x", 1) : co_accept(self->made));
    check(self->n >= 1);
    if (!self->dial) {
        co_fd_close((int)self->n);
        co_fd_close(self->slot.fd);
    }
    co_finally;
    co_task_free(self->tasks[0]);
    co_task_free(self->tasks[1]);
    co_fd_close(self->made);
    co_fd_close(self->fds[1]);
    co_fd_close(self->listener);
    co_end;
}

static void a_number_closed_behind_the_loop_works_for_a_new_socket(void **state)
{
    (void)state;
    for (int form = 0; form < 8; form++)
        run(behind, .dial = form & 1, .idle = form >> 1 & 1, .both = form >> 2);
}

struct accepted {
    co_frame;
    int fds[2], listener, client;
    struct co_task *task;
    struct co_connect slot;
    intptr_t n;
};
static co_define(accepted)
{
    co_begin;
    self->listener = co_tcp_listen(NULL, 0, 0);
    co_try(self->client, co_connect(&self->slot, NULL, co_tcp_port(self->listener)));
    pair(self->fds);
    self->task = co_spawn(one, .op = READ, .fd = self->fds[0]);
    co_try(co_sleep(0.01));
    close(self->fds[0]);
    co_try(self->n, co_accept(self->listener));
    check_equal(self->n, self->fds[0]);
    put(self->client, "hello");
    co_await(self->n, co_join(self->task));
    check_equal(self->n, -EBADF);
    co_task_free(self->task);
    self->task = co_spawn(one, .op = READ, .fd = self->fds[0]);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, 5);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_fd_close(self->client);
    co_fd_close(self->listener);
    co_end;
}

static void a_number_closed_behind_the_loop_works_for_an_accepted_socket(void **state)
{
    (void)state;
    run(accepted);
}

/* Armed in both directions and closed; then one direction stops, and libev looks at the other. The
 * reader stops for a cancel, the writer for a cancel or, with [which] 2, because it is done. */
struct half { co_frame; int fds[2], which; struct co_task *tasks[2]; };
static co_define(half)
{
    co_begin;
    pair(self->fds);
    (void)fill(self->fds[0]);
    self->tasks[0] = co_spawn(one, .op = READ, .fd = self->fds[0]);
    self->tasks[1] = co_spawn(one, .op = WRITE, .fd = self->fds[0]);
    co_try(co_sleep(0.01));
    if (self->which == 2) {
        (void)empty(self->fds[1]);
        co_try(co_sleep(0));
        close(self->fds[0]);
    } else {
        close(self->fds[0]);
        co_cancel(self->tasks[self->which]);
    }
    co_try(co_sleep(0.02));
    check_equal(co_fd_close(self->fds[0]), -EBADF); /* and tells whoever waits */
    co_await(co_gather(self->tasks, 2));
    check_equal(co_task_result(self->tasks[0]), self->which == 0 ? -ECANCELED : -EBADF);
    check_equal(co_task_result(self->tasks[1]),
                self->which == 0 ? -EBADF : self->which == 1 ? -ECANCELED : 16);
    co_finally;
    co_task_free(self->tasks[0]);
    co_task_free(self->tasks[1]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void one_direction_can_stop_after_a_plain_close(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++)
        run(half, .which = which);
}

/* An event of a file that lives on under another number makes libev look at every fd anew. */
struct rebuilt { co_frame; int fds[2], lost[2], kept; struct co_task *tasks[2]; intptr_t n; };
static co_define(rebuilt)
{
    co_begin;
    pair(self->fds);
    pair(self->lost);
    self->tasks[0] = co_spawn(one, .op = READ, .fd = self->fds[0]);
    self->tasks[1] = co_spawn(one, .op = READ, .fd = self->lost[0]);
    co_try(co_sleep(0.01));
    close(self->lost[0]);
    self->kept = dup(self->fds[0]);
    check_equal(self->kept, self->lost[0]);
    self->kept = dup(self->kept);
    close(self->lost[0]);
    co_fd_close(self->fds[0]);
    put(self->fds[1], "hello");
    co_try(co_sleep(0.02));
    co_cancel(self->tasks[1]);
    co_await(co_gather(self->tasks, 2));
    check_equal(co_task_result(self->tasks[0]), -EBADF);
    co_finally;
    co_task_free(self->tasks[0]);
    co_task_free(self->tasks[1]);
    close(self->kept);
    co_fd_close(self->fds[1]);
    co_fd_close(self->lost[1]);
    co_end;
}

static void libev_can_look_at_all_fds_anew_after_a_plain_close(void **state)
{
    (void)state;
    run(rebuilt);
}

/* Armed in the last turn of a loop that was stopped, closed before it runs again. */
struct stopper { co_frame; int fd; };
static co_define(stopper)
{
    co_begin;
    co_loop_stop(co_loop_current());
    co_end;
}

static void a_plain_close_between_two_runs_is_found(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    struct co_task *task = co_spawn(one, .op = READ, .fd = fds[0]);
    assert_int_equal(co_go(stopper), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_state(task), CO_TASK_PENDING);
    close(fds[0]);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), -EBADF);
    co_task_free(task);
    close(fds[1]);
}

/* The trap that loop.h warns of: closed by close(), and the number is a pipe of the user's own. It
 * may wait in vain; but nothing aborts or spins, and co_fd_close() puts an end to it. */
struct trapped {
    co_frame;
    int fds[2], new[2];
    struct co_task *task;
    struct co_within slot;
    unsigned start;
    intptr_t n;
    char buf[8];
};
static co_define(trapped)
{
    co_begin;
    pair(self->fds);
    self->task = co_spawn(one, .op = READ, .fd = self->fds[0]);
    put(self->fds[1], "old");
    co_try(co_join(self->task));
    co_await(co_within(&self->slot, 0.01, co_readable(self->fds[0])));
    close(self->fds[0]);
    one_way(self->new);
    check_equal(self->new[0], self->fds[0]);
    put(self->new[1], "new");
    self->start = polls();
    co_await(self->n, co_within(&self->slot, 0.05, co_readable(self->new[0])));
    check(self->n == -ETIMEDOUT || self->n == 0);
    check(polls() - self->start < 10);
    co_fd_close(self->new[0]);
    co_fd_close(self->new[1]);
    one_way(self->new);
    put(self->new[1], "new");
    co_await(self->n, co_within(&self->slot, 10, co_read(self->new[0], self->buf, 8)));
    check_equal(self->n, 3);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[1]);
    co_fd_close(self->new[0]);
    co_fd_close(self->new[1]);
    co_end;
}

static void a_number_taken_behind_the_loop_does_no_harm(void **state)
{
    (void)state;
    run(trapped);
}

/* ---- The end of the loop --------------------------------------------------------------------- */

static void a_loop_can_go_while_fds_are_armed_or_closed(void **state)
{
    (void)state;
    int fds[3][2];
    struct co_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        pair(fds[i]);
        tasks[i] = co_spawn(one, .op = READ, .fd = fds[i][0]);
        co_task_detach(tasks[i]);
    }
    assert_int_equal(co_go(stopper), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    close(fds[1][0]);
    co_fd_close(fds[2][0]);
    co_loop_free(co_loop_current());
    close(fds[0][0]);
    for (int i = 0; i < 3; i++)
        close(fds[i][1]);
}

static const struct CMUnitTest tests[] = {
    TEST(fd_close_wakes_the_reader_and_the_writer_with_EBADF),
    TEST(fd_close_of_what_is_not_open_gives_EBADF),
    TEST(a_close_beats_data_that_was_not_yet_read_and_no_other),
    TEST(an_event_of_a_closed_fd_reaches_nobody),
    TEST(an_event_in_the_queue_reaches_nobody_once_its_fd_is_closed),
    TEST(a_number_can_come_10000_times),
    TEST(a_plain_close_before_the_poll_gives_EBADF),
    TEST(a_number_closed_behind_the_loop_works_for_a_new_socket),
    TEST(a_number_closed_behind_the_loop_works_for_an_accepted_socket),
    TEST(one_direction_can_stop_after_a_plain_close),
    TEST(libev_can_look_at_all_fds_anew_after_a_plain_close),
    TEST(a_plain_close_between_two_runs_is_found),
    TEST(a_number_taken_behind_the_loop_does_no_harm),
    TEST(a_loop_can_go_while_fds_are_armed_or_closed),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
