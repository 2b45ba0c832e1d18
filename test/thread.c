/* SPDX-License-Identifier: BSD-2-Clause
 * thread.c: tests of co_thread and its pool, of posts from threads and signal handlers. After
 * each test no thread is left. A loop per thread: loop_threads.c. */
#define _GNU_SOURCE
#include "thread_test.h"

#include <limits.h>
#include <sched.h>

/* ---- A gate: calls wait inside until it is opened -------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    int open, inside, most, calls;  /* most: at once; calls: that have begun */
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER };

static void gate_set(int open)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = open;
    pthread_cond_broadcast(&gate.opened);
    pthread_mutex_unlock(&gate.lock);
}

static int gate_look(const int *count)
{
    int value;

    pthread_mutex_lock(&gate.lock);
    value = *count;
    pthread_mutex_unlock(&gate.lock);
    return value;
}

static intptr_t pass(void *arg)
{
    pthread_mutex_lock(&gate.lock);
    gate.calls++;
    gate.inside++;
    if (gate.inside > gate.most)
        gate.most = gate.inside;
    while (!gate.open)
        pthread_cond_wait(&gate.opened, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    sched_yield();
    pthread_mutex_lock(&gate.lock);
    gate.inside--;
    pthread_mutex_unlock(&gate.lock);
    return (intptr_t)arg;
}

static int begins(void **state)
{
    gate.open = gate.inside = gate.most = gate.calls = 0;
    return threads_begin(state);
}

static int begins_with_a_loop(void **state)
{
    return begins(state) == 0 && co_loop_new(NULL) ? 0 : -1;
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begins_with_a_loop, threads_end)
#undef TEST_ALONE
#define TEST_ALONE(name) cmocka_unit_test_setup_teardown(name, begins, threads_end)

/* ---- co_thread ------------------------------------------------------------------------------- */

/* Calls, within [deadline] seconds if that is set; and awaits once more. */
struct caller {
    co_frame;
    intptr_t (*fn)(void *);
    void *arg;
    double deadline;
    intptr_t result, after;
    struct co_within within;
};
static co_define(caller) {
    co_begin;
    if (self->deadline > 0)
        co_await(self->result,
                 co_within(&self->within, self->deadline, co_thread(self->fn, self->arg)));
    else
        co_await(self->result, co_thread(self->fn, self->arg));
    co_await(self->after, co_sleep(0));
    co_return(self->result);
    co_end;
}

static intptr_t result_of(struct co_task *task)
{
    return CO_TASK_FRAME(task, caller)->result;
}

static intptr_t after(struct co_task *task)
{
    return CO_TASK_FRAME(task, caller)->after;
}

/* Leaves the loop when [n] calls are inside. */
struct crowd { co_frame; int n; };
static co_define(crowd) {
    co_begin;
    while (gate_look(&gate.inside) < self->n)
        co_try(co_sleep(0.001));
    co_loop_stop(co_loop_current());
    co_end;
}

static intptr_t which_thread(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    return -17;
}

static void a_call_runs_in_another_thread_and_gives_its_result(void **state)
{
    (void)state;
    pthread_t other = pthread_self();

    assert_int_equal(run(caller, .fn = which_thread, .arg = &other), -17);
    assert_false(pthread_equal(other, pthread_self()));
}

struct both { co_frame; struct co_task *call; int *steps; };
static co_define(both) {
    co_begin;
    self->call = co_spawn(caller, .fn = pass, .arg = (void *)9);
    for (; *self->steps < 5; ++*self->steps)
        co_try(co_sleep(0.001));
    check_equal(co_task_state(self->call), CO_TASK_PENDING);
    gate_set(1);
    co_try(co_join(self->call));
    check_equal(co_task_result(self->call), 9);
    co_finally;
    co_task_free(self->call);
    co_end;
}

static void the_others_go_on_meanwhile(void **state)
{
    (void)state;
    int steps = 0;

    assert_int_equal(run(both, .steps = &steps), 0);
    assert_int_equal(steps, 5);
}

enum { CALLS = 100 };

struct hundred { co_frame; struct co_task *calls[CALLS]; };
static co_define(hundred) {
    co_begin;
    for (int i = 0; i < CALLS; i++)
        self->calls[i] = co_spawn(caller, .fn = pass, .arg = (void *)(intptr_t)i);
    co_try(co_gather(self->calls, CALLS));
    for (int i = 0; i < CALLS; i++)
        check_equal(co_task_result(self->calls[i]), i);
    co_finally;
    for (int i = 0; i < CALLS; i++)
        co_task_free(self->calls[i]);
    co_end;
}

/* Opens the gate when [n] calls are inside. */
struct opener { co_frame; int n; };
static co_define(opener) {
    co_begin;
    while (gate_look(&gate.inside) < self->n)
        co_try(co_sleep(0.001));
    gate_set(1);
    co_end;
}

static void a_hundred_calls_never_run_more_than_four_at_once(void **state)
{
    (void)state;
    co_thread_limit(4);
    assert_int_equal(co_go(opener, .n = 4), 0);
    assert_int_equal(run(hundred), 0);
    assert_int_equal(gate.calls, CALLS);
    assert_int_equal(gate.most, 4);
    if (threads_before > 0)
        assert_int_equal(threads(), threads_before + 4);
}

struct raiser { co_frame; };
static co_define(raiser) {
    co_begin;
    while (gate_look(&gate.inside) < 1)
        co_try(co_sleep(0.001));
    co_thread_limit(4);
    co_end;
}

static void a_higher_limit_makes_threads_for_calls_that_wait(void **state)
{
    (void)state;
    co_thread_limit(1);
    assert_int_equal(co_go(raiser), 0);
    assert_int_equal(co_go(opener, .n = 4), 0);
    assert_int_equal(run(hundred), 0);
    assert_int_equal(gate.most, 4);
}

static void a_lower_limit_holds_for_threads_that_are_there(void **state)
{
    (void)state;
    assert_int_equal(co_go(opener, .n = 8), 0);
    co_thread_limit(8);
    assert_int_equal(run(hundred), 0);
    assert_int_equal(gate.most, 8);
    gate.most = 0;
    co_thread_limit(0);                 /* the least is 1 */
    assert_int_equal(run(hundred), 0);
    assert_int_equal(gate.most, 1);
}

/* Two calls, of which only the first can begin. Has one cancelled, or its deadline pass; then opens
 * the gate. */
struct cancels { co_frame; struct co_task *calls[2]; int victim, i; double deadline; };
static co_define(cancels) {
    co_begin;
    for (int i = 0; i < 2; i++)
        self->calls[i] = co_spawn(caller, .fn = pass, .arg = (void *)(intptr_t)(i + 1),
                                  .deadline = self->victim == i ? self->deadline : 0);
    while (gate_look(&gate.inside) < 1)
        co_await(co_sleep(0.001));
    if (self->deadline > 0)
        co_await(co_sleep(self->deadline));
    else
        check_equal(co_cancel(self->calls[self->victim]), 1);
    for (; self->i < 3; self->i++)
        co_pause;
    check_equal(co_task_state(self->calls[0]), CO_TASK_PENDING);
    gate_set(1);
    co_await(co_shield(self->calls[0]));
    co_await(co_shield(self->calls[1]));
    check_equal(result_of(self->calls[!self->victim]), 1 + !self->victim);
    check_equal(after(self->calls[!self->victim]), 0);
    co_end;
}

static void cancel_one(int victim, double deadline, intptr_t result, intptr_t next)
{
    struct cancels frame;
    struct co_task task;

    co_thread_limit(1);
    co_task_init(&task, &frame, cancels, .victim = victim, .deadline = deadline);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(&task), 0);
    assert_int_equal(result_of(frame.calls[victim]), result);
    assert_int_equal(after(frame.calls[victim]), next);
    co_task_free(frame.calls[0]);
    co_task_free(frame.calls[1]);
    assert_int_equal(failures_, 0);
}

static void a_call_that_has_begun_gives_its_result_and_the_next_await_is_cancelled(void **state)
{
    (void)state;
    cancel_one(0, 0, 1, -ECANCELED);
    assert_int_equal(gate.calls, 2);
}

static void a_call_that_has_not_begun_is_taken_back_and_never_runs(void **state)
{
    (void)state;
    cancel_one(1, 0, -ECANCELED, 0);
    assert_int_equal(gate.calls, 1);
}

static void a_deadline_on_a_call_that_has_begun_waits_for_its_result(void **state)
{
    (void)state;
    cancel_one(0, 0.02, 1, 0);
    assert_int_equal(gate.calls, 2);
}

static void a_deadline_takes_back_a_call_that_has_not_begun(void **state)
{
    (void)state;
    cancel_one(1, 0.02, -ETIMEDOUT, 0);
    assert_int_equal(gate.calls, 1);
}

/* Queues five behind one, takes back the first, the last and one between; then queues one more. */
struct behind { co_frame; struct co_task *calls[7]; int i; };
static co_define(behind) {
    co_begin;
    for (int i = 0; i < 6; i++)
        self->calls[i] = co_spawn(caller, .fn = pass, .arg = (void *)(intptr_t)i);
    while (gate_look(&gate.inside) < 1)
        co_try(co_sleep(0.001));
    for (int i = 1; i < 6; i += 2)
        co_cancel(self->calls[i]);
    self->calls[6] = co_spawn(caller, .fn = pass, .arg = (void *)6);
    for (; self->i < 3; self->i++)
        co_pause;
    gate_set(1);
    for (self->i = 0; self->i < 7; self->i++)
        co_await(co_shield(self->calls[self->i]));
    for (int i = 0; i < 7; i++) {
        check_equal(co_task_result(self->calls[i]), i % 2 ? -ECANCELED : i);
        co_task_free(self->calls[i]);
    }
    co_end;
}

static void calls_are_taken_back_from_anywhere_in_the_queue(void **state)
{
    (void)state;
    co_thread_limit(1);
    assert_int_equal(run(behind), 0);
    assert_int_equal(gate.calls, 4);
}

static void a_task_that_was_cancelled_before_makes_no_call(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(caller, .fn = pass);

    gate_set(1);
    co_cancel(task);
    assert_int_equal(run_(task), -ECANCELED);
    assert_int_equal(gate.calls, 0);
}

static void *open_later(void *arg)
{
    (void)arg;
    usleep(20000);
    gate_set(1);
    return NULL;
}

static void a_loop_that_is_freed_waits_for_the_calls_that_run(void **state)
{
    (void)state;
    pthread_t other;

    co_thread_limit(2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(co_go(caller, .fn = pass), 0);
    assert_int_equal(co_go(crowd, .n = 2), 0);
    co_loop_run(co_loop_current());
    other = thread(open_later, NULL);
    co_loop_free(co_loop_current());
    pthread_join(other, NULL);
    assert_int_equal(gate.inside, 0);
    assert_int_equal(gate.calls, 2);    /* the others were taken back */
}

static intptr_t blocked_signals(void *arg)
{
    sigset_t set;

    (void)arg;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, SIGINT) + sigismember(&set, SIGTERM) + sigismember(&set, SIGUSR1)
        + sigismember(&set, SIGCHLD);
}

static void signals_are_blocked_in_the_pool_and_here_as_before(void **state)
{
    (void)state;
    assert_int_equal(run(caller, .fn = blocked_signals), 4);
    assert_int_equal(blocked_signals(NULL), 0);
}

/* ---- Several loops on one pool --------------------------------------------------------------- */

struct crew_caller { int loops, calls; intptr_t result; };

/* Makes [loops] loops, one after the other, each with a hundred calls or with one. */
static void *loops_that_call(void *arg)
{
    struct crew_caller *crew = arg;

    for (int i = 0; i < crew->loops; i++) {
        struct co_task *task;

        if (!co_loop_new(NULL)
            || !(task = crew->calls > 1 ? co_spawn(hundred) : co_spawn(caller, .fn = pass)))
            abort();
        crew->result |= co_loop_run(co_loop_current());
        crew->result |= co_task_result(task);
        co_task_free(task);
        co_loop_free(co_loop_current());
    }
    return NULL;
}

static void two_loops_in_two_threads_share_the_pool(void **state)
{
    (void)state;
    struct crew_caller crews[2] = { { 1, CALLS, 0 }, { 1, CALLS, 0 } };
    pthread_t others[2];

    co_thread_limit(4);
    for (int i = 0; i < 2; i++)
        others[i] = thread(loops_that_call, &crews[i]);
    while (gate_look(&gate.inside) < 4)
        rest();
    gate_set(1);
    for (int i = 0; i < 2; i++) {
        pthread_join(others[i], NULL);
        assert_int_equal(crews[i].result, 0);
    }
    assert_int_equal(gate.calls, 2 * CALLS);
    assert_int_equal(gate.most, 4);
}

static void a_loop_may_begin_while_the_last_one_ends_the_pool(void **state)
{
    (void)state;
    int loops = sized(1000, 50);
    struct crew_caller crews[2] = { { loops, 1, 0 }, { loops, 1, 0 } };
    pthread_t others[2];

    gate_set(1);
    for (int i = 0; i < 2; i++)
        others[i] = thread(loops_that_call, &crews[i]);
    for (int i = 0; i < 2; i++) {
        pthread_join(others[i], NULL);
        assert_int_equal(crews[i].result, 0);
    }
    assert_int_equal(gate.calls, 2 * loops);
}

static void the_threads_end_with_the_last_loop(void **state)
{
    (void)state;
    if (threads_before < 0)
        skip();
    assert_non_null(co_loop_new(NULL));
    assert_int_equal(threads(), threads_before);
    assert_int_equal(co_go(opener, .n = 3), 0);
    co_thread_limit(3);
    assert_int_equal(run(hundred), 0);
    assert_int_equal(threads(), threads_before + 3);
    co_loop_free(co_loop_current());
    assert_true(threads_become(threads_before));
}

/* ---- Without a thread ------------------------------------------------------------------------ */

static void a_call_without_a_thread_is_EAGAIN(void **state)
{
    (void)state;
    intptr_t result;

    gate_set(1);
    stacks_too_large(true);
    result = run(caller, .fn = pass, .arg = (void *)6);
    stacks_too_large(false);
    assert_true(no_thread(result));
    assert_int_equal(gate.calls, 0);
    assert_int_equal(run(caller, .fn = pass, .arg = (void *)6), 6);
}

static void one_thread_serves_all_if_no_more_can_be_made(void **state)
{
    (void)state;
    intptr_t result;

    gate_set(1);
    assert_int_equal(run(caller, .fn = pass), 0);
    stacks_too_large(true);
    result = run(hundred);
    stacks_too_large(false);
    assert_int_equal(result, 0);
    assert_int_equal(gate.most, 1);
}

/* ---- Posts ----------------------------------------------------------------------------------- */

/* Waits for co_wake() by a post, which counts. */
static struct {
    struct co_task *waiter;
    int wanted, arrived, wrong;
    uintptr_t next[4];              /* of each thread: the post that must come next */
} post;

struct waiter { co_frame; };
static co_define(waiter) {
    co_begin;
    post.waiter = co_current();
    co_try(co_wait());
    co_end;
}

/* [arg]: the number of the post, and in the last two bits the thread. */
static void arrives(void *arg)
{
    uintptr_t number = (uintptr_t)arg >> 2, from = (uintptr_t)arg & 3;

    post.wrong += post.next[from]++ != number;
    if (++post.arrived == post.wanted && post.waiter)
        co_wake(post.waiter, 0);
}

static struct co_task *wait_for_posts(int n)
{
    memset(&post, 0, sizeof post);
    post.wanted = n;
    return co_spawn(waiter);
}

struct poster { struct co_loop *loop; uintptr_t from, n; useconds_t delay; };

static void *posts(void *arg)
{
    struct poster *poster = arg;

    usleep(poster->delay);
    for (uintptr_t i = 0; i < poster->n; i++)
        while (co_loop_post(poster->loop, arrives, (void *)(i << 2 | poster->from)) == -EAGAIN)
            sched_yield();
    return NULL;
}

static void posts_of_four_threads_all_arrive_each_in_order(void **state)
{
    (void)state;
    int each = sized(10000, 500);
    struct poster posters[4];
    struct co_task *task = wait_for_posts(4 * each);
    pthread_t others[4];

    co_loop_ref(co_loop_current());
    for (int i = 0; i < 4; i++) {
        posters[i] = (struct poster){ co_loop_current(), (uintptr_t)i, (uintptr_t)each, 0 };
        others[i] = thread(posts, &posters[i]);
    }
    assert_int_equal(run_(task), 0);
    co_loop_unref(co_loop_current());
    for (int i = 0; i < 4; i++)
        pthread_join(others[i], NULL);
    assert_int_equal(post.arrived, 4 * each);
    assert_int_equal(post.wrong, 0);
}

static struct co_loop *handled;     /* the loop that the handler posts to */

static void post_signal(int signo)
{
    static uintptr_t number;

    (void)signo;
    co_loop_post(handled, arrives, (void *)(number++ << 2));
}

struct raises { co_frame; int n; };
static co_define(raises) {
    co_begin;
    for (; self->n > 0; self->n--) {
        raise(SIGUSR1);
        co_pause;
    }
    co_end;
}

static void a_signal_handler_may_post(void **state)
{
    (void)state;
    struct co_task *task = wait_for_posts(100);
    struct sigaction action = { .sa_handler = post_signal }, old;

    handled = co_loop_current();
    sigaction(SIGUSR1, &action, &old);
    co_loop_ref(co_loop_current());
    assert_int_equal(co_go(raises, .n = 100), 0);
    assert_int_equal(run_(task), 0);
    co_loop_unref(co_loop_current());
    sigaction(SIGUSR1, &old, NULL);
    assert_int_equal(post.wrong, 0);
}

static void a_post_too_many_is_EAGAIN_and_none_is_lost(void **state)
{
    (void)state;
    struct co_task *task = wait_for_posts(INT_MAX);
    int n = 0;

    errno = 7;
    while (n < 1000000 &&
           co_loop_post(co_loop_current(), arrives, (void *)((uintptr_t)n << 2)) == 0)
        n++;
    assert_int_equal(co_loop_post(co_loop_current(), arrives, NULL), -EAGAIN);
    assert_int_equal(errno, 7);         /* a handler must not change it */
    assert_in_range(n, 100, 999999);
    post.wanted = n;
    co_loop_ref(co_loop_current());
    assert_int_equal(run_(task), 0);
    co_loop_unref(co_loop_current());
    assert_int_equal(post.arrived, n);
    assert_int_equal(post.wrong, 0);
}

static void a_worker_waits_until_there_is_room_for_its_post(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(caller, .fn = pass, .arg = (void *)3);

    assert_int_equal(co_go(crowd, .n = 1), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    memset(&post, 0, sizeof post);
    while (co_loop_post(co_loop_current(), arrives, (void *)((uintptr_t)post.wanted << 2)) == 0)
        post.wanted++;
    gate_set(1);
    usleep(20000);                      /* it is likely to be done, and to wait */
    assert_int_equal(run_(task), 3);
    assert_int_equal(post.arrived, post.wanted);
}

static void nothing_but_a_referenced_loop_waits_for_posts(void **state)
{
    (void)state;
    struct co_task *task = wait_for_posts(1);
    struct poster poster = { co_loop_current(), 0, 1, 50000 };
    pthread_t other;

    assert_int_equal(co_loop_run(co_loop_current()), -EDEADLK);
    co_loop_ref(co_loop_current());
    other = thread(posts, &poster);
    assert_int_equal(run_(task), 0);
    pthread_join(other, NULL);
    co_loop_unref(co_loop_current());
    task = wait_for_posts(1);
    assert_int_equal(co_loop_run(co_loop_current()), -EDEADLK);
    co_cancel(task);
    assert_int_equal(run_(task), -ECANCELED);
}

static void calls_that_are_over_or_taken_back_leave_no_reference(void **state)
{
    (void)state;
    struct co_task *task;

    cancel_one(1, 0, -ECANCELED, 0);
    task = wait_for_posts(1);
    assert_int_equal(co_loop_run(co_loop_current()), -EDEADLK);
    co_cancel(task);
    assert_int_equal(run_(task), -ECANCELED);
}

static void a_loop_that_rides_takes_posts_and_calls(void **state)
{
    (void)state;
    struct ev_loop *ev = ev_loop_new(0);
    struct co_loop_options options = { .ev = ev };
    struct co_loop *loop = co_loop_new(&options);
    struct co_task *task = wait_for_posts(100), *call = co_spawn(caller, .fn = pass);
    struct poster poster = { loop, 0, 100, 20000 };
    pthread_t other = thread(posts, &poster);

    gate_set(1);
    ev_run(ev, 0);
    pthread_join(other, NULL);
    assert_int_equal(co_task_result(task), 0);
    assert_int_equal(co_task_result(call), 0);
    assert_int_equal(post.arrived, 100);
    assert_int_equal(post.wrong, 0);
    co_task_free(task);
    co_task_free(call);
    co_loop_free(loop);
    ev_loop_destroy(ev);
}

static const struct CMUnitTest tests[] = {
    TEST(a_call_runs_in_another_thread_and_gives_its_result),
    TEST(the_others_go_on_meanwhile),
    TEST(a_hundred_calls_never_run_more_than_four_at_once),
    TEST(a_higher_limit_makes_threads_for_calls_that_wait),
    TEST(a_lower_limit_holds_for_threads_that_are_there),
    TEST(a_call_that_has_begun_gives_its_result_and_the_next_await_is_cancelled),
    TEST(a_call_that_has_not_begun_is_taken_back_and_never_runs),
    TEST(a_deadline_on_a_call_that_has_begun_waits_for_its_result),
    TEST(a_deadline_takes_back_a_call_that_has_not_begun),
    TEST(calls_are_taken_back_from_anywhere_in_the_queue),
    TEST(a_task_that_was_cancelled_before_makes_no_call),
    TEST(a_loop_that_is_freed_waits_for_the_calls_that_run),
    TEST(signals_are_blocked_in_the_pool_and_here_as_before),
    TEST_ALONE(two_loops_in_two_threads_share_the_pool),
    TEST_ALONE(a_loop_may_begin_while_the_last_one_ends_the_pool),
    TEST_ALONE(the_threads_end_with_the_last_loop),
    TEST(a_call_without_a_thread_is_EAGAIN),
    TEST(one_thread_serves_all_if_no_more_can_be_made),
    TEST(posts_of_four_threads_all_arrive_each_in_order),
    TEST(a_signal_handler_may_post),
    TEST(a_post_too_many_is_EAGAIN_and_none_is_lost),
    TEST(a_worker_waits_until_there_is_room_for_its_post),
    TEST(nothing_but_a_referenced_loop_waits_for_posts),
    TEST(calls_that_are_over_or_taken_back_leave_no_reference),
    TEST_ALONE(a_loop_that_rides_takes_posts_and_calls),
};

TEST_MAIN_WITH(tests, first_thread, NULL)
