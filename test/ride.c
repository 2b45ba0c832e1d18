/* SPDX-License-Identifier: BSD-2-Clause
 * ride.c: tests of loops: their options, one after the other, one a thread, and one that rides on
 * an ev_loop of the program's own, beside foreign watchers. */
#include "fd_test.h"

#include <errno.h>
#include <pthread.h>

/* ---- A loop ---------------------------------------------------------------------------------- */

struct nap { co_frame; double seconds; };
static co_define(nap)
{
    co_begin;
    co_try(co_sleep(self->seconds));
    co_return(42);
    co_end;
}

static void a_loop_is_this_threads_until_it_is_freed(void **state)
{
    (void)state;
    struct co_loop *loop;

    assert_null(co_loop_current());
    loop = co_loop_new(NULL);
    assert_non_null(loop);
    assert_ptr_equal(co_loop_current(), loop);
    assert_non_null(co_loop_ev(loop));
    co_loop_free(loop);
    assert_null(co_loop_current());
    co_loop_free(NULL);
}

static void a_second_loop_in_a_thread_is_refused_with_EBUSY(void **state)
{
    (void)state;
    struct co_loop *loop = co_loop_new(NULL);

    errno = 0;
    assert_null(co_loop_new(NULL));
    assert_int_equal(errno, EBUSY);
    assert_ptr_equal(co_loop_current(), loop);
    assert_int_equal(run(nap), 42);
    co_loop_free(loop);
}

static void a_loop_can_follow_a_loop(void **state)
{
    (void)state;
    for (int i = 0; i < sized(100, 10); i++) {
        int fds[2];

        assert_non_null(co_loop_new(NULL));
        pair(fds);
        put(fds[1], "hello");
        assert_int_equal(run(one, .op = READ, .fd = fds[0]), 5);
        co_fd_close(fds[0]);
        co_loop_free(co_loop_current());
        close(fds[1]);
    }
}

static void an_empty_loop_is_done_at_once(void **state)
{
    (void)state;
    assert_non_null(co_loop_new(NULL));
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_loop_free(co_loop_current());
}

static void each_backend_can_be_asked_for(void **state)
{
    (void)state;
    unsigned all[] = { EVBACKEND_SELECT, EVBACKEND_POLL, EVBACKEND_EPOLL, EVBACKEND_KQUEUE };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct co_loop_options options = { .backend = all[i] };
        struct co_loop *loop = co_loop_new(&options);

        if (ev_supported_backends() & all[i]) {
            assert_non_null(loop);
            assert_int_equal(ev_backend(co_loop_ev(loop)), all[i]);
            assert_int_equal(run(nap, .seconds = 0.001), 42);
        } else {
            assert_null(loop);
            assert_int_equal(errno, ENOSYS);
        }
        co_loop_free(loop);
    }
}

static void the_environment_does_not_choose_the_backend(void **state)
{
    (void)state;
    unsigned best;

    unsetenv("LIBEV_FLAGS");
    assert_non_null(co_loop_new(NULL));
    best = ev_backend(co_loop_ev(co_loop_current()));
    co_loop_free(co_loop_current());
    assert_true(best != EVBACKEND_SELECT);
    setenv("LIBEV_FLAGS", "1", 1);              /* select */
    assert_non_null(co_loop_new(NULL));
    assert_int_equal(ev_backend(co_loop_ev(co_loop_current())), best);
    co_loop_free(co_loop_current());
    unsetenv("LIBEV_FLAGS");
}

/* ---- Watchers of the program's own on a loop of ours ----------------------------------------- */

struct external { co_frame; intptr_t n; };
static co_define(external)
{
    co_begin;
    co_await(self->n, co_wait());
    co_return(self->n);
    co_end;
}

static void wake_task(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)ev, (void)revents;
    co_wake(timer->data, 7);
}

static void a_task_can_be_woken_by_the_last_foreign_watcher(void **state)
{
    (void)state;
    ev_timer timer;

    ev_timer_init(&timer, wake_task, 0.01, 0.);
    timer.data = co_spawn(external);
    ev_timer_start(co_loop_ev(co_loop_current()), &timer);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(timer.data), 7);
    co_task_free(timer.data);
}

static void spawn_task(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)ev, (void)revents;
    timer->data = co_spawn(nap, .seconds = 0.01);
}

static void a_task_can_be_spawned_by_the_last_foreign_watcher(void **state)
{
    (void)state;
    ev_timer timer;
    struct co_task *first = co_spawn(nap, .seconds = 0.03);

    ev_timer_init(&timer, spawn_task, 0.01, 0.);
    ev_timer_start(co_loop_ev(co_loop_current()), &timer);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(first), 42);
    assert_int_equal(co_task_result(timer.data), 42);
    co_task_free(first);
    co_task_free(timer.data);
}

static void break_loop(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)timer, (void)revents;
    ev_break(ev, EVBREAK_ALL);
}

static void ev_break_is_no_deadlock(void **state)
{
    (void)state;
    ev_timer timer;
    struct co_task *task = co_spawn(nap, .seconds = 0.05);

    ev_timer_init(&timer, break_loop, 0.01, 0.);
    ev_timer_start(co_loop_ev(co_loop_current()), &timer);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_state(task), CO_TASK_PENDING);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), 42);
    co_task_free(task);
}

/* ---- Riding ---------------------------------------------------------------------------------- */

static struct ev_loop *own;     /* the program's */

static int ride_begins(void **state)
{
    struct co_loop_options options = { 0 };

    if (test_begins(state) < 0)
        return -1;
    own = ev_loop_new(backend_ | EVFLAG_NOENV);
    options.ev = own;
    return co_loop_new(&options) ? 0 : -1;
}

static void count(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)ev, (void)revents;
    ++*(int *)timer->data;
}

/* Its reference count is right: with no watcher it ends at once, with one, when that ends. */
static void usable(struct ev_loop *ev)
{
    ev_timer timer;
    int fired = 0;

    ev_verify(ev);
    assert_int_equal(ev_run(ev, 0), 0);
    ev_timer_init(&timer, count, 0.02, 0.);
    timer.data = &fired;
    ev_timer_start(ev, &timer);
    assert_int_equal(ev_run(ev, 0), 0);
    assert_int_equal(fired, 1);
    assert_int_equal(ev_run(ev, 0), 0);
}

static int ride_ends(void **state)
{
    co_loop_free(co_loop_current());
    usable(own);
    ev_loop_destroy(own);
    return test_ends(state);
}

static void ev_run_returns_when_no_task_is_left(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(nap, .seconds = 0.02);

    assert_ptr_equal(co_loop_ev(co_loop_current()), own);
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(co_task_result(task), 42);
    co_task_free(task);
    assert_int_equal(ev_run(own, 0), 0);
    usable(own);
}

static void an_fd_that_was_awaited_and_is_open_does_not_hold_ev_run(void **state)
{
    (void)state;
    int fds[2];
    struct co_task *tasks[2];

    pair(fds);
    (void)fill(fds[0]);
    tasks[0] = co_spawn(one, .op = READ, .fd = fds[0]);
    tasks[1] = co_spawn(one, .op = WRITE, .fd = fds[0]);
    ev_run(own, EVRUN_NOWAIT);
    ev_run(own, EVRUN_NOWAIT);
    assert_int_equal(co_task_state(tasks[1]), CO_TASK_PENDING);
    put(fds[1], "hello");
    (void)empty(fds[1]);
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(co_task_result(tasks[0]), 5);
    assert_int_equal(co_task_result(tasks[1]), 16);
    usable(own);
    co_task_free(tasks[0]);
    co_task_free(tasks[1]);
    co_loop_free(co_loop_current());        /* while they are open */
    put(fds[1], "more");
    usable(own);
    close(fds[0]);
    close(fds[1]);
}

/* A pair of which one end is written by a foreign timer, and the other read by a foreign ev_io and,
 * through a pair of its own, by a task. */
struct foreign { ev_io io; ev_timer timer; int out, in, ours, ticks, seen; };

static void tick(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct foreign *f = timer->data;

    (void)revents;
    put(f->out, "x");
    put(f->ours, "y");
    if (++f->ticks == 10)
        ev_timer_stop(ev, timer);
}

static void seen(struct ev_loop *ev, ev_io *io, int revents)
{
    struct foreign *f = io->data;

    (void)revents;
    f->seen += (int)empty(io->fd);
    if (f->seen == 10)
        ev_io_stop(ev, io);
}

struct reads { co_frame; int fd, n; intptr_t got; char buf[4]; };
static co_define(reads)
{
    co_begin;
    for (; self->n < 5; self->n += (int)self->got)
        co_try(self->got, co_read(self->fd, self->buf, 4));
    co_return(self->n);
    co_end;
}

static void foreign_watchers_work_beside_tasks_and_after_them(void **state)
{
    (void)state;
    int theirs[2], ours[2];
    struct foreign f = { .ticks = 0 };
    struct co_task *task;

    pair(theirs);
    pair(ours);
    f.out = theirs[0];
    f.ours = ours[0];
    ev_io_init(&f.io, seen, theirs[1], EV_READ);
    ev_timer_init(&f.timer, tick, 0.002, 0.002);
    f.io.data = f.timer.data = &f;
    ev_io_start(own, &f.io);
    ev_timer_start(own, &f.timer);
    task = co_spawn(reads, .fd = ours[1]);
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(f.ticks, 10);
    assert_int_equal(f.seen, 10);
    assert_in_range(co_task_result(task), 5, 8);
    co_task_free(task);
    for (int i = 0; i < 2; i++) {
        close(theirs[i]);
        co_fd_close(ours[i]);
    }
}

static void a_rider_runs_what_the_last_foreign_watcher_spawned(void **state)
{
    (void)state;
    ev_timer timer;

    ev_timer_init(&timer, spawn_task, 0.01, 0.);
    ev_timer_start(own, &timer);
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(co_task_result(timer.data), 42);
    co_task_free(timer.data);
}

static void a_rider_holds_ev_run_for_a_task_that_a_callback_wakes(void **state)
{
    (void)state;
    ev_timer timer;

    ev_timer_init(&timer, wake_task, 0.02, 0.);
    timer.data = co_spawn(external);
    ev_timer_start(own, &timer);
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(co_task_result(timer.data), 7);
    co_task_free(timer.data);
}

struct breaker { co_frame; int fd; };
static co_define(breaker)
{
    co_begin;
    co_try(co_sleep(0.01));
    ev_break(own, EVBREAK_ALL);
    co_await(co_readable(self->fd));
    co_end;
}

static void a_task_can_break_ev_run_and_ev_run_can_go_on(void **state)
{
    (void)state;
    int fds[2];
    struct co_task *task;

    pair(fds);
    task = co_spawn(breaker, .fd = fds[0]);
    ev_run(own, 0);
    assert_int_equal(co_task_state(task), CO_TASK_PENDING);
    close(fds[0]);                          /* armed, and libev has not seen it */
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(co_task_state(task), CO_TASK_FINISHED);
    co_task_free(task);
    close(fds[1]);
}

static void loop_run_runs_a_rider_too(void **state)
{
    (void)state;
    ev_timer timer;
    int fired = 0;

    ev_timer_init(&timer, count, 60., 0.);      /* it is not waited for */
    timer.data = &fired;
    ev_timer_start(own, &timer);
    assert_int_equal(run(nap, .seconds = 0.01), 42);
    ev_timer_stop(own, &timer);
}

struct leftover { co_frame; int fd, *cleaned; double seconds; };
static co_define(leftover)
{
    co_begin;
    if (self->fd >= 0)
        co_await(co_readable(self->fd));
    else if (self->seconds > 0)
        co_await(co_sleep(self->seconds));
    else
        co_await(co_wait());
    co_finally;
    co_await(co_sleep(0.001));
    ++*self->cleaned;
    co_end;
}

static void free_with_leftovers(void)
{
    int fds[2], cleaned = 0;

    pair(fds);
    assert_int_equal(co_go(leftover, .fd = fds[0], .cleaned = &cleaned), 0);
    assert_int_equal(co_go(leftover, .fd = -1, .seconds = 1e6, .cleaned = &cleaned), 0);
    assert_int_equal(co_go(leftover, .fd = -1, .cleaned = &cleaned), 0);
    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    assert_int_equal(co_go(leftover, .fd = -1, .cleaned = &cleaned), 0);       /* never ran */
    co_loop_free(co_loop_current());
    assert_int_equal(cleaned, 4);
    close(fds[0]);
    close(fds[1]);
}

static void loop_free_ends_the_tasks_that_are_left(void **state)
{
    (void)state;
    free_with_leftovers();
}

static void loop_free_of_a_rider_does_so_beside_foreign_watchers(void **state)
{
    (void)state;
    ev_timer timer;
    int fired = 0;

    ev_timer_init(&timer, count, 60., 0.);
    timer.data = &fired;
    ev_timer_start(own, &timer);
    free_with_leftovers();
    ev_timer_stop(own, &timer);
    usable(own);
}

static void free_loop(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)ev, (void)revents;
    ++*(int *)timer->data;
    free_with_leftovers();
}

static void a_rider_can_be_freed_in_a_callback(void **state)
{
    (void)state;
    ev_timer timer;
    int fired = 0;

    ev_timer_init(&timer, free_loop, 0.01, 0.);
    timer.data = &fired;
    ev_timer_start(own, &timer);
    assert_int_equal(ev_run(own, 0), 0);
    assert_int_equal(fired, 1);
    usable(own);
}

static void riders_can_follow_each_other_on_one_ev_loop(void **state)
{
    (void)state;
    struct co_loop_options options = { .ev = own };
    int fds[2];

    pair(fds);
    for (int i = 0; i < 10; i++) {
        struct co_task *task = co_spawn(one, .op = READ, .fd = fds[0]);
        put(fds[1], "hello");
        assert_int_equal(ev_run(own, 0), 0);
        assert_int_equal(co_task_result(task), 5);
        co_task_free(task);
        co_loop_free(co_loop_current());
        usable(own);
        assert_non_null(co_loop_new(&options));
    }
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

static void a_plain_close_leaves_the_reference_count_right(void **state)
{
    (void)state;
    int fds[2];
    struct co_task *tasks[2];

    pair(fds);
    (void)fill(fds[0]);
    tasks[0] = co_spawn(one, .op = READ, .fd = fds[0]);
    tasks[1] = co_spawn(one, .op = WRITE, .fd = fds[0]);
    ev_run(own, EVRUN_NOWAIT);
    ev_run(own, EVRUN_NOWAIT);
    close(fds[0]);
    ev_run(own, EVRUN_NOWAIT);
    ev_run(own, EVRUN_NOWAIT);
    co_fd_close(fds[0]);
    assert_int_equal(ev_run(own, 0), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(co_task_result(tasks[i]), -EBADF);
        co_task_free(tasks[i]);
    }
    usable(own);
    close(fds[1]);
}

/* ---- Threads --------------------------------------------------------------------------------- */

struct player { co_frame; int fd, left; char byte; };
static co_define(player)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        co_try(co_recv_exact(self->fd, &self->byte, 1));
        self->byte++;
        co_await(co_send_all(self->fd, &self->byte, 1));    /* the last one may find nobody */
    }
    co_return((unsigned char)self->byte);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct thread { int fd, rounds; intptr_t result; };

static void *thread_runs(void *arg)
{
    struct thread *thread = arg;

    thread->result = co_main(player, .fd = thread->fd, .left = thread->rounds);
    return NULL;
}

static void each_thread_can_have_a_loop(void **state)
{
    (void)state;
    int fds[2], rounds = sized(2000, 100);
    struct thread threads[2];
    pthread_t ids[2];
    char first = 0;

    pair(fds);
    threads[0] = (struct thread){ fds[0], rounds, 0 };
    threads[1] = (struct thread){ fds[1], rounds, 0 };
    assert_int_equal(write(fds[1], &first, 1), 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, thread_runs, &threads[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
    assert_int_equal(threads[0].result, (2 * rounds - 1) % 256);
    assert_int_equal(threads[1].result, 2 * rounds % 256);
}

/* ---- fork() ---------------------------------------------------------------------------------- */

/* The child goes on with the same tasks once libev has been told; an fd was lost before. */
static void a_child_of_fork_goes_on_after_ev_loop_fork(void **state)
{
    (void)state;
    int fds[2], lost[2], status;
    struct co_task *tasks[2];
    pid_t child;

    pair(fds);
    pair(lost);
    tasks[0] = co_spawn(one, .op = READ, .fd = fds[0]);
    tasks[1] = co_spawn(one, .op = READ, .fd = lost[0]);
    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    close(lost[0]);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(20);
        ev_loop_fork(co_loop_ev(co_loop_current()));
        put(fds[1], "hello");
        co_loop_run(co_loop_current());
        kill(getpid(), co_task_result(tasks[0]) == 5 && co_task_result(tasks[1]) == -EBADF
                       ? SIGUSR1 : SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR1);        /* it saw what it should */
    co_cancel(tasks[0]);
    co_cancel(tasks[1]);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_task_free(tasks[0]);
    co_task_free(tasks[1]);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
    co_fd_close(lost[1]);
}

static void note_post(void *count)
{
    ++*(int *)count;
}

/* Forks inside a task. What the child posts before its turn is over, through its copy of the loop,
 * is for the child: not for the parent, which has the same task in the same place. */
struct forks { co_frame; pid_t child; int posts, status; };
static co_define(forks)
{
    co_begin;
    co_try(co_sleep(0.001));
    self->child = fork();
    if (self->child == 0) {
        alarm(20);
        check_equal(co_loop_fork(co_loop_current()), 0);
        check_equal(co_loop_post(co_loop_current(), note_post, &self->posts), 0);
    }
    co_try(co_sleep(0.001));
    if (self->child == 0)
        kill(getpid(), self->posts == 1 && failures_ == 0 ? SIGUSR1 : SIGKILL);
    /* It is ending: co-lint: off(co-blocking) */
    check_equal(waitpid(self->child, &self->status, 0), self->child);
    check(WIFSIGNALED(self->status) && WTERMSIG(self->status) == SIGUSR1);
    co_try(co_sleep(0.001));
    co_return(self->posts);
    co_end;
}

static void a_child_that_a_task_forked_shares_no_posts_after_co_loop_fork(void **state)
{
    (void)state;
    fflush(NULL);
    assert_int_equal(run(forks), 0);
}

#define TEST_RIDE(name) cmocka_unit_test_setup_teardown(name, ride_begins, ride_ends)

/* A child that has no fd to spare for its posts goes on without. */
struct forks_poor { co_frame; pid_t child; int status; };
static co_define(forks_poor)
{
    co_begin;
    co_try(co_sleep(0.001));
    self->child = fork();
    if (self->child == 0) {
        struct rlimit limit;

        alarm(20);
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 3;
        setrlimit(RLIMIT_NOFILE, &limit);
        check_equal(co_loop_fork(co_loop_current()), -EMFILE);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        co_try(co_sleep(0.001));
        kill(getpid(), failures_ == 0 ? SIGUSR1 : SIGKILL);
    }
    check_equal(waitpid(self->child, &self->status, 0), self->child);
    check(WIFSIGNALED(self->status) && WTERMSIG(self->status) == SIGUSR1);
    co_end;
}

static void a_child_without_an_fd_to_spare_goes_on_without_posts(void **state)
{
    (void)state;
    fflush(NULL);
    assert_int_equal(run(forks_poor), 0);
}

static const struct CMUnitTest tests[] = {
    TEST_ALONE(a_loop_is_this_threads_until_it_is_freed),
    TEST_ALONE(a_second_loop_in_a_thread_is_refused_with_EBUSY),
    TEST_ALONE(a_loop_can_follow_a_loop),
    TEST_ALONE(an_empty_loop_is_done_at_once),
    TEST_ALONE(each_backend_can_be_asked_for),
    TEST_ALONE(the_environment_does_not_choose_the_backend),
    TEST(a_task_can_be_woken_by_the_last_foreign_watcher),
    TEST(a_task_can_be_spawned_by_the_last_foreign_watcher),
    TEST(ev_break_is_no_deadlock),
    TEST_RIDE(ev_run_returns_when_no_task_is_left),
    TEST_RIDE(an_fd_that_was_awaited_and_is_open_does_not_hold_ev_run),
    TEST_RIDE(foreign_watchers_work_beside_tasks_and_after_them),
    TEST_RIDE(a_rider_runs_what_the_last_foreign_watcher_spawned),
    TEST_RIDE(a_rider_holds_ev_run_for_a_task_that_a_callback_wakes),
    TEST_RIDE(a_task_can_break_ev_run_and_ev_run_can_go_on),
    TEST_RIDE(loop_run_runs_a_rider_too),
    TEST(loop_free_ends_the_tasks_that_are_left),
    TEST_RIDE(loop_free_of_a_rider_does_so_beside_foreign_watchers),
    TEST_RIDE(a_rider_can_be_freed_in_a_callback),
    TEST_RIDE(riders_can_follow_each_other_on_one_ev_loop),
    TEST_RIDE(a_plain_close_leaves_the_reference_count_right),
    TEST_ALONE(each_thread_can_have_a_loop),
    TEST(a_child_of_fork_goes_on_after_ev_loop_fork),
    TEST(a_child_that_a_task_forked_shares_no_posts_after_co_loop_fork),
    TEST(a_child_without_an_fd_to_spare_goes_on_without_posts),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
