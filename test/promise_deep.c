/* SPDX-License-Identifier: BSD-2-Clause
 * promise_deep.c: what one request costs where tasks wait for tasks in many layers: no more C stack
 * however deep they are, and no more work than there are tasks. Each test runs in a process of its
 * own, since one that fails overflows the stack or never ends. */
#include "task_test.h"

#include "../group.h"

#include <pthread.h>
#include <time.h>

/* The C stack of a thread on a small machine; it is enough under the address sanitizer, too. */
enum { STACK_KB = 64, CPU_SECONDS = 20 };


static void *on_small_stack(void *work)
{
    (*(void (**)(void))work)();
    return NULL;
}

/* Runs [work] on a stack of STACK_KB, in a process that may use CPU_SECONDS. */
static void run_apart(void (*work)(void))
{
    struct rlimit no_core = { 0, 0 }, cpu = { CPU_SECONDS, CPU_SECONDS };
    pthread_attr_t small;
    pthread_t thread;
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        setrlimit(RLIMIT_CPU, &cpu);
        signal(SIGSEGV, SIG_DFL);                       /* cmocka's would jump off this stack */
        if (pthread_attr_init(&small) || pthread_attr_setstacksize(&small, STACK_KB * 1024)
            || pthread_create(&thread, &small, on_small_stack, &work)
            || pthread_join(thread, NULL))
            _exit(3);
        fflush(NULL);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        print_error("killed by signal %d%s\n", WTERMSIG(status), WTERMSIG(status) == SIGXCPU
                    || WTERMSIG(status) == SIGKILL ? ": too much work"
                    : WTERMSIG(status) == SIGSEGV ? ": the C stack" : "");
    assert_int_equal(status, 0);
}

/* A check in the other process, which has no cmocka to go back to. */
static void must_be(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static double seconds_of_cpu(void) { return (double)clock() / CLOCKS_PER_SEC; }

/* Turns until the clock would have to move. */
static void settle(struct sim *sim)
{
    while (sim->scheduler.count > 0 && co_scheduler_next(&sim->scheduler) <= 0)
        co_scheduler_turn(&sim->scheduler);
}

/* ---- Groups in groups ------------------------------------------------------------------------ */

enum layer { GROUPS, GATHERS, JOINS, DEADLINES, MIXED };

static int awaits_met;                      /* how many gave -ECANCELED or -ETIMEDOUT */

/* Starts one that is like it, [left] deep, and awaits it in the way of [layer]; the last sleeps. */
struct nest {
    co_frame;
    enum layer layer;
    int left;
    struct co_group group;
    struct co_within slot;
    struct co_task *child;
    intptr_t result;
};
static co_define(nest) {
    enum layer layer = self->layer < MIXED ? self->layer : (enum layer)(self->left % MIXED);

    co_begin;
    if (self->left == 0) {
        co_await(self->result, co_sleep(1e6));
        awaits_met += self->result == -ECANCELED;
        co_return(self->result);
    }
    if (layer == GROUPS) {
        co_group_init(&self->group, NULL);
        must_be(co_group_go(&self->group, nest, .layer = self->layer, .left = self->left - 1) == 0,
                "there is memory");
        co_await(self->result, co_group_wait(&self->group));
    } else {
        self->child = co_spawn(nest, .layer = self->layer, .left = self->left - 1);
        must_be(self->child != NULL, "there is memory");
    }
    if (layer == GATHERS)
        co_await(self->result, co_gather(&self->child, 1));
    else if (layer == JOINS)
        co_await(self->result, co_join(self->child));
    else if (layer == DEADLINES)
        co_await(self->result, co_within(&self->slot, 1e7, co_join(self->child)));
    awaits_met += self->result == -ECANCELED;
    co_task_free(self->child);
    co_return(self->result);
    co_end;
}

static enum layer nested_layer;
static bool by_deadline;

struct outermost { co_frame; struct nest nest; struct co_within slot; intptr_t result; };
static co_define(outermost) {
    co_begin;
    co_await(self->result, co_within(&self->slot, by_deadline ? 1 : 1e7, co_call(&self->nest, nest,
             .layer = nested_layer, .left = sized(100000, 1000))));
    co_return(self->result);
    co_end;
}

static void cancel_nest(void)
{
    struct sim sim;
    struct co_task *task;
    double begin;

    sim_begin(&sim);
    awaits_met = 0;
    task = co_spawn(outermost);
    settle(&sim);
    begin = seconds_of_cpu();
    if (!by_deadline)
        must_be(co_cancel(task) == 1, "it waits");
    must_be(sim_run(&sim) == 0, "all tasks end");
    must_be(awaits_met == sized(100000, 1000) + 1, "each layer heard of it once");
    must_be(co_task_result(task) == (by_deadline ? -ETIMEDOUT : -ECANCELED), "its result");
    must_be(sim.now == (by_deadline ? 1 * S : 0), "nobody waited");
    printf("promise_deep: %d layers of kind %d ended in %.2f s\n", sized(100000, 1000),
           (int)nested_layer, seconds_of_cpu() - begin);
    co_task_free(task);
    co_scheduler_free(&sim.scheduler);
    must_be(sim.blocks == 0, "no memory is left");
}

static void a_request_goes_through_any_number_of_layers(void **state)
{
    (void)state;
    for (nested_layer = GROUPS; nested_layer <= MIXED; nested_layer++) {
        for (int i = 0; i < 2; i++) {
            by_deadline = i != 0;
            run_apart(cancel_nest);
        }
    }
}

/* ---- Many ways down -------------------------------------------------------------------------- */

/* A layer gathers three tasks, each of which leads to the next layer: a join, a group whose member
 * joins it, a join. There are 3 to the power of layers ways down, and 5 tasks a layer. */
enum { LAYERS = 2000, WAYS = 3 };

static struct co_task *layers[LAYERS + 1];

struct join_layer { co_frame; int to; intptr_t result; };
static co_define(join_layer) {
    co_begin;
    co_await(self->result, co_join(layers[self->to]));
    awaits_met += self->result == -ECANCELED;
    co_return(self->result);
    co_end;
}

struct group_layer { co_frame; int to; struct co_group group; intptr_t result; };
static co_define(group_layer) {
    co_begin;
    co_group_init(&self->group, NULL);
    must_be(co_group_go(&self->group, join_layer, .to = self->to) == 0, "there is memory");
    co_await(self->result, co_group_wait(&self->group));
    awaits_met += self->result == -ECANCELED;
    co_return(self->result);
    co_end;
}

struct gather_layer { co_frame; int at; struct co_task *ways[WAYS]; intptr_t result; };
static co_define(gather_layer) {
    co_begin;
    if (self->at == 0) {
        co_await(self->result, co_sleep(1e6));
    } else {
        self->ways[0] = co_spawn(join_layer, .to = self->at - 1);
        self->ways[1] = co_spawn(group_layer, .to = self->at - 1);
        self->ways[2] = co_spawn(join_layer, .to = self->at - 1);
        co_await(self->result, co_gather(self->ways, WAYS));
        for (int i = 0; i < WAYS; i++)
            co_task_free(self->ways[i]);
    }
    awaits_met += self->result == -ECANCELED;
    co_return(self->result);
    co_end;
}

static int layer_count;

static void cancel_layers(void)
{
    struct sim sim;
    double begin;

    sim_begin(&sim);
    awaits_met = 0;
    for (int i = 0; i <= layer_count; i++)
        layers[i] = co_spawn(gather_layer, .at = i);
    settle(&sim);
    begin = seconds_of_cpu();
    must_be(co_cancel(layers[layer_count]) == 1, "it waits");
    printf("promise_deep: %d layers of gather{join, group, join}: the cancel took %.6f s\n",
           layer_count, seconds_of_cpu() - begin);
    must_be(sim_run(&sim) == 0, "all tasks end");
    must_be(awaits_met == 5 * layer_count + 1, "each await heard of it once");
    for (int i = 0; i <= layer_count; i++) {
        must_be(co_task_result(layers[i]) == -ECANCELED, "its result");
        co_task_free(layers[i]);
    }
    co_scheduler_free(&sim.scheduler);
    must_be(sim.blocks == 0, "no memory is left");
}

/* Work that doubled with each layer would end at neither. */
static void the_number_of_ways_through_groups_costs_nothing(void **state)
{
    (void)state;
    static const int counts[] = { 1, 2, 16, 24, 200, LAYERS };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        layer_count = counts[i];
        run_apart(cancel_layers);
    }
}

/* ---- Rings ----------------------------------------------------------------------------------- */

/* Task i joins task i + 1, or gathers it, and the last one the first: a deadlock, whoever cancels.
 * What is asked of the cancel is that it returns. */
enum { RING = 20000 };

static struct co_task *ring[RING];

struct link { co_frame; int to; intptr_t result; };
static co_define(link) {
    co_begin;
    if (self->to % 2)
        co_await(self->result, co_join(ring[self->to]));
    else
        co_await(self->result, co_gather(&ring[self->to], 1));
    co_end;
}

static void cancel_ring(void)
{
    struct sim sim;
    int n = sized(RING, 1000);

    sim_begin(&sim);
    for (int i = 0; i < n; i++)
        ring[i] = co_spawn(link, .to = (i + 1) % n);
    sim_turns(&sim, 2);
    for (int i = 0; i < 3; i++)
        must_be(co_cancel(ring[i * 7]) == 1, "it waits");
    sim_turns(&sim, n + 2);                             /* whatever becomes of the ring */
}

static void a_cancel_of_a_ring_returns(void **state)
{
    (void)state;
    run_apart(cancel_ring);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_through_any_number_of_layers),
        cmocka_unit_test(the_number_of_ways_through_groups_costs_nothing),
        cmocka_unit_test(a_cancel_of_a_ring_returns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
