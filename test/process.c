/* SPDX-License-Identifier: BSD-2-Clause
 * process.c: tests of co_signal and of children: what they inherit, their end, cancel, no zombies.
 * All run with pidfds and again without. As `process MODE` this program is such a child. */
#define _GNU_SOURCE
#include "loop_test.h"
#include "../process.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static char *self_;             /* the path of this program */

/* After each test: no child is left, not even a zombie; and the fds are as before. */
static int children_gone(void **state)
{
    bool left = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;

    if (left)
        print_error("a child is left\n");
    return test_ends(state) < 0 || left ? -1 : 0;
}

static int processes_end(void **state)
{
    co_loop_free(co_loop_current());
    return children_gone(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_begins, processes_end)
#undef TEST_ALONE
#define TEST_ALONE(name) cmocka_unit_test_setup_teardown(name, test_begins, children_gone)

/* valgrind runs the child of a vfork() as that of a fork(): the errno of its exec is lost. */
static bool exec_fails_late(void)
{
    return under_valgrind();
}

/* ---- Modes of the child ---------------------------------------------------------------------- */

static void on_term(int signo)
{
    (void)signo;
    _exit(3);
}

static int child_fds(void)
{
    for (int fd = 0; fd < 3000; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("%d ", fd);
    return 0;
}

static int child_signals(void)
{
    struct sigaction action;
    sigset_t mask;
    int odd = 0;

    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int signo = 1; signo < NSIG; signo++)
        if (sigaction(signo, NULL, &action) == 0)
            odd += action.sa_handler == SIG_IGN || sigismember(&mask, signo) > 0;
    printf("%d", odd);
    return 0;
}

/* "stubborn" ignores SIGTERM, "polite" exits with 3 on it; both say when they are ready. */
static _Noreturn void child_waits(const char *mode)
{
    signal(SIGTERM, strcmp(mode, "polite") == 0 ? on_term : SIG_IGN);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

static int child(const char *mode)
{
    alarm(60);                  /* whatever becomes of the test */
    if (strcmp(mode, "fds") == 0)
        return child_fds();
    if (strcmp(mode, "signals") == 0)
        return child_signals();
    child_waits(mode);
}

/* ---- Signals --------------------------------------------------------------------------------- */

struct listener { co_frame; int signo, times; intptr_t n; };
static co_define(listener)
{
    co_begin;
    for (; self->times > 0; self->times--)
        co_try(co_signal(self->signo));
    co_return(1);
    co_end;
}

struct several { co_frame; struct co_task *tasks[3]; int i; };
static co_define(several)
{
    co_begin;
    for (self->i = 0; self->i < 3; self->i++)
        self->tasks[self->i] = co_spawn(listener, .signo = SIGUSR1, .times = 2);
    co_try(co_sleep(0.01));
    kill(getpid(), SIGUSR1);
    co_try(co_sleep(0.01));
    check_equal(co_task_state(self->tasks[0]), CO_TASK_PENDING);
    kill(getpid(), SIGUSR1);
    co_try(co_gather(self->tasks, 3));
    for (self->i = 0; self->i < 3; self->i++) {
        check_equal(co_task_result(self->tasks[self->i]), 1);
        co_task_free(self->tasks[self->i]);
    }
    co_end;
}

static void each_delivery_wakes_all_who_wait_for_that_signal(void **state)
{
    (void)state;
    run(several);
}

struct between { co_frame; struct co_within slot; struct co_task *task; intptr_t n; };
static co_define(between)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, 0.01, co_signal(SIGUSR1)));     /* arms it */
    check_equal(self->n, -ETIMEDOUT);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);            /* not armed: see below */
    co_try(co_sleep(0.01));
    co_await(self->n, co_signal(SIGUSR1));
    check_equal(self->n, 0);
    co_await(self->n, co_within(&self->slot, 0.01, co_signal(SIGUSR1)));     /* two were one */
    check_equal(self->n, -ETIMEDOUT);
    co_await(self->n, co_within(&self->slot, 0.01, co_signal(SIGUSR2)));
    check_equal(self->n, -ETIMEDOUT);
    self->task = co_spawn(listener, .signo = SIGUSR1, .times = 1);
    co_try(co_sleep(0));
    co_cancel(self->task);
    kill(getpid(), SIGUSR1);            /* comes when the cancelled one has left: is kept */
    co_await(self->n, co_join(self->task));
    check_equal(self->n, -ECANCELED);
    co_task_free(self->task);
    co_await(self->n, co_signal(SIGUSR1));
    check_equal(self->n, 0);
    co_end;
}

static void a_signal_between_two_awaits_is_not_lost_and_several_are_one(void **state)
{
    (void)state;
    signal(SIGUSR2, SIG_IGN);
    run(between);
    signal(SIGUSR2, SIG_DFL);
}

struct rival { co_frame; struct co_task *other; intptr_t n; };
static co_define(rival)
{
    co_begin;
    co_try(co_signal(SIGUSR1));
    if (self->other)
        co_cancel(self->other);         /* which was woken in this same turn */
    co_await(self->n, co_sleep(0));
    co_return(self->n);
    co_end;
}

struct rivals { co_frame; struct co_task *a, *b; };
static co_define(rivals)
{
    co_begin;
    self->a = co_spawn(rival);
    co_try(co_sleep(0));
    self->b = co_spawn(rival);
    co_try(co_sleep(0.01));
    CO_TASK_FRAME(self->a, rival)->other = self->b;
    kill(getpid(), SIGUSR1);
    co_await(co_join(self->a));
    co_await(co_join(self->b));
    check_equal(co_task_result(self->a), 0);
    check_equal(co_task_result(self->b), -ECANCELED);   /* of its sleep */
    check_equal(CO_TASK_FRAME(self->b, rival)->n, -ECANCELED);
    co_task_free(self->a);
    co_task_free(self->b);
    co_end;
}

static void a_cancel_in_the_turn_of_the_signal_meets_the_next_await(void **state)
{
    (void)state;
    run(rivals);
}

static void a_task_that_waits_for_a_signal_is_no_deadlock(void **state)
{
    (void)state;
    char *argv[] = { "sh", "-c", "while sleep 0.1; do kill -USR1 $PPID; done", NULL };
    struct co_process process;

    signal(SIGUSR1, SIG_IGN);           /* before and after the wait */
    assert_int_equal(co_process_spawn(&process, argv, NULL), 0);
    assert_int_equal(run(listener, .signo = SIGUSR1, .times = 1), 1);
    co_process_close(&process);
    co_loop_free(co_loop_current());
    signal(SIGUSR1, SIG_DFL);
}

struct numbers { co_frame; intptr_t n; };
static co_define(numbers)
{
    static const int bad[] = { 0, -1, 65, 1000, 32, SIGKILL, SIGSTOP, SIGSEGV, SIGFPE };
    static size_t i;

    co_begin;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        co_await(self->n, co_signal(bad[i]));
        check_equal(self->n, -EINVAL);
    }
    co_end;
}

static void a_signal_that_is_none_or_cannot_be_caught_is_refused(void **state)
{
    (void)state;
    run(numbers);
}

static void nothing(int signo)
{
    (void)signo;
}

static void after_the_loop_the_disposition_is_as_before(void **state)
{
    (void)state;
    void (*const before[])(int) = { SIG_DFL, SIG_IGN, nothing };

    for (size_t i = 0; i < 3; i++) {
        struct sigaction now;
        struct co_task *task;

        signal(SIGUSR1, before[i]);
        assert_non_null(co_loop_new(NULL));
        task = co_spawn(listener, .signo = SIGUSR1, .times = 1);
        assert_int_equal(co_loop_post(co_loop_current(), (void (*)(void *))co_loop_stop,
                                      co_loop_current()), 0);
        co_loop_run(co_loop_current());
        sigaction(SIGUSR1, NULL, &now);
        assert_true(now.sa_handler != before[i]);
        co_task_detach(task);
        co_loop_free(co_loop_current());
        sigaction(SIGUSR1, NULL, &now);
        assert_true(now.sa_handler == before[i]);
    }
    signal(SIGUSR1, SIG_DFL);
}

static void on_usr1(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    (void)ev, (void)revents;
    ++*(int *)watcher->data;
}

static void a_libev_watcher_of_the_same_loop_goes_on(void **state)
{
    (void)state;
    struct ev_loop *ev = co_loop_ev(co_loop_current());
    ev_signal watcher;
    int came = 0;

    ev_signal_init(&watcher, on_usr1, SIGUSR1);
    watcher.data = &came;
    ev_signal_start(ev, &watcher);
    ev_unref(ev);
    run(several);
    assert_int_equal(came, 2);
    ev_ref(ev);
    ev_signal_stop(ev, &watcher);
}

struct loner { co_frame; int signo; struct co_within slot; };
static co_define(loner)
{
    co_begin;
    co_try(co_within(&self->slot, 0.01, co_signal(self->signo)));
    co_end;
}

static void *other_loop(void *result)
{
    *(intptr_t *)result = co_main(loner, .signo = SIGUSR1);
    return NULL;
}

static intptr_t elsewhere(void)
{
    intptr_t result = 1;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, other_loop, &result), 0);
    pthread_join(thread, NULL);
    return result;
}

static void a_signal_of_another_loop_is_busy_until_that_is_freed(void **state)
{
    (void)state;
    co_loop_new(NULL);
    assert_int_equal(run(loner, .signo = SIGUSR1), -ETIMEDOUT);
    assert_int_equal(elsewhere(), -EBUSY);
    co_loop_free(co_loop_current());
    assert_int_equal(elsewhere(), -ETIMEDOUT);
    co_loop_new(NULL);
    assert_int_equal(run(loner, .signo = SIGUSR1), -ETIMEDOUT);
    co_loop_free(co_loop_current());
}

struct interrupted { co_frame; struct co_within slot; intptr_t n; };
static co_define(interrupted)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, 0.01, co_signal(SIGINT)));
    kill(getpid(), SIGINT);
    co_try(co_sleep(0.01));             /* it does not cancel this */
    co_try(co_signal(SIGINT));
    co_return(7);
    co_end;
}

static void sigint_goes_to_who_asks_for_it_and_not_to_the_main_task(void **state)
{
    (void)state;
    struct sigaction now;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(co_main(interrupted), 7);
        sigaction(SIGINT, NULL, &now);
        assert_true(now.sa_handler == SIG_DFL);
    }
}

/* ---- What a child is given ------------------------------------------------------------------- */

/* Runs `sh -c SCRIPT`, or [argv], reads its stdout and gives its end. */
struct output {
    co_frame;
    char *script, *argv[4];
    struct co_process_options options;
    struct co_process child;
    intptr_t n, r;
    char text[512];
    size_t done;
};
static co_define(output)
{
    co_begin;
    if (self->script) {
        self->argv[0] = "sh", self->argv[1] = "-c", self->argv[2] = self->script;
    }
    if (!self->options.out)
        self->options.out = CO_PROCESS_PIPE;
    co_try(co_done(co_process_spawn(&self->child, self->argv, &self->options)));
    while (self->child.out >= 0) {
        co_try(self->n, co_read(self->child.out, self->text + self->done,
                                sizeof self->text - 1 - self->done));
        self->done += (size_t)self->n;
        if (self->n == 0)
            break;
    }
    co_try(self->r, co_child(&self->child));
    co_return(self->r);
    co_finally;
    co_process_close(&self->child);
    co_end;
}

/* Its result, and in text what it wrote. */
#define output_is(wanted, status, ...) output_is_(wanted, status, co_spawn(output, __VA_ARGS__))

static void output_is_(const char *wanted, int status, struct co_task *task)
{
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), status);
    assert_string_equal(CO_TASK_FRAME(task, output)->text, wanted);
    co_task_free(task);
}

static void its_exit_status_or_128_plus_its_signal_is_given(void **state)
{
    (void)state;
    output_is("", 0, .script = "exit 0");
    output_is("", 7, .script = "exit 7");
    output_is("", 255, .script = "exit 255");
    output_is("", 128 + SIGKILL, .script = "kill -KILL $$");
    output_is("x", 128 + SIGTERM, .script = "printf x; kill $$");
}

static int spawn_sh(struct co_process *process, struct co_process_options options, char *script)
{
    char *argv[] = { "sh", "-c", script, NULL };

    return co_process_spawn(process, argv, &options);
}

static void what_cannot_be_started_leaves_nothing_behind(void **state)
{
    (void)state;
    char *missing[] = { "no-such-program", NULL }, *directory[] = { "/", NULL }, *none[] = { NULL };
    struct co_process_options pipes = { .in = CO_PROCESS_PIPE, .out = CO_PROCESS_PIPE,
                                        .err = CO_PROCESS_PIPE };
    struct co_process p;
    struct rlimit old, few;

    if (!exec_fails_late()) {
        assert_int_equal(co_process_spawn(&p, missing, &pipes), -ENOENT);
        co_process_close(&p);
        assert_int_equal(co_process_spawn(&p, directory, NULL), -EACCES);
        pipes.cwd = "/no/such/directory";
        assert_int_equal(spawn_sh(&p, pipes, "exit"), -ENOENT);
        pipes.cwd = NULL;
    }
    assert_int_equal(co_process_spawn(&p, none, &pipes), -EINVAL);
    assert_int_equal(co_process_spawn(&p, NULL, &pipes), -EINVAL);
    pipes.err = 2999;
    assert_int_equal(spawn_sh(&p, pipes, "exit"), -EBADF);
    pipes.err = -4;
    assert_int_equal(spawn_sh(&p, pipes, "exit"), -EINVAL);
    pipes.err = 0, pipes.out = CO_PROCESS_STDOUT;
    assert_int_equal(spawn_sh(&p, pipes, "exit"), -EINVAL);
    assert_int_equal(co_process_kill(&p, SIGTERM), -ESRCH);
    co_process_close(&p);

    pipes.out = pipes.err = CO_PROCESS_PIPE;
    getrlimit(RLIMIT_NOFILE, &old);
    for (int spare = 0; spare < 6; spare++) {
        few = old;
        few.rlim_cur = (rlim_t)(dup(0) + spare);
        close((int)few.rlim_cur - spare);
        setrlimit(RLIMIT_NOFILE, &few);
        assert_int_equal(spawn_sh(&p, pipes, "exit"), -EMFILE);
        setrlimit(RLIMIT_NOFILE, &old);
    }
}

static void a_child_has_the_fds_0_1_and_2_alone(void **state)
{
    (void)state;
    int fds[2], kept;

    one_way(fds);
    kept = fcntl(0, F_DUPFD, 100);              /* not close-on-exec */
    output_is("0 1 2 ", 0, .argv = { self_, "fds" });
    output_is("0 1 2 ", 0, .argv = { self_, "fds" }, .options = { .in = CO_PROCESS_PIPE,
              .err = CO_PROCESS_PIPE });
    output_is("0 1 2 ", 0, .argv = { self_, "fds" }, .options = { .in = fds[0],
              .err = CO_PROCESS_STDOUT });
    close(kept);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

static void a_child_has_its_streams_though_ours_are_closed_or_close_on_exec(void **state)
{
    (void)state;
    int in = fcntl(0, F_DUPFD_CLOEXEC, 50), err = fcntl(2, F_DUPFD_CLOEXEC, 50);

    fcntl(2, F_SETFD, FD_CLOEXEC);
    output_is("0 1 2 ", 0, .argv = { self_, "fds" });
    close(0);
    output_is("1 2 ", 0, .argv = { self_, "fds" });
    output_is("0 1 2 ", 0, .argv = { self_, "fds" }, .options = { .in = CO_PROCESS_PIPE });
    close(2);
    output_is("0 1 ", 0, .argv = { self_, "fds" }, .options = { .in = CO_PROCESS_NULL });
    output_is("0 1 2 ", 0, .argv = { self_, "fds" }, .options = { .in = CO_PROCESS_PIPE,
              .err = CO_PROCESS_PIPE });
    dup2(in, 0);
    dup2(err, 2);
    close(in);
    close(err);
}

static void a_child_has_default_signals_and_an_empty_mask(void **state)
{
    (void)state;
    sigset_t mask, old;

    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, &old);
    output_is("0", 0, .argv = { self_, "signals" });
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGUSR1, SIG_DFL);
}

static void a_child_has_the_directory_and_the_environment_it_is_given(void **state)
{
    (void)state;
    char *env[] = { "SEASON=winter", NULL };

    setenv("SEASON", "summer", 1);
    output_is("/\n", 0, .script = "pwd", .options = { .cwd = "/" });
    output_is("summer\n", 0, .script = "echo $SEASON");
    output_is("winter ", 0, .script = "/bin/echo -n \"$SEASON $HOME\"", .options = { .env = env });
}

static void the_streams_of_a_child_go_where_they_are_sent(void **state)
{
    (void)state;
    int fds[2], both[2];
    char buf[16] = "";

    assert_int_equal(pipe(fds), 0);
    output_is("ab", 0, .script = "printf a; printf b >&2", .options = { .err = CO_PROCESS_STDOUT });
    output_is("a", 0, .script = "printf a; printf b >&2", .options = { .err = CO_PROCESS_NULL });
    output_is("", 1, .script = "read x", .options = { .in = CO_PROCESS_NULL });
    output_is("a", 0, .script = "printf a; printf b >&2", .options = { .err = fds[1] });
    output_is("", 0, .script = "printf c", .options = { .out = fds[1] });
    assert_int_equal(read(fds[0], buf, sizeof buf), 2);
    assert_string_equal(buf, "bc");
    both[0] = fcntl(1, F_DUPFD_CLOEXEC, 50), both[1] = fcntl(2, F_DUPFD_CLOEXEC, 50);
    dup2(fds[1], 1);                            /* out and err change places */
    output_is("", 0, .script = "printf d >&2", .options = { .out = 2, .err = 1 });
    dup2(both[0], 1);
    assert_int_equal(read(fds[0], buf, sizeof buf), 1);
    assert_int_equal(buf[0], 'd');
    close(fds[0]), close(fds[1]), close(both[0]), close(both[1]);
}

struct number { co_frame; int fds[2]; struct co_within slot; intptr_t n; };
static co_define(number)
{
    co_begin;
    for (int i = 0; i < 2; i++)
        put(self->fds[i], "x");
    co_try(co_readable(self->fds[0]));
    co_try(co_readable(self->fds[1]));
    close(self->fds[0]);                /* the loop is not told */
    close(self->fds[1]);
    co_end;
}

static void a_pipe_is_read_though_its_number_was_closed_by_close(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(number, .fds = { fds[0], fds[1] });
    output_is("x", 0, .script = "sleep 0.05; printf x");
}

/* ---- Talking to it --------------------------------------------------------------------------- */

enum { BIG = 1 << 20 };
static char big[BIG], copy[BIG];

struct talk {
    co_frame;
    char *script;
    struct co_process_options options;
    size_t size, room;
    struct co_process child;
    intptr_t n, status;
};
static co_define(talk)
{
    co_begin;
    co_try(co_done(spawn_sh(&self->child, self->options, self->script)));
    co_try(self->n, co_communicate(&self->child, big, self->size, copy, self->room));
    co_try(self->status, co_child(&self->child));
    co_return(self->status == 0 ? self->n : 100000000 + self->status);
    co_finally;
    co_process_close(&self->child);
    co_end;
}

#define PIPES .options = { .in = CO_PROCESS_PIPE, .out = CO_PROCESS_PIPE }

static void more_than_the_pipes_hold_is_written_and_read_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < BIG; i++)
        big[i] = (char)(i * 7 / 3);
    assert_int_equal(run(talk, PIPES, .script = "cat", .size = BIG, .room = BIG), BIG);
    assert_memory_equal(big, copy, BIG);
    assert_int_equal(run(talk, PIPES, .script = "cat", .size = BIG, .room = BIG - 1), -EMSGSIZE);
    assert_int_equal(run(talk, PIPES, .script = "cat", .size = 0, .room = 0), 0);
    assert_int_equal(run(talk, PIPES, .script = "exit 5", .size = 3, .room = 9), 100000005);
}

static void a_child_that_does_not_read_its_input_is_no_error_of_the_talk(void **state)
{
    (void)state;
    assert_int_equal(run(talk, PIPES, .script = "exec <&-; printf hi", .size = BIG, .room = 9), 2);
    assert_int_equal(run(talk, PIPES, .script = "exec >&-; cat >/dev/null", .size = BIG), 0);
}

static void a_talk_wants_the_pipes_that_it_uses(void **state)
{
    (void)state;
    assert_int_equal(run(talk, .script = "cat", .options = { .in = CO_PROCESS_PIPE }), -EINVAL);
    assert_int_equal(run(talk, .script = "cat", .options = { .out = CO_PROCESS_PIPE }, .size = 1),
                     -EINVAL);
    assert_int_equal(run(talk, .script = "cat", .options = { .in = CO_PROCESS_PIPE,
                         .out = CO_PROCESS_PIPE, .err = CO_PROCESS_PIPE }), -EINVAL);
    assert_int_equal(run(talk, .script = "printf abc", .options = { .out = CO_PROCESS_PIPE },
                         .room = 3), 3);
}

struct early { co_frame; struct co_process child; intptr_t n; };
static co_define(early)
{
    co_begin;
    co_try(co_done(spawn_sh(&self->child, (struct co_process_options){ .in = CO_PROCESS_PIPE },
                            "exec <&-; sleep 0.1")));
    do
        co_await(self->n, co_write(self->child.in, big, 4096));
    while (self->n > 0);
    check_equal(self->n, -EPIPE);
    co_process_close_in(&self->child);
    co_process_close_in(&self->child);
    co_try(self->n, co_child(&self->child));
    check_equal(self->n, 0);
    co_finally;
    co_process_close(&self->child);
    co_process_close(&self->child);
    co_end;
}

static void a_write_to_a_child_that_closed_its_stdin_is_epipe(void **state)
{
    (void)state;
    run(early);
}

/* ---- Its end --------------------------------------------------------------------------------- */

static void two_hundred_children_run_at_once(void **state)
{
    (void)state;
    static struct co_task *tasks[200];
    const int n = sized(200, 20);
    double start = co_time();

    for (int i = 0; i < n; i++)
        tasks[i] = co_spawn(talk, .script = "sleep 0.3; printf xyz",
                            .options = { .out = CO_PROCESS_PIPE }, .room = (size_t)i);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(co_task_result(tasks[i]), i < 3 ? -EMSGSIZE : 3);
        co_task_free(tasks[i]);
    }
    assert_true(co_time() - start < 20);        /* one after the other: 60 */
}

/* Starts `process MODE`, waits until it is ready, and then for its end. */
struct waits {
    co_frame;
    char *mode;
    double grace;
    struct co_process child;
    char *argv[3], text[8];
    int waiting;
    intptr_t n;
};
static co_define(waits)
{
    co_begin;
    self->argv[0] = self_, self->argv[1] = self->mode;
    co_try(co_done(co_process_spawn(&self->child, self->argv, &(struct co_process_options){
        .out = CO_PROCESS_PIPE, .grace = self->grace })));
    co_try(self->n, co_read(self->child.out, self->text, 8));
    self->waiting = 1;
    co_await(self->n, co_child(&self->child));
    co_return(self->n);
    co_finally;
    co_process_close(&self->child);
    co_end;
}

/* Lets a task that runs waits be in its co_child. */
#define CO_READY(task) \
    while (!CO_TASK_FRAME(task, waits)->waiting) co_try(co_sleep(0.002)); \
    co_try(co_sleep(0.01))

struct cancels {
    co_frame;
    char *mode;
    double grace, again;            /* seconds to a second cancel */
    struct co_task *task;
    double start, took;
    int status;
};
static co_define(cancels)
{
    co_begin;
    self->task = co_spawn(waits, .mode = self->mode, .grace = self->grace);
    CO_READY(self->task);
    self->start = co_time();
    co_cancel(self->task);
    if (self->again > 0) {
        co_try(co_sleep(self->again));
        co_cancel(self->task);
    }
    co_await(co_join(self->task));
    check_equal(co_task_result(self->task), -ECANCELED);
    self->took = co_time() - self->start;
    self->status = CO_TASK_FRAME(self->task, waits)->child.status;
    co_task_free(self->task);
    co_end;
}

#define cancelled(check, ...) do {                                                                \
        struct co_task *task_ = co_spawn(cancels, __VA_ARGS__);                                   \
        assert_int_equal(co_loop_run(co_loop_current()), 0);                                      \
        assert_int_equal(failures_, 0);                                                           \
        int status = CO_TASK_FRAME(task_, cancels)->status;                                       \
        double took = CO_TASK_FRAME(task_, cancels)->took;                                        \
        assert_true(check);                                                                       \
        (void)status, (void)took;                                                                 \
        co_task_free(task_);                                                                      \
    } while (0)

static void a_cancel_ends_the_child_by_sigterm(void **state)
{
    (void)state;
    cancelled(WIFEXITED(status) && WEXITSTATUS(status) == 3 && took < 4, .mode = "polite");
}

static void a_child_that_ignores_sigterm_is_killed_after_the_grace_period(void **state)
{
    (void)state;
    cancelled(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && took > 0.19 && took < 4,
              .mode = "stubborn", .grace = 0.2);
}

static void a_second_cancel_or_no_grace_period_kills_at_once(void **state)
{
    (void)state;
    cancelled(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && took < 4,
              .mode = "stubborn", .grace = 50, .again = 0.05);
    cancelled(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && took < 4,
              .mode = "polite", .grace = -1);
}

struct deadline {
    co_frame;
    double outer;
    struct co_process child;
    struct co_within slot, wide;
    char ready[8];
};
static co_define(deadline)
{
    co_begin;
    co_try(co_done(spawn_sh(&self->child, (struct co_process_options){ .out = CO_PROCESS_PIPE,
                            .grace = 0.2 }, "trap '' TERM; echo ready; exec sleep 50")));
    co_try(co_read(self->child.out, self->ready, sizeof self->ready));
    co_try(co_within(&self->wide, self->outer,
                     co_within(&self->slot, 0.05, co_child(&self->child))));
    co_finally;
    check_equal(self->child.status, SIGKILL);
    co_try(co_child(&self->child));             /* 137: not what this coroutine gives */
    co_process_close(&self->child);
    co_end;
}

static void a_deadline_on_a_child_kills_it_and_is_etimedout(void **state)
{
    (void)state;
    assert_int_equal(run(deadline, .outer = 50), -ETIMEDOUT);
    assert_int_equal(run(deadline, .outer = 0.1), -ETIMEDOUT);      /* within the grace period */
    assert_int_equal(run(deadline, .outer = 0.01), -ETIMEDOUT);
}

/* Cancels a task in its k-th turn, whatever it does there. */
struct cancel_at { co_frame; struct co_task *task; int k, by_time; };
static co_define(cancel_at)
{
    co_begin;
    self->task = co_spawn(talk, PIPES, .script = "cat", .size = BIG, .room = BIG);
    for (; self->k > 0; self->k--)
        co_try(co_sleep(self->by_time ? 0.0003 : 0));
    co_cancel(self->task);
    co_await(co_join(self->task));
    check(co_task_result(self->task) == -ECANCELED || co_task_result(self->task) == BIG);
    co_task_free(self->task);
    co_end;
}

static void a_cancel_at_any_point_leaves_no_child_and_no_fd(void **state)
{
    (void)state;
    for (int k = 0; k < sized(30, 5); k++) {
        int fds = open_fds();

        run(cancel_at, .k = k);
        run(cancel_at, .k = k, .by_time = 1);
        assert_true(open_fds() - fds <= 1);     /* libev's own, for signals or timers */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

struct late { co_frame; struct co_process child; struct co_task *waiter; intptr_t n; };
struct end_of { co_frame; struct co_process *child; intptr_t n; };
static co_define(end_of)
{
    co_begin;
    co_await(self->n, co_child(self->child));
    co_return(self->n);
    co_end;
}

static co_define(late)
{
    co_begin;
    co_await(self->n, co_child(&self->child));
    check_equal(self->n, -ECHILD);              /* nothing was started */
    co_process_close(&self->child);
    co_try(co_done(spawn_sh(&self->child, (struct co_process_options){ .in = CO_PROCESS_PIPE },
                            "read x; exit 9")));
    self->waiter = co_spawn(end_of, .child = &self->child);
    co_try(co_sleep(0.01));
    co_await(self->n, co_child(&self->child));
    check_equal(self->n, -EBUSY);
    check_equal(co_process_kill(&self->child, 0), 0);
    check_equal(co_process_kill(&self->child, 1000), -EINVAL);
    co_process_close_in(&self->child);
    co_await(self->n, co_join(self->waiter));
    check_equal(self->n, 9);
    co_await(self->n, co_child(&self->child));
    check_equal(self->n, 9);
    check_equal(co_process_kill(&self->child, SIGTERM), -ESRCH);
    co_task_free(self->waiter);
    co_process_close(&self->child);
    co_end;
}

static void one_task_waits_for_the_end_and_others_may_ask_afterwards(void **state)
{
    (void)state;
    run(late);
}

struct closes {
    co_frame; struct co_process child; struct co_task *waiter; int cancel; intptr_t n;
};
static co_define(closes)
{
    co_begin;
    co_try(co_done(spawn_sh(&self->child, (struct co_process_options){ .out = CO_PROCESS_PIPE },
                            "sleep 0.01; exec sleep 50")));
    self->waiter = co_spawn(end_of, .child = &self->child);
    co_try(co_sleep(0.05));
    if (self->cancel)
        co_cancel(self->waiter);
    co_process_close(&self->child);
    co_await(self->n, co_join(self->waiter));
    check_equal(self->n, self->cancel ? -ECANCELED : 128 + SIGKILL);
    co_task_free(self->waiter);
    co_end;
}

static void closing_kills_and_who_waits_gets_the_status(void **state)
{
    (void)state;
    const struct co_process_options in_pipe = { .in = CO_PROCESS_PIPE };
    struct co_process p;
    siginfo_t info;

    run(closes);
    run(closes, .cancel = 1);
    assert_int_equal(spawn_sh(&p, in_pipe, "read x"), 0);
    co_process_close(&p);                       /* never awaited */
    assert_int_equal(p.status, SIGKILL);
    assert_int_equal(spawn_sh(&p, in_pipe, "exit 4"), 0);
    assert_int_equal(waitid(P_PID, (id_t)p.pid, &info, WEXITED | WNOWAIT), 0);
    co_process_close(&p);                       /* a zombie */
    assert_int_equal(WEXITSTATUS(p.status), 4);
    memset(&p, 0, sizeof p);
    co_process_close(&p);
}

struct leftover { co_frame; };
static co_define(leftover)
{
    co_begin;
    (void)co_go(waits, .mode = "stubborn", .grace = 0.1);
    (void)co_go(waits, .mode = "polite");
    co_try(co_sleep(sized(1, 6) * 0.1));
    co_end;
}

static void a_loop_that_ends_ends_its_children_first(void **state)
{
    (void)state;
    assert_int_equal(co_main(leftover), 0);
}

struct dies { co_frame; struct co_task *task; siginfo_t info; };
static co_define(dies)
{
    co_begin;
    self->task = co_spawn(waits, .mode = "polite");
    CO_READY(self->task);
    kill(CO_TASK_FRAME(self->task, waits)->child.pid, SIGKILL);
    waitid(P_PID, (id_t)CO_TASK_FRAME(self->task, waits)->child.pid, &self->info,
           WEXITED | WNOWAIT);
    co_cancel(self->task);
    co_await(co_join(self->task));
    check_equal(co_task_result(self->task), -ECANCELED);
    check_equal(CO_TASK_FRAME(self->task, waits)->child.status, SIGKILL);
    co_task_free(self->task);
    co_end;
}

static void a_child_that_died_just_before_the_cancel_keeps_its_status(void **state)
{
    (void)state;
    run(dies);
}

static void a_status_that_somebody_else_took_is_echild(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);                   /* the kernel takes it */
    output_is("x", -ECHILD, .script = "printf x; exit 3");
    signal(SIGCHLD, SIG_DFL);
}

/* From now on there is no pidfd, as with an old kernel. */
static int without_pidfd(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = 4, .filter = filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static const struct CMUnitTest tests[] = {
    TEST(each_delivery_wakes_all_who_wait_for_that_signal),
    TEST(a_signal_between_two_awaits_is_not_lost_and_several_are_one),
    TEST(a_cancel_in_the_turn_of_the_signal_meets_the_next_await),
    TEST(a_task_that_waits_for_a_signal_is_no_deadlock),
    TEST(a_signal_that_is_none_or_cannot_be_caught_is_refused),
    TEST_ALONE(after_the_loop_the_disposition_is_as_before),
    TEST(a_libev_watcher_of_the_same_loop_goes_on),
    TEST_ALONE(a_signal_of_another_loop_is_busy_until_that_is_freed),
    TEST_ALONE(sigint_goes_to_who_asks_for_it_and_not_to_the_main_task),
    TEST(its_exit_status_or_128_plus_its_signal_is_given),
    TEST(what_cannot_be_started_leaves_nothing_behind),
    TEST(a_child_has_the_fds_0_1_and_2_alone),
    TEST(a_child_has_its_streams_though_ours_are_closed_or_close_on_exec),
    TEST(a_child_has_default_signals_and_an_empty_mask),
    TEST(a_child_has_the_directory_and_the_environment_it_is_given),
    TEST(the_streams_of_a_child_go_where_they_are_sent),
    TEST(a_pipe_is_read_though_its_number_was_closed_by_close),
    TEST(more_than_the_pipes_hold_is_written_and_read_at_once),
    TEST(a_child_that_does_not_read_its_input_is_no_error_of_the_talk),
    TEST(a_talk_wants_the_pipes_that_it_uses),
    TEST(a_write_to_a_child_that_closed_its_stdin_is_epipe),
    TEST(two_hundred_children_run_at_once),
    TEST(a_cancel_ends_the_child_by_sigterm),
    TEST(a_child_that_ignores_sigterm_is_killed_after_the_grace_period),
    TEST(a_second_cancel_or_no_grace_period_kills_at_once),
    TEST(a_deadline_on_a_child_kills_it_and_is_etimedout),
    TEST(a_cancel_at_any_point_leaves_no_child_and_no_fd),
    TEST(one_task_waits_for_the_end_and_others_may_ask_afterwards),
    TEST(closing_kills_and_who_waits_gets_the_status),
    TEST_ALONE(a_loop_that_ends_ends_its_children_first),
    TEST(a_child_that_died_just_before_the_cancel_keeps_its_status),
    TEST(a_status_that_somebody_else_took_is_echild),
};

int main(int argc, char **argv)
{
    int failed;

    if (argc > 1)
        return child(argv[1]);
    self_ = argv[0];
    failed = run_on_each_backend(tests);
    if (without_pidfd())
        failed += run_group(__FILE__ " without pidfd", tests, TESTS_IN(tests), NULL, NULL);
    return failed;
}
