/* SPDX-License-Identifier: BSD-2-Clause
 * stops.c: tests that misuse which only a run can find stops the program, with a message that has
 * the place and says how to mend it. What the compiler refuses is in misuse/. */
#include "task_test.h"
#include "../loop.h"

static struct sim misused;

struct waits { co_frame; };
static co_define(waits) {
    co_begin;
    co_await(co_wait());
    co_end;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

enum what { A_SLEEP, A_JOIN, A_SLEEP_OF_0 };
enum before { AN_OP, A_PAUSE, THE_END };

struct forgets { co_frame; enum what what; enum before before; struct co_task *other; co_op op; };
enum { LINE_OF_FORGETS = __LINE__ + 2 };
static co_define(forgets) {
    co_begin;
    co_await(co_sleep(0.001));
    co_await(co_wait());
    self->op = self->what == A_SLEEP ? co_sleep(1) : self->what == A_JOIN ? co_join(self->other)
        : co_sleep(0);
    if (self->before == AN_OP)
        co_await(co_join(self->other));
    else if (self->before == A_PAUSE)
        co_pause;
    co_end;
}

static void forget(enum what what, enum before before)
{
    sim_begin(&misused);
    struct co_task *other = co_spawn(waits);
    struct co_task *task = co_spawn(forgets, .what = what, .before = before, .other = other);
    sim_run(&misused);
    co_wake(task, 0);
    sim_run(&misused);
}
static void forget_a_sleep_before_an_op(void) { forget(A_SLEEP, AN_OP); }
static void forget_a_join_before_an_op(void) { forget(A_JOIN, AN_OP); }
static void forget_what_is_ready_before_an_op(void) { forget(A_SLEEP_OF_0, AN_OP); }
static void forget_a_sleep_before_a_pause(void) { forget(A_SLEEP, A_PAUSE); }
static void forget_a_join_before_a_pause(void) { forget(A_JOIN, A_PAUSE); }
static void forget_what_is_ready_before_a_pause(void) { forget(A_SLEEP_OF_0, A_PAUSE); }
static void forget_a_sleep_before_the_end(void) { forget(A_SLEEP, THE_END); }
static void forget_a_join_before_the_end(void) { forget(A_JOIN, THE_END); }
static void forget_what_is_ready_before_the_end(void) { forget(A_SLEEP_OF_0, THE_END); }

static void an_op_that_is_not_awaited_before_the_next_one_stops(void **state)
{
    (void)state;
    int line = LINE_OF_FORGETS + 2;

    stops_at(forget_a_sleep_before_an_op, line, "co_sleep .*after .*not awaited before co_join");
    stops_at(forget_a_join_before_an_op, line, "co_join .*after .*not awaited before co_join");
    stops_at(forget_what_is_ready_before_an_op, line, "co_sleep .*not awaited before co_join");
}

static void an_op_that_is_not_awaited_before_a_pause_stops(void **state)
{
    (void)state;
    int line = LINE_OF_FORGETS + 8;

    stops_at(forget_a_sleep_before_a_pause, line, "co_sleep .*never awaited: before this");
    stops_at(forget_a_join_before_a_pause, line, "co_join .*never awaited: before this");
    stops_at(forget_what_is_ready_before_a_pause, line, "co_sleep .*never awaited: before this");
}

static void an_op_that_is_not_awaited_before_the_end_stops(void **state)
{
    (void)state;
    stops_at(forget_a_sleep_before_the_end, LINE_OF_FORGETS, "co_sleep .*never awaited: in ");
    stops_at(forget_a_join_before_the_end, LINE_OF_FORGETS, "co_join .*never awaited: in ");
    stops_at(forget_what_is_ready_before_the_end, LINE_OF_FORGETS, "co_sleep .*never awaited: in ");
}

static co_op op;
static void sleep_outside(void) { sim_begin(&misused); op = co_sleep(1); }
static void join_outside(void) { sim_begin(&misused); op = co_join(NULL); }
static void gather_outside(void) { sim_begin(&misused); op = co_gather(NULL, 0); }
static void done_outside(void) { sim_begin(&misused); op = co_op_done(0); }

static void within_outside(void)
{
    struct co_within frame = { .co.body = NULL };
    struct co_chain chain = { NULL, 0 };

    sim_begin(&misused);
    op = co_within(&frame, 1, co_wait());
    chain.top = op.frame;
    co_resume(&chain);
}

static void an_op_outside_a_task_stops(void **state)
{
    (void)state;
    stops(sleep_outside, "co_sleep\\(\\) was made outside a task");
    stops(join_outside, "co_join\\(\\) was made outside a task");
    stops(gather_outside, "co_gather\\(\\) was made outside a task");
    stops(done_outside, "co_op_done\\(\\) was made outside a task");
    stops(within_outside, "co_within\\(\\) was awaited outside a task");
}

/* ---- Wait lists ------------------------------------------------------------------------------ */

static struct co_event event;
static struct co_lock lock;
static struct co_semaphore semaphore;
static struct co_condition condition;
static struct co_barrier barrier;
static struct co_queue queue;

struct waits_in { co_frame; int kind; char item; };
static co_define(waits_in)
{
    co_begin;
    co_try(self->kind == 0 ? co_event_wait(&event) : self->kind == 1 ? co_lock_acquire(&lock)
           : self->kind == 2 ? co_semaphore_acquire(&semaphore)
           : self->kind == 3 ? co_barrier_wait(&barrier) : self->kind == 4
           ? co_queue_get(&queue, &self->item) : self->kind == 6
           ? co_queue_put(&queue, &self->item) : self->kind == 7 ? co_queue_join(&queue)
           : co_lock_acquire(&lock));
    if (self->kind == 5)
        co_try(co_condition_wait(&condition));
    co_try(co_wait());
    co_finally;
    co_lock_release(&lock);
    co_end;
}

/* Two tasks of that kind; then what is freed. */
static void wait_in(int kind)
{
    static char room;

    sim_begin(&misused);
    co_semaphore_init(&semaphore, 1, 0);
    co_barrier_init(&barrier, 3);
    co_condition_init(&condition, &lock);
    co_queue_init(&queue, kind > 5 ? &room : NULL, kind > 5, 1);
    if (kind > 5 && co_queue_put_now(&queue, "x") < 0)
        exit(1);
    for (int i = 0; i < 2; i++)
        if (co_go(waits_in, .kind = kind) < 0)
            exit(1);
    sim_turn(&misused);
    sim_turn(&misused);
}

static void free_event(void) { wait_in(0); co_event_check_idle(&event); }
static void free_lock(void) { wait_in(1); co_lock_check_idle(&lock); }
static void free_semaphore(void) { wait_in(2); co_semaphore_check_idle(&semaphore); }
static void free_barrier(void) { wait_in(3); co_barrier_check_idle(&barrier); }
static void free_queue(void) { wait_in(4); co_queue_free(&queue); }
static void free_condition(void) { wait_in(5); co_condition_check_idle(&condition); }
static void free_queue_of_putters(void) { wait_in(6); co_queue_free(&queue); }
static void free_queue_of_joiners(void) { wait_in(7); co_queue_free(&queue); }

static void a_wait_list_that_is_freed_while_a_task_waits_stops(void **state)
{
    (void)state;
    stops(free_event, "co_event_check_idle\\(\\) while a task still waits");
    stops(free_lock, "co_lock_check_idle\\(\\) while a task still waits");
    stops(free_semaphore, "co_semaphore_check_idle\\(\\) while a task still waits");
    stops(free_barrier, "co_barrier_check_idle\\(\\) while a task still waits");
    stops(free_queue, "co_queue_free\\(\\) while a task still waits");
    stops(free_condition, "co_condition_check_idle\\(\\) while a task still waits");
    stops(free_queue_of_putters, "stops.c:[0-9]+: co_queue_free\\(\\) while a task still waits");
    stops(free_queue_of_joiners, "stops.c:[0-9]+: co_queue_free\\(\\) while a task still waits");
}

static void a_wait_list_that_nobody_waits_in_may_be_freed(void **state)
{
    (void)state;
    co_event_check_idle(&event);
    co_lock_check_idle(&lock);
    co_semaphore_check_idle(&semaphore);
    co_barrier_check_idle(&barrier);
    co_queue_free(&queue);
    co_condition_check_idle(&condition);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void spawn_nowhere(void) { co_task_free(co_spawn(give)); }
static void go_nowhere(void) { (void)co_go(give); }
static void sleep_nowhere(void) { op = co_sleep(1); }
static void sleep_until_nowhere(void) { op = co_sleep_until(1); }

static void init_nowhere(void)
{
    struct co_task task;
    struct give frame;

    co_task_init(&task, &frame, give);
}

static void start_a_timer_nowhere(void)
{
    struct co_timer timer = { 0 };

    co_timer_start(&timer, 1);
}

static void without_a_scheduler_all_stop(void **state)
{
    (void)state;
    assert_null(co_scheduler_get());
    stops(spawn_nowhere, "co_spawn\\(\\) needs a scheduler");
    stops(go_nowhere, "needs a scheduler");
    stops(init_nowhere, "co_task_init\\(\\) needs a scheduler");
    stops(sleep_nowhere, "co_sleep\\(\\) needs a scheduler");
    stops(sleep_until_nowhere, "co_sleep_until\\(\\) needs a scheduler");
    stops(start_a_timer_nowhere, "co_timer_start\\(\\) needs a scheduler");
}

struct turner { co_frame; struct co_scheduler *scheduler; struct co_loop *loop; int free; };
static co_define(turner) {
    co_begin;
    if (self->free)
        co_loop_free(self->loop);
    else if (self->loop)
        co_loop_run(self->loop);
    else if (self->scheduler)
        co_scheduler_run(self->scheduler);
    co_end;
}

static void run_in_a_run(void)
{
    sim_begin(&misused);
    (void)co_go(turner, .scheduler = &misused.scheduler);
    sim_run(&misused);
}

static void run_another_in_a_run(void)
{
    static struct sim other;

    sim_begin(&other);
    (void)co_go(give);
    sim_begin(&misused);
    (void)co_go(turner, .scheduler = &other.scheduler);
    sim_run(&misused);
}

static void loop_in_a_loop(void)
{
    struct co_loop *loop = co_loop_new(NULL);

    (void)co_go(turner, .loop = loop);
    co_loop_run(loop);
}

static void free_the_loop_inside(void)
{
    struct co_loop *loop = co_loop_new(NULL);

    (void)co_go(turner, .loop = loop, .free = 1);
    co_loop_run(loop);
}

static void a_loop_in_a_loop_stops(void **state)
{
    (void)state;
    stops(run_in_a_run, "co_scheduler_turn\\(\\) inside a task");
    stops(run_another_in_a_run, "co_scheduler_turn\\(\\) inside a task");
    stops(loop_in_a_loop, "co_scheduler_turn\\(\\) inside a task");
    stops(free_the_loop_inside, "stops.c:[0-9]+: co_scheduler_turn\\(\\) inside a task");
}

static void free_the_scheduler_early(void)
{
    sim_begin(&misused);
    (void)co_go(waits);
    sim_run(&misused);
    co_scheduler_free(&misused.scheduler);
}

static void free_a_task_early(void)
{
    sim_begin(&misused);
    struct co_task *task = co_spawn(waits);
    sim_run(&misused);
    co_task_free(task);
}

static void free_a_task_late(void)
{
    sim_begin(&misused);
    struct co_task *task = co_spawn(give);
    sim_run(&misused);
    co_scheduler_free(&misused.scheduler);
    co_task_free(task);
}

/* A task that has not begun; and one by itself. */
static void free_a_task_at_once(void)
{
    sim_begin(&misused);
    co_task_free(co_spawn(waits));
}

enum does { FREES_ITSELF, WAKES_ITSELF };
struct does_to_itself { co_frame; enum does what; };
static co_define(does_to_itself) {
    co_begin;
    co_try(co_sleep(0));
    if (self->what == FREES_ITSELF)
        co_task_free(co_current());
    else
        co_wake(co_current(), 0);
    co_end;
}

static void do_to_itself(enum does what)
{
    sim_begin(&misused);
    struct co_task *task = co_spawn(does_to_itself, .what = what);
    sim_run(&misused);
    co_task_free(task);
}
static void free_itself(void) { do_to_itself(FREES_ITSELF); }
static void wake_itself(void) { do_to_itself(WAKES_ITSELF); }

static void what_is_freed_at_the_wrong_time_stops(void **state)
{
    (void)state;
    stops(free_a_task_late, "co_task_free\\(\\) needs a scheduler");
    stops(free_the_scheduler_early, "stops.c:[0-9]+: co_scheduler_free\\(\\) while tasks are left");
    stops(free_a_task_early, "stops.c:[0-9]+: co_task_free\\(\\) of a task that has not ended");
    stops(free_a_task_at_once, "stops.c:[0-9]+: co_task_free\\(\\) of a task that has not ended");
    stops(free_itself, "stops.c:[0-9]+: co_task_free\\(\\) of a task that has not ended");
}

static void wake_what_is_ready(void)
{
    sim_begin(&misused);
    co_wake(co_spawn(waits), 0);
}

static void wake_what_has_ended(void)
{
    sim_begin(&misused);
    struct co_task *task = co_spawn(give);
    sim_run(&misused);
    co_wake(task, 0);
}

static void wake_twice(void)
{
    sim_begin(&misused);
    struct co_task *task = co_spawn(waits);
    sim_run(&misused);
    co_wake(task, 0);
    co_wake(task, 0);
}

static void the_wake_of_a_task_that_does_not_wait_stops(void **state)
{
    (void)state;
    stops(wake_what_is_ready, "co_wake\\(\\) of a task that does not wait");
    stops(wake_what_has_ended, "co_wake\\(\\) of a task that does not wait");
    stops(wake_itself, "stops.c:[0-9]+: co_wake\\(\\) of a task that does not wait");
    stops(wake_twice, "stops.c:[0-9]+: co_wake\\(\\) of a task that does not wait");
}

static void read_the_wrong_frame(void)
{
    sim_begin(&misused);
    struct co_task *task = co_spawn(waits);
    sim_run(&misused);
    op.result = CO_TASK_FRAME(task, give)->value;
}

static void a_frame_of_the_wrong_type_stops(void **state)
{
    (void)state;
    stops(read_the_wrong_frame, "stops.c:[0-9]+: CO_TASK_FRAME: .* does not run give");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_op_that_is_not_awaited_before_the_next_one_stops),
    cmocka_unit_test(an_op_that_is_not_awaited_before_a_pause_stops),
    cmocka_unit_test(an_op_that_is_not_awaited_before_the_end_stops),
    cmocka_unit_test(a_wait_list_that_is_freed_while_a_task_waits_stops),
    cmocka_unit_test(a_wait_list_that_nobody_waits_in_may_be_freed),
    cmocka_unit_test(an_op_outside_a_task_stops),
    cmocka_unit_test(without_a_scheduler_all_stop),
    cmocka_unit_test(a_loop_in_a_loop_stops),
    cmocka_unit_test(what_is_freed_at_the_wrong_time_stops),
    cmocka_unit_test(the_wake_of_a_task_that_does_not_wait_stops),
    cmocka_unit_test(a_frame_of_the_wrong_type_stops),
};

TEST_MAIN(tests)
