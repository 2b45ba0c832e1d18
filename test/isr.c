/* SPDX-License-Identifier: BSD-2-Clause
 * isr.c: tests of isr.h and of the driver for microcontrollers, demos/mcu/mcu.c, on a board of our
 * own: signals are its interrupts, and its clock moves when it sleeps. */
#define _GNU_SOURCE                     /* CPU_SET, MAP_ANONYMOUS */
#include "test.h"
#include "../group.h"
#include "../isr.h"

#ifdef __linux__
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#endif
#include <sys/time.h>

static void irq_mask(int how);
#define IRQ_MASK() irq_mask(SIG_BLOCK)
#define IRQ_UNMASK() irq_mask(SIG_UNBLOCK)
#include "../demos/mcu/mcu.c"

int tiny_resumed_after_its_end(void);               /* isr_other.c */
int tiny_awaits_in_a_switch(void);

/* ---- The board ------------------------------------------------------------------------------- */

enum { FIRST = SIGUSR1, SECOND = SIGUSR2, THIRD = SIGURG };
const uint32_t board_tick_ns = 1000;
static uint32_t ticks;
static long sleeps;
static uint32_t asked;                              /* for how long it was to sleep at last */
static void (*when_asleep)(void);                   /* comes when interrupts are masked; or NULL */
static volatile int *asleep;                        /* where the process that traces us looks */

static void irq_mask(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, FIRST);
    sigaddset(&set, SECOND);
    sigaddset(&set, THIRD);
    sigaddset(&set, asleep ? THIRD : SIGALRM);      /* else it is the guard of who is traced */
    sigprocmask(how, &set, NULL);
}

void board_init(void) { }

uint32_t board_ticks(void)
{
    return ticks;
}

/* As WFI does: it ends when an interrupt is pending, though all are masked. Where nothing of this
 * test can send one, the time passes at once. */
void board_sleep(uint32_t n)
{
    sigset_t pending;

    sleeps++;
    asked = n;
    if (when_asleep)
        when_asleep();
    if (!when_asleep && !asleep) {
        ticks += n;
        return;
    }
    do {
        if (asleep)
            *asleep = 1;
        sigpending(&pending);
    } while (!sigismember(&pending, FIRST) && !sigismember(&pending, SECOND)
             && !sigismember(&pending, THIRD) && !sigismember(&pending, SIGALRM));
}

_Noreturn void board_stop(int status)
{
    exit(status);
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static struct co_isr_event first, second, third;
static struct co_timer_slot slots[2];

static void on_first(int signo)
{
    (void)signo;
    co_isr_event_set(&first);
}

static void on_second(int signo)
{
    (void)signo;
    co_isr_event_set(&second);
}

static void on_third(int signo)
{
    (void)signo;
    co_isr_event_set(&third);
}

static void handle(int signo, void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);              /* no signal is masked in it: they nest */
    action.sa_handler = handler;
    sigaction(signo, &action, NULL);
}

static int begin(void **state)
{
    (void)state;
    ticks = 0;
    sleeps = 0;
    when_asleep = NULL;
    handle(FIRST, on_first);
    handle(SECOND, on_second);
    mcu_init(slots, 2);
    co_isr_event_init(&first);
    co_isr_event_init(&second);
    co_isr_event_init(&third);
    return 0;
}

static int end(void **state)
{
    (void)state;
    co_isr_event_remove(&first);
    co_isr_event_remove(&second);
    co_isr_event_remove(&third);
    return scheduler.count != 0 || scheduler.timer_count != 0;
}

static void turn(void)
{
    co_isr_deliver();
    co_scheduler_turn(&scheduler);
}

/* Waits [times] times, and counts. */
struct waiter { co_frame; struct co_isr_event *event; int times, seen; intptr_t r; };
static co_define(waiter) {
    co_begin;
    for (; self->times > 0; self->times--) {
        co_await(self->r, co_isr_event_wait(self->event));
        if (self->r < 0)
            co_return(self->r);
        self->seen++;
    }
    co_end;
}

struct napper { co_frame; int64_t ns; int times; int64_t woke; };
static co_define(napper) {
    co_begin;
    for (; self->times > 0; self->times--)
        co_try(co_sleep_ns_(self->ns));
    self->woke = mcu_now();
    co_end;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void an_event_set_in_a_handler_wakes_who_waits_at_the_next_turn(void **state)
{
    struct waiter frame;
    struct co_task task;

    (void)state;
    co_task_init(&task, &frame, waiter, .event = &first, .times = 1);
    turn();
    assert_int_equal(co_scheduler_next(&scheduler), INT64_MAX);
    raise(FIRST);
    assert_int_equal(frame.seen, 0);
    assert_int_equal(co_isr_pending(), 1);
    turn();
    assert_int_equal(frame.seen, 1);
    assert_int_equal(co_isr_pending(), 0);
    assert_int_equal(co_task_state(&task), CO_TASK_FINISHED);
}

static void sets_that_come_before_the_wait_are_one_and_are_not_lost(void **state)
{
    struct waiter frame;
    struct co_task task;

    (void)state;
    raise(FIRST);
    turn();
    raise(FIRST);
    turn();
    co_task_init(&task, &frame, waiter, .event = &first, .times = 2);
    turn();
    assert_int_equal(frame.seen, 1);
    turn();
    assert_int_equal(frame.seen, 1);
    raise(FIRST);
    turn();
    assert_int_equal(frame.seen, 2);
}

static void an_event_that_is_cleared_was_never_set(void **state)
{
    struct waiter frame;
    struct co_task task;

    (void)state;
    raise(FIRST);
    turn();
    raise(FIRST);
    co_isr_event_clear(&first);
    co_task_init(&task, &frame, waiter, .event = &first, .times = 1);
    turn();
    turn();
    assert_int_equal(frame.seen, 0);
    raise(FIRST);
    turn();
    assert_int_equal(frame.seen, 1);
}

static void all_who_wait_go_on_and_no_one_elses(void **state)
{
    struct waiter frames[3];
    struct co_task tasks[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        co_task_init(&tasks[i], &frames[i], waiter, .event = i < 2 ? &first : &second, .times = 1);
    turn();
    raise(FIRST);
    turn();
    assert_int_equal(frames[0].seen + frames[1].seen, 2);
    assert_int_equal(frames[2].seen, 0);
    raise(SECOND);
    turn();
    assert_int_equal(frames[2].seen, 1);
}

static void a_set_for_a_task_that_is_gone_does_nothing(void **state)
{
    struct waiter frame, next;
    struct co_task task, other;

    (void)state;
    co_task_init(&task, &frame, waiter, .event = &first, .times = 1);
    turn();
    raise(FIRST);                                   /* it comes, and the task is cancelled */
    co_cancel(&task);
    co_scheduler_turn(&scheduler);
    assert_int_equal(co_task_result(&task), -ECANCELED);
    memset(&task, 0xEE, sizeof task);               /* gone */
    memset(&frame, 0xEE, sizeof frame);
    turn();
    raise(FIRST);
    turn();
    co_task_init(&other, &next, waiter, .event = &first, .times = 1);
    turn();
    assert_int_equal(next.seen, 1);                 /* the set was kept for who waits next */
}

static void a_cancel_that_comes_after_the_set_was_delivered_loses_no_set(void **state)
{
    struct waiter frame;
    struct co_task task;

    (void)state;
    co_task_init(&task, &frame, waiter, .event = &first, .times = 2);
    turn();
    raise(FIRST);
    co_isr_deliver();
    co_cancel(&task);
    co_scheduler_turn(&scheduler);
    assert_int_equal(frame.seen, 1);
    assert_int_equal(co_task_result(&task), -ECANCELED);
}

static void wait_then_free(void)
{
    static struct waiter frame;
    static struct co_task task;

    co_task_init(&task, &frame, waiter, .event = &first, .times = 1);
    turn();
    co_isr_event_remove(&first);
}

static void an_event_is_not_freed_while_a_task_waits(void **state)
{
    (void)state;
    stops(wait_then_free, "co_isr_event_remove\\(\\) while a task still waits");
}

/* ---- Sleep ----------------------------------------------------------------------------------- */

static void first_comes(void)
{
    raise(FIRST);                                   /* masked: it stays pending */
}

static void an_interrupt_between_the_check_and_the_sleep_is_not_slept_over(void **state)
{
    struct waiter frame;
    struct co_task task;

    (void)state;
    when_asleep = first_comes;
    co_task_init(&task, &frame, waiter, .event = &first, .times = 100);
    mcu_run();
    assert_int_equal(frame.seen, 100);
    assert_int_equal(sleeps, 100);
}

static void first_comes_and_second_in_it(int signo)
{
    on_first(signo);
    raise(SECOND);
    on_first(signo);
}

static void a_handler_in_a_handler_loses_nothing(void **state)
{
    struct waiter frames[2];
    struct co_task tasks[2];

    (void)state;
    handle(FIRST, first_comes_and_second_in_it);
    when_asleep = first_comes;
    co_task_init(&tasks[0], &frames[0], waiter, .event = &first, .times = 100);
    co_task_init(&tasks[1], &frames[1], waiter, .event = &second, .times = 100);
    mcu_run();
    assert_int_equal(frames[0].seen + frames[1].seen, 200);
}

/* A timer interrupts anywhere: each counts one up; in each third one another is nested. */
enum { STORM = 2000 };
static volatile uint32_t came, taken;

static void on_alarm(int signo)
{
    if (came < STORM)
        came++;
    if (came % 3 == 0)
        raise(FIRST);
    on_second(signo);
}

struct counter { co_frame; };
static co_define(counter) {
    co_begin;
    while (taken < STORM) {
        co_try(co_isr_event_wait(&second));
        taken = came;
    }
    co_end;
}

static void nothing_comes(void) { }

static void a_storm_of_interrupts_is_counted_to_the_last(void **state)
{
    struct itimerval often = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };
    struct counter frame;
    struct co_task task;

    (void)state;
    came = taken = 0;
    when_asleep = nothing_comes;
    handle(SIGALRM, on_alarm);
    co_task_init(&task, &frame, counter);
    setitimer(ITIMER_REAL, &often, NULL);
    mcu_run();
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(taken, STORM);
    co_isr_deliver();                               /* one more may have come */
}

/* ---- An interrupt at each instruction -------------------------------------------------------- */

#ifdef __linux__
enum { ROUNDS = 200, STEPS = 100000 };      /* at most */
struct shared { volatile int asleep, rounds, ended; };

/* Stops for who traces us, and then waits for three interrupts, round after round. */
struct victim { co_frame; volatile int *rounds; intptr_t r; };
static co_define(victim) {
    co_begin;
    for (; *self->rounds > 0; (*self->rounds)--) {
        *asleep = 0;
        raise(SIGSTOP);
        co_try(self->r, co_isr_event_wait(&first));
        co_try(self->r, co_isr_event_wait(&second));
        co_try(self->r, co_isr_event_wait(&third));
    }
    co_end;
}

/* On one processor, the tracer and the traced take turns much faster. */
static void share_a_processor(cpu_set_t *were)
{
    cpu_set_t one;
    int cpu = sched_getcpu();

    sched_getaffinity(0, sizeof *were, were);
    CPU_ZERO(&one);
    CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &one);
    sched_setaffinity(0, sizeof one, &one);
}

static _Noreturn void be_traced(struct shared *shared)
{
    struct victim frame;
    struct co_task task;

    asleep = &shared->asleep;
    handle(SIGALRM, SIG_DFL);
    handle(THIRD, on_third);
    alarm(60);                                      /* a lost wake-up would sleep for ever */
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);                                   /* nobody may trace here */
    co_task_init(&task, &frame, victim, .rounds = &shared->rounds);
    mcu_run();
    shared->ended = co_task_state(&task) == CO_TASK_FINISHED;
    _exit(0);
}

static int next_stop(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

/* One instruction; an interrupt that comes is handed over, and its handler begins. */
static void step(pid_t pid)
{
    int stop = 0;

    do {
        ptrace(PTRACE_SINGLESTEP, pid, NULL, (void *)(intptr_t)stop);
        stop = next_stop(pid);
        assert_true(stop == SIGTRAP || stop == FIRST || stop == SECOND || stop == THIRD);
    } while (stop != SIGTRAP);
}

/* Steps until it sleeps, or [n] instructions. How many. */
static int step_on(pid_t pid, const struct shared *shared, int n)
{
    int done = 0;

    for (; done < n && !shared->asleep; done++)
        step(pid);
    return done;
}

/* Sends an interrupt, and goes on for some instructions: into its handler, if it is not masked. */
static void interrupt(pid_t pid, int signo, int steps)
{
    kill(pid, signo);
    while (steps-- > 0)
        step(pid);
}

/* Goes on to the end of the round, and hands over what comes meanwhile. */
static int go_on(pid_t pid)
{
    int stop = 0;

    for (;;) {
        ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)stop);
        stop = next_stop(pid);
        if (stop == SIGSTOP || stop == -1)
            return stop;
    }
}

static void an_interrupt_at_any_instruction_wakes_who_waits(void **state)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int length, stride, rounds;
    cpu_set_t were;
    pid_t pid;

    (void)state;
    if (under_valgrind())
        skip();                                     /* it traces already */
    assert_ptr_not_equal(shared, MAP_FAILED);
    shared->rounds = 1;
    share_a_processor(&were);
    pid = fork();
    if (pid == 0)
        be_traced(shared);
    if (next_stop(pid) != SIGSTOP) {
        sched_setaffinity(0, sizeof were, &were);
        munmap(shared, sizeof *shared);
        skip();
    }
    interrupt(pid, FIRST, 1);
    length = step_on(pid, shared, 1000000);         /* how long is the way to the next sleep? */
    rounds = 2 * STEPS / length < ROUNDS ? 2 * STEPS / length : ROUNDS;
    stride = length / (rounds - 1) + 1;
    shared->rounds = rounds;
    print_message("%d instructions to the next sleep, each %d\n", length, stride);
    assert_true(length > 50);
    for (int round = 1; round <= rounds; round++) {
        interrupt(pid, SECOND, 1 + round % 40);     /* and the third one in its handler */
        interrupt(pid, THIRD, 1);
        assert_int_equal(go_on(pid), round < rounds ? SIGSTOP : -1);
        if (round < rounds) {
            interrupt(pid, FIRST, 1);
            step_on(pid, shared, round * stride);
        }
    }
    assert_int_equal(shared->ended, 1);
    sched_setaffinity(0, sizeof were, &were);
    munmap(shared, sizeof *shared);
}

#else
static void an_interrupt_at_any_instruction_wakes_who_waits(void **state)
{
    (void)state;
    skip();
}
#endif

/* ---- The clock ------------------------------------------------------------------------------- */

static void a_sleep_across_the_wrap_of_the_clock_is_as_long_as_any(void **state)
{
    struct napper frames[2];
    struct co_task tasks[2];

    (void)state;
    ticks = UINT32_MAX - 30000;                     /* 30 ms before it wraps */
    mcu_init(slots, 2);
    assert_int_equal(mcu_now(), 0);
    co_task_init(&tasks[0], &frames[0], napper, .ns = 20000000, .times = 5);
    co_task_init(&tasks[1], &frames[1], napper, .ns = 7000000, .times = 10);
    mcu_run();
    assert_int_equal(frames[0].woke, 100000000);
    assert_int_equal(frames[1].woke, 70000000);
    assert_int_equal(mcu_now(), 100000000);
    assert_true(ticks < 100000);
}

static void a_sleep_of_many_wraps_ends_when_it_should(void **state)
{
    struct napper frame;
    struct co_task task;

    (void)state;
    co_task_init(&task, &frame, napper, .ns = INT64_C(5) * 3600 * 1000000000, .times = 1);
    mcu_run();                                      /* 5 h; it wraps each 72 min */
    assert_int_equal(frame.woke, INT64_C(18000) * 1000000000);
    assert_int_equal(sleeps, 4500);                 /* it looks at the clock each 4 s */
}

static void a_board_without_a_tick_is_told_how_long_to_sleep(void **state)
{
    struct napper frame;
    struct co_task task;

    (void)state;
    co_task_init(&task, &frame, napper, .ns = 1234567, .times = 1);
    mcu_run();
    assert_int_equal(sleeps, 1);
    assert_int_equal(asked, 1235);                  /* us: never too early */
    assert_int_equal(frame.woke, 1235000);
}

static void nobody_sleeps_while_a_task_is_ready_and_the_clock_still_wraps(void **state)
{
    static const uint32_t leap = 1U << 31;
    struct napper frame;
    struct co_task task;

    (void)state;
    co_task_init(&task, &frame, napper, .times = 6);    /* sleeps of 0: ready each turn */
    for (int i = 0; i < 6; i++) {
        turn();
        (void)mcu_now();                            /* as mcu_run does each turn */
        ticks += leap;
    }
    mcu_run();
    assert_int_equal(sleeps, 0);
    assert_int_equal(mcu_now(), 6 * (int64_t)leap * 1000);
}

/* ---- No memory ------------------------------------------------------------------------------- */

CO_TASK_POOL(pool, waiter, 2);

struct owner { co_frame; struct co_group group; int results[4]; };
static co_define(owner) {
    struct co_group_options options = { 0, &pool };

    co_begin;
    co_group_init(&self->group, &options);
    for (int i = 0; i < 3; i++)
        self->results[i] = co_group_go(&self->group, waiter, .event = &first, .times = 1);
    co_try(co_sleep(0));
    co_isr_event_set(&first);
    co_try(co_group_wait(&self->group));
    self->results[3] = co_group_go(&self->group, waiter, .event = &first, .times = 0);
    co_try(co_group_wait(&self->group));
    co_end;
}

static void a_pool_that_is_exhausted_gives_ENOBUFS_until_a_task_ends(void **state)
{
    struct owner frame;
    struct co_task task;

    (void)state;
    co_task_init(&task, &frame, owner);
    mcu_run();
    assert_int_equal(co_task_result(&task), 0);
    assert_int_equal(frame.results[0], 0);
    assert_int_equal(frame.results[1], 0);
    assert_int_equal(frame.results[2], -ENOBUFS);
    assert_int_equal(frame.results[3], 0);
}

static void without_a_heap_a_spawn_gives_NULL_and_a_sleep_too_many_ENOMEM(void **state)
{
    struct napper frames[3];
    struct co_task tasks[3];

    (void)state;
    assert_null(co_spawn(napper));
    assert_int_equal(co_go(napper), -ENOMEM);
    for (int i = 0; i < 3; i++)
        co_task_init(&tasks[i], &frames[i], napper, .ns = 1000, .times = 1);
    mcu_run();
    assert_int_equal(co_task_result(&tasks[0]), 0);
    assert_int_equal(co_task_result(&tasks[1]), 0);
    assert_int_equal(co_task_result(&tasks[2]), -ENOMEM);
}

static void misuse_comes_to_the_stop_hook_of_the_port(void **state)
{
    (void)state;
    assert_int_equal(tiny_resumed_after_its_end(), 1);
    assert_int_equal(tiny_awaits_in_a_switch(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
static const struct CMUnitTest tests[] = {
    TEST(an_event_set_in_a_handler_wakes_who_waits_at_the_next_turn),
    TEST(sets_that_come_before_the_wait_are_one_and_are_not_lost),
    TEST(an_event_that_is_cleared_was_never_set),
    TEST(all_who_wait_go_on_and_no_one_elses),
    TEST(a_set_for_a_task_that_is_gone_does_nothing),
    TEST(a_cancel_that_comes_after_the_set_was_delivered_loses_no_set),
    TEST(an_event_is_not_freed_while_a_task_waits),
    TEST(an_interrupt_between_the_check_and_the_sleep_is_not_slept_over),
    TEST(a_handler_in_a_handler_loses_nothing),
    TEST(a_storm_of_interrupts_is_counted_to_the_last),
    TEST(an_interrupt_at_any_instruction_wakes_who_waits),
    TEST(a_sleep_across_the_wrap_of_the_clock_is_as_long_as_any),
    TEST(a_sleep_of_many_wraps_ends_when_it_should),
    TEST(a_board_without_a_tick_is_told_how_long_to_sleep),
    TEST(nobody_sleeps_while_a_task_is_ready_and_the_clock_still_wraps),
    TEST(a_pool_that_is_exhausted_gives_ENOBUFS_until_a_task_ends),
    TEST(without_a_heap_a_spawn_gives_NULL_and_a_sleep_too_many_ENOMEM),
    TEST(misuse_comes_to_the_stop_hook_of_the_port),
};

TEST_MAIN(tests)
