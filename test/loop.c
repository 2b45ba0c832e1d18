/* SPDX-License-Identifier: BSD-2-Clause
 * loop.c: tests of running a loop: co_main, SIGINT, deadlock, stop, and what co_loop_dump shows.
 * Fds are tested in fd.c, loops beside other things in ride.c. */
#include "loop_test.h"

/* ---- Children: tests that end, or write to stderr, in a process of their own ----------------- */

/* Runs [body] in a process of its own; its stderr goes to [text]. Its wait status. With [signo],
 * that signal is sent to it once it has written "ready". */
static int in_child(void (*body)(void), int signo, char *text, size_t size)
{
    int fds[2], status;
    size_t length = 0;
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(60);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        signal(SIGINT, SIG_DFL);
        body();
        exit(0);
    }
    close(fds[1]);
    while ((n = read(fds[0], text + length, size - 1 - length)) > 0) {
        length += (size_t)n;
        text[length] = '\0';
        if (signo && strstr(text, "ready"))
            kill(child, signo), signo = 0;
    }
    text[length] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in: %s", part, text);
}

/* ---- co_main --------------------------------------------------------------------------------- */

struct adds { co_frame; int a, b; };
static co_define(adds)
{
    co_begin;
    co_try(co_sleep(0.001));
    co_return(self->a + self->b);
    co_end;
}

static void loop_main_gives_the_result_of_its_main_task(void **state)
{
    (void)state;
    int i = 1;

    assert_int_equal(co_main(adds, .a = i++, .b = 2), 3);
    assert_int_equal(i, 2);
    assert_int_equal(co_main(adds, .a = -7), -7);
    assert_int_equal(co_main(adds), 0);
    assert_null(co_loop_current());
}

struct left { co_frame; int depth, *begun, *cleaned; };
static co_define(left)
{
    co_begin;
    ++*self->begun;
    co_try(co_sleep(1e6));
    co_finally;
    co_await(co_sleep(0.002));              /* clean-up may await, and even spawn */
    if (self->depth > 0)
        (void)co_go(left, .depth = self->depth - 1, .begun = self->begun,
                    .cleaned = self->cleaned);
    ++*self->cleaned;
    co_end;
}

struct leaves { co_frame; int count, *begun, *cleaned; struct co_task *unstarted; };
static co_define(leaves)
{
    co_begin;
    for (int i = 0; i < self->count; i++)
        (void)co_go(left, .begun = self->begun, .cleaned = self->cleaned, .depth = i % 3);
    co_try(co_sleep(0.001));
    (void)co_go(left, .begun = self->begun, .cleaned = self->cleaned);      /* never runs before */
    co_return(5);
    co_end;
}

/* Its clean-up is done by a task of its own, which is not cancelled meanwhile. */
struct thorough { co_frame; struct co_task *helper; intptr_t n; };
static co_define(thorough)
{
    co_begin;
    co_try(co_sleep(1e6));
    co_finally;
    self->helper = co_spawn(adds, .a = 1, .b = 2);
    co_await(self->n, co_join(self->helper));
    check_equal(self->n, 3);
    co_task_free(self->helper);
    co_end;
}

struct leaves_one { co_frame; };
static co_define(leaves_one)
{
    co_begin;
    (void)co_go(thorough);
    co_try(co_sleep(0.001));
    co_return(7);
    co_end;
}

static void what_is_left_may_spawn_to_clean_up(void **state)
{
    (void)state;
    assert_int_equal(co_main(leaves_one), 7);
}

static void loop_main_cancels_and_awaits_what_is_left(void **state)
{
    (void)state;
    int begun = 0, cleaned = 0;

    assert_int_equal(co_main(leaves, .count = 30, .begun = &begun, .cleaned = &cleaned), 5);
    assert_int_equal(begun, 61);
    assert_int_equal(cleaned, 61);
}

struct nests { co_frame; intptr_t n; };
static co_define(nests)
{
    co_begin;
    self->n = co_main(adds, .a = 1);
    co_try(co_sleep(0.001));                /* and it goes on */
    co_return(self->n);
    co_end;
}

static void nest(void)
{
    fprintf(stderr, "result %d\n", co_main(nests) == -EBUSY);
}

static void a_loop_main_inside_a_loop_main_is_EBUSY(void **state)
{
    (void)state;
    char text[1000];

    assert_int_equal(in_child(nest, 0, text, sizeof text), 0);
    contains(text, "this thread has one already");
    contains(text, "result 1");
}

static void second(void)
{
    struct co_loop *loop = co_loop_new(NULL);

    fprintf(stderr, "result %d\n", co_main(adds, .a = 1) == -EBUSY);
    fprintf(stderr, "kept %d\n", co_loop_current() == loop && run(adds, .a = 1) == 1);
    co_loop_free(loop);
}

static void a_loop_main_beside_a_loop_is_EBUSY_and_leaves_that_alone(void **state)
{
    (void)state;
    char text[1000];

    assert_int_equal(in_child(second, 0, text, sizeof text), 0);
    contains(text, "result 1");
    contains(text, "kept 1");
}

struct stops_early { co_frame; int *cleaned; };
static co_define(stops_early)
{
    co_begin;
    co_loop_stop(co_loop_current());
    co_try(co_sleep(1e6));
    co_finally;
    ++*self->cleaned;
    co_end;
}

static void a_stopped_loop_main_cancels_its_main_task(void **state)
{
    (void)state;
    int cleaned = 0;

    assert_int_equal(co_main(stops_early, .cleaned = &cleaned), -ECANCELED);
    assert_int_equal(cleaned, 1);
}

/* ---- SIGINT ---------------------------------------------------------------------------------- */

struct waits { co_frame; int raised, stubborn; intptr_t n; };
static co_define(waits)
{
    co_begin;
    fputs("ready\n", stderr);
    if (self->raised)
        raise(SIGINT);
    co_await(self->n, co_sleep(1e6));
    fprintf(stderr, "woken %d\n", self->n == -ECANCELED);
    if (self->stubborn) {
        raise(SIGINT);
        co_await(self->n, co_sleep(1e6));
    }
    co_return(self->n);
    co_finally;
    co_await(self->n, co_sleep(0.001));
    fprintf(stderr, "cleaned %d\n", self->n == 0);
    co_end;
}

static void interrupted(void)
{
    fprintf(stderr, "result %d\n", co_main(waits) == -ECANCELED);
}

static void interrupts_itself(void)
{
    fprintf(stderr, "result %d\n", co_main(waits, .raised = 1) == -ECANCELED);
    fprintf(stderr, "result %d\n", co_main(waits, .raised = 1) == -ECANCELED);
}

static void SIGINT_cancels_the_main_task(void **state)
{
    (void)state;
    char text[1000];

    assert_int_equal(in_child(interrupted, SIGINT, text, sizeof text), 0);
    assert_string_equal(text, "ready\nwoken 1\ncleaned 1\nresult 1\n");
    assert_int_equal(in_child(interrupts_itself, 0, text, sizeof text), 0);
    assert_string_equal(text, "ready\nwoken 1\ncleaned 1\nresult 1\n"
                              "ready\nwoken 1\ncleaned 1\nresult 1\n");
}

static void stubborn(void)
{
    (void)co_main(waits, .raised = 1, .stubborn = 1);
    fputs("survived\n", stderr);
}

static void a_second_SIGINT_kills(void **state)
{
    (void)state;
    char text[1000];
    int status = in_child(stubborn, 0, text, sizeof text);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    assert_string_equal(text, "ready\nwoken 1\n");
}

static void after_all(void)
{
    (void)co_main(adds);
    fputs("over\n", stderr);
    raise(SIGINT);
    fputs("survived\n", stderr);
}

static void after_loop_main_SIGINT_kills_as_before(void **state)
{
    (void)state;
    char text[1000];
    int status = in_child(after_all, 0, text, sizeof text);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    assert_string_equal(text, "over\n");
}

struct deaf { co_frame; };
static co_define(deaf)
{
    co_begin;
    raise(SIGINT);
    co_try(co_sleep(0.01));
    raise(SIGINT);
    co_return(4);
    co_end;
}

static void ignores(void)
{
    signal(SIGINT, SIG_IGN);
    fprintf(stderr, "result %d\n", (int)co_main(deaf));
    raise(SIGINT);
}

static volatile sig_atomic_t handled;
static void handle(int signo)
{
    (void)signo;
    handled++;
}

static void handles(void)
{
    struct sigaction action = { .sa_handler = handle };

    sigaction(SIGINT, &action, NULL);
    fprintf(stderr, "result %d\n", (int)co_main(deaf));
    raise(SIGINT);
    fprintf(stderr, "handled %d\n", handled);
}

static void an_ignored_or_handled_SIGINT_stays_so(void **state)
{
    (void)state;
    char text[1000];

    assert_int_equal(in_child(ignores, 0, text, sizeof text), 0);
    assert_string_equal(text, "result 4\n");
    assert_int_equal(in_child(handles, 0, text, sizeof text), 0);
    assert_string_equal(text, "result 4\nhandled 3\n");
}

struct slow_end { co_frame; intptr_t n; };
static co_define(slow_end)
{
    co_begin;
    co_try(co_sleep(1e6));
    co_finally;
    raise(SIGINT);
    co_await(self->n, co_sleep(0.01));
    fprintf(stderr, "cleaned %d\n", self->n == 0);
    co_end;
}

struct brief { co_frame; };
static co_define(brief)
{
    co_begin;
    (void)co_go(slow_end);
    co_try(co_sleep(0.001));
    co_return(6);
    co_end;
}

static void late(void)
{
    fprintf(stderr, "result %d\n", (int)co_main(brief));
}

static void a_SIGINT_while_leftovers_clean_up_does_not_stop_them(void **state)
{
    (void)state;
    char text[1000];

    assert_int_equal(in_child(late, 0, text, sizeof text), 0);
    assert_string_equal(text, "cleaned 1\nresult 6\n");
}

/* ---- Deadlock -------------------------------------------------------------------------------- */

struct stuck { co_frame; int quiet; intptr_t n; };
static co_define(stuck)
{
    co_begin;
    co_await(self->n, co_wait());
    co_return(self->n);
    co_finally;
    if (!self->quiet)
        fputs("cleaned\n", stderr);
    co_end;
}

struct joins { co_frame; struct co_task *task; intptr_t n; };
static co_define(joins)
{
    co_begin;
    self->task = co_spawn(stuck);
    co_await(self->n, co_join(self->task));
    co_finally;
    co_task_free(self->task);
    co_end;
}

static void locks_up(void)
{
    fprintf(stderr, "result %d\n", co_main(joins) == -EDEADLK);
}

static void a_deadlock_is_told_and_given_as_EDEADLK(void **state)
{
    (void)state;
    char text[2000];

    assert_int_equal(in_child(locks_up, 0, text, sizeof text), 0);
    contains(text, "deadlock: these tasks wait, and nothing can wake them:\n");
    contains(text, "joins: waiting in co_join\n");
    contains(text, "loop.c:");
    contains(text, "  joins  co_join(self->task)\n");
    contains(text, "stuck: waiting in co_wait\n");
    contains(text, "  stuck  co_wait()\n");
    contains(text, "cleaned\nresult 1\n");
}

/* Each joins the next one, and the last one the first. */
struct links { co_frame; struct co_task *next; intptr_t r; };
static co_define(links)
{
    co_begin;
    co_await(self->r, co_join(self->next));
    fprintf(stderr, "link %d\n", (int)self->r);
    co_end;
}

static void run_a_ring(void)
{
    struct co_loop *loop = co_loop_new(NULL);
    struct co_task *tasks[3];

    for (int i = 0; i < 3; i++)
        tasks[i] = co_spawn(links);
    for (int i = 0; i < 3; i++) {
        CO_TASK_FRAME(tasks[i], links)->next = tasks[(i + 1) % 3];
        co_task_detach(tasks[i]);
    }
    fprintf(stderr, "run %d\n", co_loop_run(loop) == -EDEADLK);
    co_loop_free(loop);
}

static void a_ring_of_tasks_is_told_and_broken_when_the_loop_is_freed(void **state)
{
    char text[4096];

    (void)state;
    assert_int_equal(in_child(run_a_ring, 0, text, sizeof text), 0);
    contains(text, "run 1\nco_loop_free: tasks wait for each other in a ring");
    contains(text, "links: ready");
    contains(text, "link -35\n");                    /* -EDEADLK, for one of them */
    contains(text, "link 0\n");
}

static void a_deadlocked_loop_can_go_on_once_a_task_is_woken(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(stuck, .quiet = 1);

    assert_int_equal(co_loop_run(co_loop_current()), -EDEADLK);
    assert_int_equal(co_task_state(task), CO_TASK_PENDING);
    assert_int_equal(co_loop_run(co_loop_current()), -EDEADLK);
    co_wake(task, 9);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), 9);
    co_task_free(task);
}

struct sleeper { co_frame; int left; double start; };
static co_define(sleeper)
{
    co_begin;
    self->start = co_time();
    for (; self->left > 0; self->left--)
        co_try(co_sleep(0.005));
    check(co_time() - self->start >= 0.02);
    co_end;
}

static void who_sleeps_is_not_deadlocked(void **state)
{
    (void)state;
    run(sleeper, .left = 5);
}

struct refuses { co_frame; };
static co_define(refuses)
{
    co_begin;
    for (;;)                    /* as its name says: co-lint: off(co-ignored-cancel) */
        co_await(co_wait());
    co_end;
}

static void refuse(void)
{
    (void)co_loop_new(NULL);
    (void)co_go(refuses);
    co_loop_free(co_loop_current());
}

static void a_task_that_no_cancel_ends_stops_the_program_with_its_place(void **state)
{
    (void)state;
    stops(refuse, "tasks are left that wait on whatever they are cancelled");
    stops(refuse, "loop\\.c:[0-9]+  refuses  co_wait\\(\\)");
}

/* ---- co_loop_run and co_loop_stop ------------------------------------------------------------ */

struct ticks { co_frame; int n, stop_at; };
static co_define(ticks)
{
    co_begin;
    for (self->n = 1; self->n <= 10; self->n++) {
        if (self->n == self->stop_at)
            co_loop_stop(co_loop_current());
        co_try(co_sleep(0));
    }
    co_end;
}

static void loop_stop_ends_loop_run_after_the_turn_and_it_can_go_on(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(ticks, .stop_at = 4);

    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_state(task), CO_TASK_PENDING);
    assert_int_equal(CO_TASK_FRAME(task, ticks)->n, 4);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), 0);
    assert_int_equal(CO_TASK_FRAME(task, ticks)->n, 11);
    co_task_free(task);
}

static void loop_stop_before_loop_run_leaves_it_one_turn(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(ticks);

    co_loop_stop(co_loop_current());
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(CO_TASK_FRAME(task, ticks)->n, 1);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), 0);
    co_task_free(task);
}

static void loop_run_can_run_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(run(ticks), 0);
}

struct runs { co_frame; };
static co_define(runs)
{
    co_begin;
    (void)co_loop_run(co_loop_current());
    co_end;
}

static void run_in_run(void)
{
    (void)co_main(runs);
}

static void a_loop_run_inside_a_task_stops_the_program(void **state)
{
    (void)state;
    stops(run_in_run, "a loop does not run in a loop");
}

static void loop_time_goes_forward_without_a_loop_too(void **state)
{
    (void)state;
    double before = co_time(), after;

    assert_true(before > 0);
    run(sleeper, .left = 4);
    after = co_time();
    assert_true(after - before >= 0.02);
    co_loop_free(co_loop_current());
    assert_true(co_time() >= after);
}

struct alarm_clock { struct co_timer timer; int64_t rang; };

static void rings(struct co_timer *timer)
{
    ((struct alarm_clock *)(void *)timer)->rang = co_time_ns();
    co_loop_stop(co_loop_current());
}

struct stays { co_frame; };
static co_define(stays)
{
    co_begin;
    co_await(co_wait());
    co_end;
}

/* In nanoseconds: the unit of timers of one's own, and the same clock. */
static void loop_time_ns_is_the_clock_of_timers(void **state)
{
    struct alarm_clock clock = { .timer.fire = rings };
    double seconds = co_time();
    int64_t now = co_time_ns();

    (void)state;
    assert_true((double)now >= seconds * 1e9 - 1 && (double)now < seconds * 1e9 + 5e9);
    assert_int_equal(co_go(stays), 0);
    assert_int_equal(co_timer_start(&clock.timer, now + 2 * 1000 * 1000), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_true(clock.rang >= now + 2 * 1000 * 1000);
    co_cancel(co_task_next(NULL));
    assert_int_equal(co_loop_run(co_loop_current()), 0);
}

/* ---- co_loop_dump ---------------------------------------------------------------------------- */

struct inner { co_frame; int fd; intptr_t n; char buf[4]; };
static co_define(inner)
{
    co_begin;
    co_try(self->n, co_read(self->fd, self->buf, sizeof self->buf));
    co_end;
}
static const int inner_line = __LINE__ - 3;

struct outer { co_frame; int fd; struct inner inner; };
static co_define(outer)
{
    co_begin;
    co_try(co_call(&self->inner, inner, .fd = self->fd));
    co_end;
}
static const int outer_line = __LINE__ - 3;

struct dumps { co_frame; FILE *to; };
static co_define(dumps)
{
    co_begin;
    co_try(co_sleep(0.01));
    (void)co_go(adds);
    co_loop_dump(co_loop_current(), self->to);
    co_loop_stop(co_loop_current());
    co_end;
}

static void loop_dump_shows_each_task_with_its_frames_innermost_first(void **state)
{
    (void)state;
    char *text, expected[400];
    size_t size;
    FILE *to = open_memstream(&text, &size);
    int fds[2];

    pair(fds);
    assert_int_equal(co_go(outer, .fd = fds[0]), 0);
    assert_int_equal(co_go(dumps, .to = to), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    fclose(to);
    snprintf(expected, sizeof expected,
             " outer: waiting in co_read\n"
             "    %s:%d  inner  co_read(self->fd, self->buf, sizeof self->buf)\n"
             "    %s:%d  outer  co_call(&self->inner, inner, .fd = self->fd)\n",
             __FILE__, inner_line, __FILE__, outer_line);
    contains(text, expected);
    contains(text, " dumps: running\n");
    contains(text, " adds: ready\n");
    free(text);

    to = open_memstream(&text, &size);
    co_loop_dump(NULL, to);                 /* this thread's, from outside */
    fclose(to);
    contains(text, expected);
    free(text);
    put(fds[1], "x");
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

static int64_t no_time(struct co_driver *driver)
{
    (void)driver;
    return 0;
}

static char *dump_of(struct co_loop *loop)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    co_loop_dump(loop, to);
    fclose(to);
    return text;
}

/* Another scheduler is this thread's, with a task of its own. */
static void loop_dump_shows_the_tasks_of_its_loop_and_of_no_other(void **state)
{
    struct co_driver driver = { .now = no_time };
    struct co_loop *loop = co_loop_current();
    struct co_scheduler *own = co_scheduler_get(), other;
    struct adds frame;
    struct co_task task;
    char *of_loop, *of_thread;

    (void)state;
    assert_int_equal(co_go(dumps, .to = NULL), 0);
    co_scheduler_init(&other, &driver, NULL, 0);
    co_task_init(&task, &frame, adds);
    of_loop = dump_of(loop);
    of_thread = dump_of(NULL);
    assert_ptr_equal(co_scheduler_get(), &other);
    contains(of_loop, " dumps: ready\n");
    contains(of_thread, " adds: ready\n");
    assert_null(strstr(of_loop, "adds"));
    assert_null(strstr(of_thread, "dumps"));
    free(of_loop);
    free(of_thread);
    co_scheduler_turn(&other);
    co_scheduler_free(&other);
    co_scheduler_set(own);
    co_cancel(co_task_next(NULL));
    assert_int_equal(co_loop_run(loop), 0);
}

static void loop_dump_of_no_loop_and_of_no_task_is_empty(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    co_loop_dump(NULL, to);
    co_loop_free(co_loop_current());
    co_loop_dump(NULL, to);
    fclose(to);
    assert_string_equal(text, "");
    free(text);
}

struct gone { co_frame; };
static co_define(gone)
{
    co_begin;
    co_task_detach(co_current());
    co_pause;
    co_return(7);
    co_end;
}

static void a_main_task_may_detach_itself(void **state)
{
    (void)state;
    assert_int_equal(co_main(gone), 7);
}

static void long_ago(struct co_timer *timer)
{
    ((struct alarm_clock *)(void *)timer)->rang = 1;
}

static void a_timer_of_any_time_in_the_past_fires_in_the_next_turn(void **state)
{
    struct alarm_clock clock = { .timer.fire = long_ago };

    (void)state;
    assert_int_equal(co_go(stays), 0);
    assert_int_equal(co_timer_start(&clock.timer, INT64_MIN), 0);
    assert_int_equal(co_loop_run(co_loop_current()), -EDEADLK);
    assert_int_equal(clock.rang, 1);
    co_cancel(co_task_next(NULL));
    assert_int_equal(co_loop_run(co_loop_current()), 0);
}

static const struct CMUnitTest tests[] = {
    TEST_ALONE(loop_main_gives_the_result_of_its_main_task),
    TEST_ALONE(loop_main_cancels_and_awaits_what_is_left),
    TEST_ALONE(what_is_left_may_spawn_to_clean_up),
    TEST_ALONE(a_loop_main_inside_a_loop_main_is_EBUSY),
    TEST_ALONE(a_loop_main_beside_a_loop_is_EBUSY_and_leaves_that_alone),
    TEST_ALONE(a_stopped_loop_main_cancels_its_main_task),
    TEST_ALONE(SIGINT_cancels_the_main_task),
    TEST_ALONE(a_second_SIGINT_kills),
    TEST_ALONE(after_loop_main_SIGINT_kills_as_before),
    TEST_ALONE(an_ignored_or_handled_SIGINT_stays_so),
    TEST_ALONE(a_SIGINT_while_leftovers_clean_up_does_not_stop_them),
    TEST_ALONE(a_deadlock_is_told_and_given_as_EDEADLK),
    TEST_ALONE(a_ring_of_tasks_is_told_and_broken_when_the_loop_is_freed),
    TEST_ALONE(a_main_task_may_detach_itself),
    TEST(a_timer_of_any_time_in_the_past_fires_in_the_next_turn),
    TEST(a_deadlocked_loop_can_go_on_once_a_task_is_woken),
    TEST(who_sleeps_is_not_deadlocked),
    TEST_ALONE(a_task_that_no_cancel_ends_stops_the_program_with_its_place),
    TEST(loop_stop_ends_loop_run_after_the_turn_and_it_can_go_on),
    TEST(loop_stop_before_loop_run_leaves_it_one_turn),
    TEST(loop_run_can_run_again_and_again),
    TEST_ALONE(a_loop_run_inside_a_task_stops_the_program),
    TEST(loop_time_goes_forward_without_a_loop_too),
    TEST(loop_time_ns_is_the_clock_of_timers),
    TEST(loop_dump_shows_each_task_with_its_frames_innermost_first),
    TEST(loop_dump_shows_the_tasks_of_its_loop_and_of_no_other),
    TEST(loop_dump_of_no_loop_and_of_no_task_is_empty),
};

TEST_MAIN(tests)
