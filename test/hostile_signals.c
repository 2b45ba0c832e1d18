/* SPDX-License-Identifier: BSD-2-Clause
 * hostile_signals.c: tests of what the system does to a process: SIGPIPE, a storm of signals,
 * fork(), SIGSTOP and SIGCONT. */
#include "hostile.h"
#include "net_test.h"
#include "../process.h"

#include <pthread.h>
#include <sys/time.h>

static volatile sig_atomic_t signals;

static void count_signal(int signo)
{
    (void)signo;
    signals++;
}

static void on_signal(int signo, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };        /* no SA_RESTART */

    sigaction(signo, &action, NULL);
}

/* ---- SIGPIPE --------------------------------------------------------------------------------- */

enum { DEFAULT, IGNORED, HANDLED, DISPOSITIONS };
enum dead { WRITE_PIPE, WRITE_SOCKET, FLUSH, SENDFILE, SEND, SEND_ALL, SENDMMSG, DEADS };
enum { WRITES = SEND };         /* ops that are a write() of sorts, which raises the signal */
static struct pipes { long tried, raised; } *pipes;

/* Each op that writes, to a peer that is gone: -EPIPE. */
struct to_dead {
    co_frame;
    int i, rounds, fds[2], file;
    enum dead dead;
    intptr_t n;
    struct co_sendfile sendfile;
    struct co_stream stream;
    struct co_datagram datagram;
    char out[10];
};
static co_define(to_dead)
{
    co_begin;
    for (self->i = 0; self->i < self->rounds * DEADS; self->i++) {
        self->dead = (enum dead)(self->i % DEADS);
        co_try(co_done(self->dead == WRITE_PIPE ? co_fd_pipe(self->fds) : co_fd_pair(self->fds)));
        co_fd_close(self->fds[0]);
        if (self->dead == WRITE_PIPE || self->dead == WRITE_SOCKET)
            co_await(self->n, co_write(self->fds[1], "x", 1));
        else if (self->dead == SEND)
            co_await(self->n, co_send(self->fds[1], "x", 1));
        else if (self->dead == SEND_ALL)
            co_await(self->n, co_send_all(self->fds[1], "x", 1));
        else if (self->dead == SENDFILE)
            co_await(self->n, co_sendfile(self->fds[1], &self->sendfile, self->file, 0, 1));
        else if (self->dead == SENDMMSG) {
            self->datagram = (struct co_datagram){ .data = self->out, .size = 1 };
            co_await(self->n, co_sendmmsg(self->fds[1], &self->datagram, 1));
        } else {
            co_stream_init(&self->stream, self->fds[1], NULL, 0);
            co_stream_output(&self->stream, self->out, sizeof self->out);
            check_equal(co_stream_write(&self->stream, "x", 1), 0);
            co_await(self->n, co_flush(&self->stream));
        }
        check_equal(self->n, -EPIPE);
        co_fd_close(self->fds[1]);
        pipes->tried++;
    }
    co_end;
}

/* A child begins with the default, whatever it is here. */
struct dies_of_it { co_frame; struct co_process child; intptr_t n; };
static co_define(dies_of_it)
{
    static char *const argv[] = { "sh", "-c", "kill -PIPE $$; exit 7", NULL };

    co_begin;
    co_try(co_done(co_process_spawn(&self->child, argv, NULL)));
    co_try(self->n, co_child(&self->child));
    check_equal(self->n, 128 + SIGPIPE);
    pipes->tried++;
    co_finally;
    co_process_close(&self->child);
    co_end;
}

static void *writes_to_dead(void *arg)
{
    char name[] = "/tmp/duffel-hostile-XXXXXX";
    int file = mkstemp(name);

    unlink(name);
    check_equal(write(file, "x", 1), 1);
    check(co_loop_new(NULL) != NULL);
    check_equal(goes(co_spawn(to_dead, .rounds = *(int *)arg, .file = file)), 0);
    check_equal(goes(co_spawn(dies_of_it)), 0);
    co_loop_free(co_loop_current());
    close(file);
    return NULL;
}

static void sigpipe_of(void *arg)
{
    static void (*const handlers[])(int) = { SIG_DFL, SIG_IGN, count_signal };
    int disposition = *(int *)arg, rounds = scaled(10000, 200, 5);
    struct sigaction action;
    pthread_t other;

    signals = 0;
    on_signal(SIGPIPE, handlers[disposition]);
    writes_to_dead(&rounds);
    check_equal(pthread_create(&other, NULL, writes_to_dead, &rounds), 0);
    pthread_join(other, NULL);
    sigaction(SIGPIPE, NULL, &action);
    check(action.sa_handler == (disposition == HANDLED ? count_signal : SIG_IGN));
    if (disposition == HANDLED)         /* it is told of each write(), and of no send() */
        check_equal(signals, 2 * rounds * WRITES);
    pipes->raised += signals;
}

static void sigpipe_kills_nobody_and_its_disposition_stays(void **state)
{
    (void)state;
    pipes = shared(sizeof *pipes);
    for (int disposition = 0; disposition < DISPOSITIONS; disposition++)
        ended_well(apart(sigpipe_of, &disposition));
    check_equal(pipes->tried, 3 * 2 * (scaled(10000, 200, 5) * DEADS + 1));
    told("SIGPIPE", pipes->tried, "%d ops, 3 dispositions, 2 threads: all -EPIPE; a handler of the "
         "program's own saw %ld", DEADS, pipes->raised);
}

/* ---- A storm of signals ---------------------------------------------------------------------- */

static struct { long bytes, sleeps, children, calls, peers; } storm;

/* Sends, and receives its own echo from another task, over TCP that it dials itself. */
struct dials { co_frame; int port, left, rounds, fd; intptr_t n; struct co_connect slot;
               char out[30000], in[30000]; };
static co_define(dials)
{
    co_begin;
    for (self->fd = -1; self->left > 0; self->left--) {
        co_try(self->n, co_connect(&self->slot, "localhost", self->port));
        self->fd = (int)self->n;
        for (self->rounds = 0; self->rounds < 5; self->rounds++) {
            memset(self->out, 'a' + self->left % 26 + self->rounds % 2, sizeof self->out);
            co_try(self->n, co_send_all(self->fd, self->out, 1 + sizeof self->out / 5));
            co_try(self->n, co_recv_exact(self->fd, self->in, 1 + sizeof self->out / 5));
            check(memcmp(self->in, self->out, (size_t)self->n) == 0);
            storm.bytes += self->n;
        }
        co_fd_close(self->fd);
        self->fd = -1;
        storm.peers++;
    }
    co_finally;
    check_equal(self->left, 0);
    if (self->fd >= 0)
        co_fd_close(self->fd);
    co_end;
}

/* No sleep is cut short. */
struct sleeps { co_frame; int left; double until, seconds; };
static co_define(sleeps)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        self->seconds = 0.001 * chance(20);
        self->until = co_time() + self->seconds;
        co_try(co_sleep(self->seconds));
        check(co_time() >= self->until - 1e-6);
        storm.sleeps++;
    }
    co_end;
}

struct breeds { co_frame; int left; struct co_process child; intptr_t n; char text[100000],
                out[100000]; };
static co_define(breeds)
{
    static char *const argv[] = { "cat", NULL };
    static const struct co_process_options options = { .in = CO_PROCESS_PIPE,
                                                       .out = CO_PROCESS_PIPE };

    co_begin;
    for (; self->left > 0; self->left--) {
        memset(self->text, 'a' + self->left % 26, sizeof self->text);
        co_try(co_done(co_process_spawn(&self->child, argv, &options)));
        co_try(self->n, co_communicate(&self->child, self->text, sizeof self->text, self->out,
                                       sizeof self->out));
        check_equal(self->n, sizeof self->text);
        check(memcmp(self->text, self->out, sizeof self->text) == 0);
        co_try(self->n, co_child(&self->child));
        check_equal(self->n, 0);
        co_process_close(&self->child);
        storm.children++;
    }
    co_finally;
    check_equal(self->left, 0);
    co_process_close(&self->child);
    co_end;
}

/* On the pool, where no signal comes: one nanosleep, whole. */
static intptr_t sleeps_once(void *arg)
{
    struct timespec t = { 0, *(long *)arg };

    return nanosleep(&t, NULL) == 0 ? 1 : -errno;
}

struct calls { co_frame; int left; long ns; intptr_t n; };
static co_define(calls)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        self->ns = 1 + (long)chance(10) * 1000000;
        co_try(self->n, co_thread(sleeps_once, &self->ns));
        check_equal(self->n, 1);
        storm.calls++;
    }
    co_finally;
    check_equal(self->left, 0);
    co_end;
}

static void a_storm_of_signals_reaches_no_op(void **state)
{
    (void)state;
    struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
    int peers = scaled(50, 20, 3), each = scaled(200, 10, 1), few = scaled(200, 10, 2);
    int listener = co_tcp_listen(NULL, 0, 0);
    long tried;

    memset(&storm, 0, sizeof storm);
    signals = 0;
    on_signal(SIGALRM, count_signal);
    setitimer(ITIMER_REAL, &often, NULL);
    (void)co_go(echo_server, .listener = listener, .left = peers * each);
    for (int i = 0; i < peers; i++) {
        (void)co_go(dials, .port = co_tcp_port(listener), .left = each);
        (void)co_go(sleeps, .left = 3 * each);
        (void)co_go(calls, .left = each);
    }
    for (int i = 0; i < 3; i++)
        (void)co_go(breeds, .left = few);
    runs();
    setitimer(ITIMER_REAL, &never, NULL);
    on_signal(SIGALRM, SIG_IGN);                /* one may still be on its way */
    check_equal(storm.peers, peers * each);
    check_equal(storm.sleeps, 3 * peers * each);
    check_equal(storm.calls, peers * each);
    check_equal(storm.children, 3 * few);
    check(signals > 0);
    tried = storm.peers + storm.sleeps + storm.calls + storm.children;
    told("EINTR", tried, "%ld signals at 1 kHz; %ld connections with %.1f MB, %ld sleeps, %ld "
         "calls on threads, %ld children: no EINTR seen", (long)signals, storm.peers,
         (double)storm.bytes / 1e6, storm.sleeps, storm.calls, storm.children);
}

/* ---- fork() ---------------------------------------------------------------------------------- */

enum { PAIRS = 50 };
static struct forked {
    int fds[PAIRS][2];
    struct co_task *tasks[PAIRS], *timers[PAIRS];
    long *heard;                        /* by the child */
} forked;

/* Hears bytes until '!', each on its own. The end of a task that is cancelled awaits as well. */
struct listens { co_frame; int fd, i; intptr_t n; char byte; };
static co_define(listens)
{
    co_begin;
    for (self->i = 0; self->byte != '!'; self->i++) {
        co_try(self->n, co_read(self->fd, &self->byte, 1));
        check_equal(self->n, 1);
    }
    co_return(self->i);
    co_finally;
    co_await(co_sleep(0.001));
    co_end;
}

static void fork_begins(void)
{
    for (int i = 0; i < PAIRS; i++) {
        pair(forked.fds[i]);
        forked.tasks[i] = co_spawn(listens, .fd = forked.fds[i][0]);
        forked.timers[i] = co_spawn(sleeps, .left = 3);
    }
    for (int i = 0; i < 3; i++)
        ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
}

/* What was armed before the fork still works: each gets 2 bytes. */
static void fork_ends(void)
{
    for (int i = 0; i < PAIRS; i++)
        put(forked.fds[i][1], "x!");
    runs();
    for (int i = 0; i < PAIRS; i++) {
        check_equal(co_task_result(forked.tasks[i]), 2);
        check_equal(co_task_result(forked.timers[i]), 0);
        co_task_free(forked.tasks[i]);
        co_task_free(forked.timers[i]);
    }
}

static void fork_closes(void)
{
    for (int i = 0; i < PAIRS; i++) {
        co_fd_close(forked.fds[i][0]);
        co_fd_close(forked.fds[i][1]);
    }
}

/* The child goes on with new pairs in place of the old ones, under the same numbers. */
static void child_begins(void)
{
    ev_loop_fork(co_loop_ev(co_loop_current()));
    for (int i = 0; i < PAIRS; i++) {
        int fds[2];

        pair(fds);
        for (int k = 0; k < 2; k++) {
            dup2(fds[k], forked.fds[i][k]);
            close(fds[k]);
        }
    }
}

static void child_ends(void)
{
    fork_ends();
    *forked.heard += PAIRS;
    fork_closes();
    co_loop_free(co_loop_current());
}

static void child_goes_on(void *arg)
{
    (void)arg;
    child_begins();
    child_ends();
}

/* It frees its copy of the loop, and makes one of its own, with all kinds of traffic. */
static void child_frees(void *told_libev)
{
    int listener;

    if (*(int *)told_libev)
        ev_loop_fork(co_loop_ev(co_loop_current()));
    for (int i = 0; i < PAIRS; i++) {
        co_task_detach(forked.tasks[i]);
        co_task_detach(forked.timers[i]);
    }
    for (int i = 0; i < PAIRS; i += 3)
        co_fd_close(forked.fds[i][0]);          /* here alone: the parent's stays */
    co_loop_free(co_loop_current());
    memset(&storm, 0, sizeof storm);
    check(co_loop_new(NULL) != NULL);
    listener = co_tcp_listen(NULL, 0, 0);
    (void)co_go(echo_server, .listener = listener, .left = 10);
    (void)co_go(dials, .port = co_tcp_port(listener), .left = 10);
    (void)co_go(sleeps, .left = 10);
    runs();
    check_equal(storm.peers, 10);
    co_loop_free(co_loop_current());
    *forked.heard += 1;
}

static intptr_t answers(void *arg)
{
    return *(int *)arg + 1;
}

struct asks_pool { co_frame; int number, left; intptr_t n; };
static co_define(asks_pool)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        co_try(self->n, co_thread(answers, &self->number));
        check_equal(self->n, self->number + 1);
        self->number += 3;
    }
    co_return(self->n);
    co_end;
}

/* The loop is left when the calls are over: other tasks wait on. */
struct calls_too { co_frame; struct asks_pool asks; int left; intptr_t n; };
static co_define(calls_too)
{
    co_begin;
    co_try(self->n, co_call(&self->asks, asks_pool, .left = self->left));
    co_return(self->n);
    co_finally;
    co_loop_stop(co_loop_current());
    co_end;
}

/* Both call their threads, which post to their loops, at the same time. */
static void child_calls(void *arg)
{
    alarm(20);
    child_begins();
    check_equal(goes(co_spawn(calls_too, .left = *(int *)arg)), 3 * *(int *)arg - 2);
    child_ends();
}

static void child_ends_pool(void *arg)
{
    int told_libev = 1;

    (void)arg;
    alarm(20);
    child_frees(&told_libev);
}

/* Forks with fds armed and timers running; the parent must not notice. */
static void forks(void (*child)(void *), void *arg, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        pid_t pid;

        fork_begins();
        pid = apart(child, arg);
        for (int k = 0; k < PAIRS; k++)
            put(forked.fds[k][1], "x");         /* events, while the child is at it */
        if (child == child_calls)
            check_equal(goes(co_spawn(calls_too, .left = *(int *)arg)), 3 * *(int *)arg - 2);
        ended_well(pid);
        for (int k = 0; k < PAIRS; k++)
            put(forked.fds[k][1], "!");
        runs();
        for (int k = 0; k < PAIRS; k++) {
            check_equal(co_task_result(forked.tasks[k]), 2);
            check_equal(co_task_result(forked.timers[k]), 0);
            co_task_free(forked.tasks[k]);
            co_task_free(forked.timers[k]);
        }
        fork_closes();
    }
}

static void a_child_of_fork_goes_on_or_begins_anew_and_the_parent_does_not_notice(void **state)
{
    (void)state;
    int rounds = scaled(100, 10, 1), no = 0, yes = 1;

    forked.heard = shared(sizeof *forked.heard);
    forks(child_goes_on, NULL, rounds);
    forks(child_frees, &yes, rounds);
    forks(child_frees, &no, rounds);
    check_equal(*forked.heard, rounds * (PAIRS + 2));
    told("fork", 3 * rounds, "%d fds armed and %d timers each; children that go on, that free the "
         "loop and make one of their own", PAIRS, PAIRS);
}

/* The second time the pool has threads, which the child has not. */
static void a_child_of_fork_has_a_pool_of_its_own(void **state)
{
    (void)state;
    int rounds = scaled(50, 5, 1), each = scaled(1000, 100, 10);

    forked.heard = shared(sizeof *forked.heard);
    for (int again = 0; again < 2; again++)
        forks(child_calls, &each, rounds);
    forks(child_ends_pool, NULL, rounds);
    check_equal(*forked.heard, rounds * (2 * PAIRS + 1));
    told("fork-pool", 3 * rounds, "%d calls on threads in the parent and in the child at once; "
         "children that end the pool", each);
}

/* ---- SIGSTOP, SIGCONT ------------------------------------------------------------------------ */

enum { TIMERS = 100, STOP_MS = 300 };
static struct stopped {
    volatile int ready, go;
    struct in_time times;
    long early, late_data;
} *stopped;

/* Data came while the process stood still, and the time is over as well: it gets the one or the
 * other, and nothing is lost. */
struct both { co_frame; int fd; struct co_within slot; intptr_t n; char byte; };
static co_define(both)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, 0.1, co_read(self->fd, &self->byte, 1)));
    if (self->n == -ETIMEDOUT)
        co_await(self->n, co_read(self->fd, &self->byte, 1));
    check_equal(self->n, 1);
    check_equal(self->byte, 's');
    stopped->late_data++;
    co_end;
}

/* Counts the seconds in steps: whatever is due meanwhile, one sleep ends once. */
struct ticks { co_frame; int i; double before; };
static co_define(ticks)
{
    co_begin;
    for (self->i = 0; self->i < 50; self->i++) {
        self->before = co_time();
        co_try(co_sleep(0.005));
        stopped->early += co_time() < self->before + 0.005 - 1e-6;
    }
    co_return(self->i);
    co_end;
}

static int stop_fds[2];

static void is_stopped(void *arg)
{
    struct co_task *tick;
    double start;

    (void)arg;
    check(co_loop_new(NULL) != NULL);
    start = co_time() + 0.02;
    for (int i = 0; i < TIMERS; i++)                    /* in any order */
        (void)co_go(sleeper, .number = i * 37 % TIMERS, .seen = &stopped->times,
              .until = start + 0.002 * (i * 37 % TIMERS));
    tick = co_spawn(ticks);
    (void)co_go(both, .fd = stop_fds[0]);
    for (int i = 0; i < 3; i++)
        ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    stopped->ready = 1;
    check_equal(goes(tick), 50);
    co_fd_close(stop_fds[0]);
    co_loop_free(co_loop_current());
}

static void a_process_that_is_stopped_goes_on_with_each_timer_once_and_in_order(void **state)
{
    (void)state;
    int rounds = scaled(50, 3, 1), status;
    long fired = 0;

    for (int i = 0; i < rounds; i++) {
        pid_t child;

        stopped = shared(sizeof *stopped);
        pair(stop_fds);
        child = apart(is_stopped, NULL);
        while (!stopped->ready)
            rest(1);
        rest(chance(60));                               /* some have fired, most have not */
        kill(child, SIGSTOP);
        check_equal(waitpid(child, &status, WUNTRACED), child);
        check(WIFSTOPPED(status));
        put(stop_fds[1], "s");
        rest(STOP_MS);
        kill(child, SIGCONT);
        ended_well(child);
        check_equal(stopped->times.fired, TIMERS);
        check_equal(stopped->times.disorder, 0);
        check_equal(stopped->times.early + stopped->early, 0);
        check_equal(stopped->late_data, 1);
        fired += stopped->times.fired;
        close(stop_fds[0]);
        close(stop_fds[1]);
    }
    told("SIGSTOP", rounds, "%ld timers, %d ms without the CPU: each once, in order, none early; "
         "data that came meanwhile is there", fired, STOP_MS);
}

static const struct CMUnitTest tests[] = {
    TEST_ALONE(sigpipe_kills_nobody_and_its_disposition_stays),
    TEST(a_storm_of_signals_reaches_no_op),
    TEST(a_child_of_fork_goes_on_or_begins_anew_and_the_parent_does_not_notice),
    TEST_ALONE(a_process_that_is_stopped_goes_on_with_each_timer_once_and_in_order),
    TEST(a_child_of_fork_has_a_pool_of_its_own),
};

TEST_MAIN(tests)
