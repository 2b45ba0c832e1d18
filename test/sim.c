/* SPDX-License-Identifier: BSD-2-Clause
 * sim.c: tests of a loop under test, struct co_trial_options: virtual time, disorder from a seed,
 * a cancel, a deadline or a failure at a chosen point. What drives it, the rest of trial.h, is
 * tested in trial.c. */
#include "net_test.h"
#include "../process.h"
#include "../trial.h"
#include "sim_day.h"

/* Runs coroutine NAME on a loop with [options]: what co_loop_run gives, or its result.
 *     intptr_t run_with(struct co_trial_options, NAME, .field = ...); */
#define run_with(options, ...) (begin_with(options), end_with(co_spawn(__VA_ARGS__)))

static struct co_loop_counts counts_;           /* of the last run */

static void begin_with(struct co_trial_options options)
{
    assert_non_null(co_loop_new_trial(NULL, &options));
}

static intptr_t end_with(struct co_task *task)
{
    intptr_t result = task ? co_loop_run(co_loop_current()) : -ENOMEM;

    if (result == -EDEADLK) {
        co_cancel(task);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
    } else if (task) {
        result = co_task_result(task);
    }
    co_task_free(task);
    counts_ = co_loop_counts(co_loop_current());
    co_loop_free(co_loop_current());
    assert_int_equal(failures_, 0);
    return result;
}

/* ---- Virtual time ---------------------------------------------------------------------------- */

struct clock_reader { co_frame; int i; };
static co_define(clock_reader) {
    co_begin;
    check(co_time() == 0);
    for (self->i = 1; self->i <= 24; self->i++) {
        co_try(co_sleep(3600));
        check(co_time() == 3600. * self->i);
    }
    co_try(co_sleep_until(100 * 3600.));
    check(co_time() == 100 * 3600.);
    co_end;
}

static void the_clock_begins_at_0_and_jumps(void **state)
{
    (void)state;
    struct co_trial_options options = { .virtual_time = 1 };

    assert_int_equal(run_with(options, clock_reader), 0);
}

static void a_day_of_a_busy_program_gives_the_same_trace_twice(void **state)
{
    char *traces[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct co_trial_options options = { .virtual_time = 1 };
        traces[i] = day_trace(&options, sized(24, 1) * 3600);
    }
    print_message("%zu lines\n", day_lines(traces[0]));
    assert_true(day_lines(traces[0]) > 1000);
    assert_string_equal(traces[0], traces[1]);
    free(traces[0]);
    free(traces[1]);
}

static intptr_t slow_call(void *arg)
{
    struct timespec ms30 = { 0, 30 * 1000 * 1000 };

    (void)arg;
    nanosleep(&ms30, NULL);
    return 42;
}

struct thread_waiter { co_frame; struct co_within slot; };
static co_define(thread_waiter) {
    co_begin;
    co_await(self->slot.result, co_within(&self->slot, 3600, co_thread(slow_call, NULL)));
    co_return(self->slot.result);
    co_end;
}

static void no_clock_jumps_while_a_thread_is_at_work(void **state)
{
    (void)state;
    struct co_trial_options options = { .virtual_time = 1 };

    assert_int_equal(run_with(options, thread_waiter), 42);
}

struct child_waiter { co_frame; struct co_within slot; struct co_process child; intptr_t r; };
static co_define(child_waiter) {
    static char *const argv[] = { "sh", "-c", "sleep 0.05; exit 7", NULL };

    co_begin;
    co_try(co_done(co_process_spawn(&self->child, argv, NULL)));
    co_await(self->r, co_within(&self->slot, 3600, co_child(&self->child)));
    co_return(self->r);
    co_finally;
    co_process_close(&self->child);
    co_end;
}

static void no_clock_jumps_while_a_child_is_at_work(void **state)
{
    (void)state;
    struct co_trial_options options = { .virtual_time = 1 };

    assert_int_equal(run_with(options, child_waiter), 7);
}

struct poster { co_frame; pthread_t thread; intptr_t n; };
static struct co_task *posted_to;
static void posted(void *arg)
{
    (void)arg;
    co_loop_unref(co_loop_current());
    co_wake(posted_to, 5);
}
static void *post_later(void *loop)
{
    slow_call(NULL);
    check_equal(co_loop_post(loop, posted, NULL), 0);
    return NULL;
}
static co_define(poster) {
    co_begin;
    posted_to = co_current();
    co_loop_ref(co_loop_current());
    check_equal(pthread_create(&self->thread, NULL, post_later, co_loop_current()), 0);
    co_await(self->n, co_wait());
    check_equal(self->n, 5);
    /* It has posted, and is ending: co-lint: off(co-blocking) */
    check_equal(pthread_join(self->thread, NULL), 0);
    check(co_time() == 0);
    co_end;
}

static void no_clock_jumps_while_the_loop_is_referenced(void **state)
{
    (void)state;
    struct co_trial_options options = { .virtual_time = 1 };

    (void)run_with(options, poster);
}

struct own_post { co_frame; struct co_within slot; intptr_t n; };
static void wake_it(void *task)
{
    co_wake((struct co_task *)task, 5);
}
static co_define(own_post) {
    co_begin;
    check_equal(co_loop_post(co_loop_current(), wake_it, co_current()), 0);
    co_await(self->n, co_within(&self->slot, 3600, co_wait()));
    check(co_time() == 0);
    co_return(self->n);
    co_end;
}

static void a_post_comes_before_the_clock_jumps(void **state)
{
    (void)state;
    struct co_trial_options options = { .virtual_time = 1 };

    assert_int_equal(run_with(options, own_post), 5);
}

struct forever { co_frame; int fds[2]; int kind; intptr_t n; char byte; struct co_event event; };
static co_define(forever) {
    co_begin;
    check_equal(co_fd_pair(self->fds), 0);
    if (self->kind == 0)
        co_await(self->n, co_recv(self->fds[0], &self->byte, 1));
    else
        co_await(self->n, co_event_wait(&self->event));
    check_equal(self->n, -ECANCELED);
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_wait_for_an_fd_that_nobody_serves_is_a_deadlock_in_virtual_time(void **state)
{
    (void)state;
    struct co_trial_options options = { .virtual_time = 1 };

    assert_int_equal(run_with(options, forever, .kind = 0), -EDEADLK);
    assert_int_equal(run_with(options, forever, .kind = 1), -EDEADLK);
    options.seed = 3;
    assert_int_equal(run_with(options, forever, .kind = 0), -EDEADLK);
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static char *seed_trace(uint64_t seed)
{
    struct co_trial_options options = { .virtual_time = 1, .seed = seed };

    return day_trace(&options, 60);
}

static void a_seed_gives_one_trace_and_another_seed_another(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= (uint64_t)sized(20, 2); seed++) {
        char *first = seed_trace(seed), *second = seed_trace(seed), *other = seed_trace(seed + 1);

        assert_string_equal(first, second);
        assert_string_not_equal(first, other);
        free(first);
        free(second);
        free(other);
    }
}

static const char *program_name;

/* This program, run anew as `sim trace SEED`, prints the trace. */
static char *trace_of_another_process(int seed)
{
    char command[600];
    char *text = NULL;
    size_t length = 0, size = 0;
    FILE *from;

    snprintf(command, sizeof command, "exec %s trace %d", program_name, seed);
    from = popen(command, "r");
    assert_non_null(from);
    do {
        if (size - length < 4096)
            text = realloc(text, (size = 2 * size + 8192));
        assert_non_null(text);
        length += fread(text + length, 1, 4000, from);
    } while (!feof(from));
    text[length] = '\0';
    assert_int_equal(pclose(from), 0);
    return text;
}

static void a_seed_gives_the_same_trace_in_another_process(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 5; seed++) {
        char *here = seed_trace((uint64_t)seed), *there = trace_of_another_process(seed);

        assert_true(day_lines(here) > 100);
        assert_string_equal(here, there);
        free(here);
        free(there);
    }
}

static char order_[8];
struct letter { co_frame; char letter; };
static co_define(letter) {
    co_begin;
    order_[strlen(order_)] = self->letter;
    co_end;
}
struct letters { co_frame; struct co_task *tasks[4]; };
static co_define(letters) {
    co_begin;
    memset(order_, 0, sizeof order_);
    for (int i = 0; i < 4; i++)
        self->tasks[i] = co_spawn(letter, .letter = (char)('a' + i));
    co_try(co_gather(self->tasks, 4));
    for (int i = 0; i < 4; i++)
        co_task_free(self->tasks[i]);
    co_end;
}

static void every_order_of_ready_tasks_occurs(void **state)
{
    char seen[24][8] = { "" };
    int kinds = 0, k, count[24] = { 0 };

    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct co_trial_options options = { .seed = seed };

        assert_int_equal(run_with(options, letters), 0);
        assert_int_equal(strlen(order_), 4);
        for (k = 0; k < kinds && strcmp(seen[k], order_) != 0; k++)
            continue;
        assert_true(k < 24);
        if (k == kinds)
            memcpy(seen[kinds++], order_, sizeof order_);
        count[k]++;
    }
    assert_int_equal(kinds, 24);
    for (k = 0; k < 24; k++)                    /* 41.7 expected */
        assert_in_range(count[k], 15, 85);
}

static void without_a_seed_tasks_run_in_order(void **state)
{
    struct co_trial_options options = { .virtual_time = 1 };

    (void)state;
    assert_int_equal(run_with(options, letters), 0);
    assert_string_equal(order_, "abcd");
}

/* What one read and one write of 100 bytes met. */
static struct { int short_reads, short_writes, waits; } met;

struct probe { co_frame; int fds[2]; intptr_t n; uint32_t turn; char buf[100]; };
static co_define(probe) {
    co_begin;
    check_equal(co_fd_pair(self->fds), 0);
    self->turn = co_scheduler_get()->turns;
    co_await(self->n, co_send(self->fds[0], self->buf, 100));
    check(self->n >= 1 && self->n <= 100);
    met.short_writes += self->n < 100;
    while (self->n < 100)
        self->n += write(self->fds[0], self->buf, (size_t)(100 - self->n));
    co_await(self->n, co_recv(self->fds[1], self->buf, 100));
    check(self->n >= 1 && self->n <= 100);
    met.short_reads += self->n < 100;
    met.waits += co_scheduler_get()->turns != self->turn;
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void probe_seeds(int cuts, int agains)
{
    memset(&met, 0, sizeof met);
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct co_trial_options options = { .seed = seed, .cuts = cuts, .agains = agains };

        assert_int_equal(run_with(options, probe), 0);
    }
}

static void reads_and_writes_are_cut_short_and_delayed_at_rates_that_can_be_set(void **state)
{
    (void)state;
    probe_seeds(0, 0);                          /* of 400: 100, 100, 76 expected */
    assert_in_range(met.short_reads, 60, 140);
    assert_in_range(met.short_writes, 60, 140);
    assert_in_range(met.waits, 40, 120);
    probe_seeds(-1, -1);
    assert_int_equal(met.short_reads + met.short_writes + met.waits, 0);
    probe_seeds(100, -1);                       /* a cut that leaves 99 to 1 bytes */
    assert_int_equal(met.short_reads, 400);
    assert_int_equal(met.waits, 0);
    probe_seeds(-1, 80);
    assert_int_equal(met.short_reads, 0);
    assert_in_range(met.waits, 350, 400);
}

struct sentry { co_frame; int fd, early; intptr_t n; char byte; };
static co_define(sentry) {
    co_begin;
    for (;;) {
        co_try(co_readable(self->fd));
        if (read(self->fd, &self->byte, 1) == 1)
            break;
        self->early++;
    }
    co_return(self->early);
    co_end;
}
struct guard { co_frame; struct co_task *sentry; int fds[2], i; intptr_t n; };
static co_define(guard) {
    co_begin;
    check_equal(co_fd_pair(self->fds), 0);
    self->sentry = co_spawn(sentry, .fd = self->fds[0]);
    for (self->i = 0; self->i < 40; self->i++)
        co_try(co_sleep(0));
    put(self->fds[1], "x");
    co_try(self->n, co_join(self->sentry));
    co_return(self->n);
    co_finally;
    co_task_free(self->sentry);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void who_waits_for_an_fd_is_woken_too_early_at_a_rate_that_can_be_set(void **state)
{
    intptr_t early[3] = { 0, 0, 0 };
    const int rates[3] = { -1, 0, 100 };

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++)
        for (int i = 0; i < 3; i++) {
            struct co_trial_options options = { .virtual_time = 1, .seed = seed,
                                                .wakes = rates[i] };
            intptr_t n = run_with(options, guard);

            assert_true(n >= 0);
            early[i] += n;
        }
    assert_int_equal(early[0], 0);
    assert_in_range(early[1], 40, 200);         /* 5 % of 50 * 40 */
    assert_true(early[2] > 500);
}

enum { EXACT = 10000 };
struct exact_sender { co_frame; int fd; intptr_t n; char buf[EXACT]; };
static co_define(exact_sender) {
    co_begin;
    for (int i = 0; i < EXACT; i++)
        self->buf[i] = (char)(i * 31);
    co_await(self->n, co_send_all(self->fd, self->buf, EXACT));
    check_equal(self->n, EXACT);
    co_end;
}
struct exact { co_frame; int fds[2]; struct co_task *sender; intptr_t n; char buf[EXACT]; };
static co_define(exact) {
    co_begin;
    check_equal(co_fd_pair(self->fds), 0);
    self->sender = co_spawn(exact_sender, .fd = self->fds[0]);
    co_await(self->n, co_recv_exact(self->fds[1], self->buf, EXACT));
    check_equal(self->n, EXACT);
    for (int i = 0; i < EXACT; i++)
        check(self->buf[i] == (char)(i * 31));
    co_try(co_join(self->sender));
    co_finally;
    co_task_free(self->sender);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void ops_that_want_all_of_it_get_all_of_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= (uint64_t)sized(300, 20); seed++) {
        struct co_trial_options options = { .virtual_time = 1, .seed = seed, .cuts = 60,
                                            .agains = 30, .wakes = 30 };
        assert_int_equal(run_with(options, exact), 0);
    }
}

/* ---- Cancels --------------------------------------------------------------------------------- */

enum { NAPS = 5 };
static char naps_[NAPS + 1];                    /* of each sleep: '.', or C, or T */
struct naps { co_frame; int i; struct co_within slot; struct co_task *napper; intptr_t r; };
static co_define(naps) {
    co_begin;
    memset(naps_, 0, sizeof naps_);
    for (self->i = 0; self->i < NAPS; self->i++) {
        co_await(self->r, co_sleep(1));
        naps_[self->i] = self->r == -ECANCELED ? 'C' : self->r == 0 ? '.' : '?';
    }
    co_end;
}

/* Each sleep has two points: it waits, its wait has ended. One cancelled at once has none. */
static void each_point_cancels_one_op(void **state)
{
    static const char *const wanted[] = { ".....", "C....", ".C...", ".C...", "..C..", "..C..",
                                          "...C.", "...C.", "....C", "....C", "....." };
    (void)state;
    for (uint64_t k = 0; k <= 10; k++) {
        struct co_trial_options options = { .virtual_time = 1, .cancel_at = k };

        assert_int_equal(run_with(options, naps), 0);
        assert_string_equal(naps_, wanted[k]);
        assert_true(k > 0 || counts_.points == 10);
    }
}

static void a_pair_cancels_two_ops(void **state)
{
    static const char *const wanted[] = { "C....", "CC...", "CC...", "C.C..", "C.C..", "C..C.",
                                          "C..C.", "C...C", "C...C", "C...." };
    (void)state;
    for (uint64_t also = 0; also <= 9; also++) {
        struct co_trial_options options = { .virtual_time = 1, .cancel_at = 1,
                                            .cancel_also = also };

        assert_int_equal(run_with(options, naps), 0);
        if (also != 1)                          /* unseen yet, it is one with the first */
            assert_string_equal(naps_, wanted[also]);
        else
            assert_string_equal(naps_, "C....");
    }
}

struct ops { co_frame; int fds[2], i; intptr_t r; struct co_event event; char buf[10]; };
static co_define(ops) {
    co_begin;
    memset(naps_, 0, sizeof naps_);
    check_equal(co_fd_pair(self->fds), 0);
    co_event_set(&self->event);
    co_await(self->r, co_sleep(0));
    naps_[0] = self->r == -ECANCELED ? 'C' : '.';
    co_await(self->r, co_send(self->fds[0], "x", 1));
    naps_[1] = self->r == -ECANCELED ? 'C' : '.';
    put(self->fds[0], "x");
    co_await(self->r, co_recv(self->fds[1], self->buf, 1));
    naps_[2] = self->r == -ECANCELED ? 'C' : '.';
    co_await(self->r, co_event_wait(&self->event));
    naps_[3] = self->r == -ECANCELED ? 'C' : '.';
    co_await(self->r, co_sleep(1));
    naps_[4] = self->r == -ECANCELED ? 'C' : '.';
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void an_op_that_completes_at_once_is_a_point_and_the_next_one_is_cancelled(void **state)
{
    static const char *const wanted[] = { ".....", ".C...", "..C..", "...C.", "....C", "....C",
                                          "....." };
    (void)state;
    for (uint64_t k = 0; k <= 6; k++) {
        struct co_trial_options options = { .virtual_time = 1, .cancel_at = k };

        assert_int_equal(run_with(options, ops), 0);
        assert_string_equal(naps_, wanted[k]);
        assert_true(k > 0 || counts_.points == 6);
    }
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

struct limits {
    co_frame; int i; struct co_within slot, outer; struct co_task *napper; intptr_t r;
};
static co_define(limits) {
    co_begin;
    memset(naps_, 0, sizeof naps_);
    for (self->i = 0; self->i < 3; self->i++) {
        co_await(self->r, co_within(&self->outer, 1000,
                                    co_within(&self->slot, 100, co_sleep(1))));
        naps_[self->i] = self->r == -ETIMEDOUT ? 'T' : self->r == 0 ? '.' : '?';
    }
    co_end;
}

static void each_point_where_a_task_waits_can_be_the_end_of_its_deadline(void **state)
{
    static const char *const wanted[] = { "...", "T..", "...", ".T.", "...", "..T", "..." };

    (void)state;
    for (uint64_t k = 0; k <= 6; k++) {
        struct co_trial_options options = { .virtual_time = 1, .timeout_at = k };

        assert_int_equal(run_with(options, limits), 0);
        assert_string_equal(naps_, wanted[k]);
        assert_int_equal(counts_.points, 6);
    }
}

struct one_nap { co_frame; };
static co_define(one_nap) {
    co_begin;
    co_try(co_sleep(10));
    co_end;
}
struct patient { co_frame; struct co_task *napper; struct co_within slot; intptr_t r; };
static co_define(patient) {
    co_begin;
    self->napper = co_spawn(one_nap);
    co_await(self->r, co_wait_for(&self->slot, self->napper, 100));
    co_task_free(self->napper);
    check(co_time() == (self->r == 0 ? 10 : 0));
    co_return(self->r);
    co_end;
}

static void the_time_of_co_wait_for_is_a_deadline_too(void **state)
{
    struct co_trial_options options = { .virtual_time = 1 };

    (void)state;
    assert_int_equal(run_with(options, patient), 0);
    options.timeout_at = 1;
    assert_int_equal(run_with(options, patient), -ETIMEDOUT);
}

/* ---- Failures -------------------------------------------------------------------------------- */

struct calls { co_frame; int fds[2]; intptr_t r[4]; struct co_task *napper; char byte; };
static struct calls last_calls;
static co_define(calls) {
    co_begin;
    self->r[0] = co_fd_pair(self->fds);
    if (self->r[0] < 0)
        self->fds[0] = self->fds[1] = -1;
    co_await(self->r[1], co_send(self->fds[0], "x", 1));
    if (self->r[1] < 0 && self->r[0] == 0)
        put(self->fds[0], "x");
    co_await(self->r[2], co_recv(self->fds[1], &self->byte, 1));
    self->napper = co_spawn(one_nap);
    self->r[3] = self->napper ? 0 : -ENOMEM;
    co_await(co_join(self->napper));
    co_task_free(self->napper);
    co_finally;
    last_calls = *self;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

/* The main task; the pair; send: the table and its entries, and the call; recv: the call; the
 * spawn; its timer. */
static void each_call_fails_once_with_an_error_of_its_own(void **state)
{
    static const intptr_t wanted[][4] = {
        { 0, 1, 1, 0 }, { 0, 0, 0, 0 }, { -EMFILE, -EBADF, -EBADF, 0 }, { 0, -ENOMEM, 1, 0 },
        { 0, -ENOMEM, 1, 0 }, { 0, -EPIPE, 1, 0 },
        { 0, 1, -ECONNRESET, 0 }, { 0, 1, 1, -ENOMEM }, { 0, 1, 1, 0 } };

    (void)state;
    for (uint64_t k = 0; k <= 8; k++) {
        struct co_trial_options options = { .virtual_time = 1, .fail_at = k };

        assert_int_equal(run_with(options, calls), k == 1 ? -ENOMEM : 0);
        for (int i = 0; i < 4 && k != 1; i++)
            assert_int_equal(last_calls.r[i], wanted[k][i]);
        if (k == 0)
            assert_int_equal(counts_.calls, 8);
    }
}

static void each_call_and_all_after_it_fail(void **state)
{
    struct co_trial_options options = { .virtual_time = 1, .fail_on = 1, .fail_at = 5 };
    static const intptr_t wanted[] = { 0, -EPIPE, -ECONNRESET, -ENOMEM };

    (void)state;
    assert_int_equal(run_with(options, calls), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(last_calls.r[i], wanted[i]);
    options.fail_at = 1;
    assert_int_equal(run_with(options, calls), -ENOMEM);
}

struct own_calls { co_frame; int i, failed; };
static co_define(own_calls) {
    co_begin;
    for (self->i = 0; self->i < 5; self->i++) {
        errno = 0;
        if (co_loop_fails(EIO)) {
            check_equal(errno, EIO);
            self->failed = 10 * self->failed + self->i + 1;
        }
    }
    co_return(self->failed);
    co_end;
}

static void calls_of_ones_own_fail_too(void **state)
{
    struct co_trial_options options = { .virtual_time = 1, .fail_at = 4 };  /* 1: the main task */

    (void)state;
    assert_int_equal(run_with(options, own_calls), 3);
    options.fail_on = 1;
    assert_int_equal(run_with(options, own_calls), 345);
    options.fail_at = 0;
    assert_int_equal(run_with(options, own_calls), 0);
    assert_int_equal(co_loop_fails(EIO), 0);    /* no loop */
}

struct taker { co_frame; int listener; intptr_t fd; };
static co_define(taker) {
    co_begin;
    co_try(self->fd, co_accept(self->listener));
    co_fd_close((int)self->fd);
    co_end;
}
struct knocker { co_frame; struct co_task *taker; int listener, fd; struct co_connect slot; };
static co_define(knocker) {
    co_begin;
    self->fd = -1;
    self->listener = co_tcp_listen(NULL, 0, 0);
    if (self->listener < 0)
        co_return(self->listener);
    self->taker = co_spawn(taker, .listener = self->listener);
    co_try(self->fd, co_connect(&self->slot, NULL, co_tcp_port(self->listener)));
    co_try(co_join(self->taker));
    co_finally;
    co_fd_close(self->fd);
    co_fd_close(self->listener);
    if (self->taker)
        co_await(co_join(self->taker));
    co_task_free(self->taker);
    co_end;
}

/* Of one that fails for good nobody who waits for the peer ever hears: that is a deadlock, told at
 * once, and no loop of tries. */
static void an_accept_that_fails_once_is_tried_again(void **state)
{
    struct co_trial_options options = { .virtual_time = 1 };
    int deadlocks = 0, is_paused = 0;

    (void)state;
    assert_int_equal(run_with(options, knocker), 0);
    for (uint64_t k = 1, calls = counts_.calls; k <= calls; k++) {
        options.fail_at = k;
        options.fail_on = 0;
        is_paused += run_with(options, knocker) == 0;
        options.fail_on = 1;
        deadlocks += run_with(options, knocker) == -EDEADLK;
    }
    assert_true(is_paused > 0);
    assert_true(deadlocks > 0);
}

/* ---- Without options ------------------------------------------------------------------------- */

static void a_loop_that_is_not_under_test_has_no_hooks_and_counts_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_non_null(i == 0 ? co_loop_new(NULL) : co_loop_new_trial(NULL, NULL));
        assert_null(co_scheduler_get()->hooks);
        assert_int_equal(end_with(co_spawn(letters)), 0);
        assert_int_equal(counts_.points + counts_.calls + counts_.tasks, 0);
    }
}

static void a_trial_without_options_counts_and_does_nothing_else(void **state)
{
    struct co_trial_options options = { 0 };

    (void)state;
    begin_with(options);
    assert_non_null(co_scheduler_get()->hooks);
    assert_int_equal(end_with(co_spawn(letters)), 0);
    assert_true(counts_.points > 0 && counts_.calls == 5);
    assert_int_equal(counts_.tasks, 0);
}

static void a_trial_runs_on_the_libev_loop_that_is_asked_for(void **state)
{
    struct ev_loop *ev = ev_loop_new(EVBACKEND_SELECT | EVFLAG_NOENV);
    struct co_loop_options options = { .ev = ev };
    struct co_trial_options trial = { .virtual_time = 1 };

    (void)state;
    assert_ptr_equal(co_loop_ev(co_loop_new_trial(&options, &trial)), ev);
    assert_int_equal(end_with(co_spawn(clock_reader)), 0);
    ev_loop_destroy(ev);
    options = (struct co_loop_options){ .backend = EVBACKEND_POLL };
    assert_int_equal(ev_backend(co_loop_ev(co_loop_new_trial(&options, &trial))), EVBACKEND_POLL);
    assert_int_equal(end_with(co_spawn(clock_reader)), 0);
    assert_non_null(co_loop_new(NULL));
    assert_null(co_loop_new_trial(&options, &trial));
    assert_int_equal(errno, EBUSY);
    co_loop_free(co_loop_current());
}

struct keeper { co_frame; struct co_task **kept; };
static co_define(keeper) {
    co_begin;
    *self->kept = co_spawn(one_nap);
    co_await(co_join(*self->kept));
    co_end;
}

static void tasks_that_are_not_freed_are_counted(void **state)
{
    struct co_trial_options options = { .virtual_time = 1 };
    struct co_task *kept = NULL;

    (void)state;
    begin_with(options);
    (void)run(keeper, .kept = &kept);
    assert_int_equal(co_loop_counts(co_loop_current()).tasks, 1);
    co_task_free(kept);
    assert_int_equal(co_loop_counts(co_loop_current()).tasks, 0);
    co_loop_free(co_loop_current());
}

static const struct CMUnitTest tests[] = {
    TEST_ALONE(the_clock_begins_at_0_and_jumps),
    TEST_ALONE(a_day_of_a_busy_program_gives_the_same_trace_twice),
    TEST_ALONE(no_clock_jumps_while_a_thread_is_at_work),
    TEST_ALONE(no_clock_jumps_while_a_child_is_at_work),
    TEST_ALONE(no_clock_jumps_while_the_loop_is_referenced),
    TEST_ALONE(a_post_comes_before_the_clock_jumps),
    TEST_ALONE(a_wait_for_an_fd_that_nobody_serves_is_a_deadlock_in_virtual_time),
    TEST_ALONE(a_seed_gives_one_trace_and_another_seed_another),
    TEST_ALONE(a_seed_gives_the_same_trace_in_another_process),
    TEST_ALONE(every_order_of_ready_tasks_occurs),
    TEST_ALONE(without_a_seed_tasks_run_in_order),
    TEST_ALONE(reads_and_writes_are_cut_short_and_delayed_at_rates_that_can_be_set),
    TEST_ALONE(who_waits_for_an_fd_is_woken_too_early_at_a_rate_that_can_be_set),
    TEST_ALONE(ops_that_want_all_of_it_get_all_of_it),
    TEST_ALONE(each_point_cancels_one_op),
    TEST_ALONE(a_pair_cancels_two_ops),
    TEST_ALONE(an_op_that_completes_at_once_is_a_point_and_the_next_one_is_cancelled),
    TEST_ALONE(each_point_where_a_task_waits_can_be_the_end_of_its_deadline),
    TEST_ALONE(the_time_of_co_wait_for_is_a_deadline_too),
    TEST_ALONE(each_call_fails_once_with_an_error_of_its_own),
    TEST_ALONE(each_call_and_all_after_it_fail),
    TEST_ALONE(calls_of_ones_own_fail_too),
    TEST_ALONE(an_accept_that_fails_once_is_tried_again),
    TEST_ALONE(a_loop_that_is_not_under_test_has_no_hooks_and_counts_nothing),
    TEST_ALONE(a_trial_without_options_counts_and_does_nothing_else),
    TEST_ALONE(a_trial_runs_on_the_libev_loop_that_is_asked_for),
    TEST_ALONE(tasks_that_are_not_freed_are_counted),
};

int main(int argc, char **argv)
{
    program_name = argv[0];
    if (argc == 3 && strcmp(argv[1], "trace") == 0) {
        char *trace = seed_trace((uint64_t)atoi(argv[2]));
        fputs(trace, stdout);
        free(trace);
        return 0;
    }
    return run_table(tests, NULL, NULL);
}
