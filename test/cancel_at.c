/* SPDX-License-Identifier: BSD-2-Clause
 * cancel_at.c: a program that uses every wait there is, cancelled at each turn in each of its
 * tasks, in pairs too, and under a deadline: whatever comes, it ends and leaves nothing behind. */
#include "task_test.h"
#include "../group.h"

#include <fcntl.h>

/* ---- The program ----------------------------------------------------------------------------- */

static struct {
    struct sim sim;
    int fds[2];
    struct co_task *mailbox;                /* who waits to be woken by the sender */
    int began, left;                        /* coroutines */
} program;

/* Each coroutine enters once and leaves once. */
static void enter(const int *left)
{
    assert_int_equal(*left, 0);
    program.began++;
}

static void leave(int *left)
{
    assert_int_equal(*left, 0);
    *left = 1;
    program.left++;
}

struct sleeper { co_frame; double seconds; intptr_t value; int left; };
static co_define(sleeper) {
    co_begin;
    enter(&self->left);
    co_try(co_sleep(self->seconds));
    co_return(self->value);
    co_finally;
    co_await(co_sleep(0.125));
    leave(&self->left);
    co_end;
}

struct producer { co_frame; int i, left; };
static co_define(producer) {
    co_begin;
    enter(&self->left);
    for (self->i = 0; self->i < 3; self->i++) {
        co_try(co_sleep(1));
        if (write(program.fds[1], "x", 1) != 1)
            co_return(-EPIPE);
    }
    co_finally;
    co_await(co_sleep(0.25));
    close(program.fds[1]);
    leave(&self->left);
    co_end;
}

struct consumer { co_frame; struct co_within slot; char byte; int left; };
static co_define(consumer) {
    co_begin;
    enter(&self->left);
    do {
        co_try(co_within(&self->slot, 1.5, co_sim_readable(&program.sim, program.fds[0])));
        co_pause;
    } while (read(program.fds[0], &self->byte, 1) == 1);
    co_finally;
    close(program.fds[0]);
    co_await(co_sleep(0));                  /* not a co_pause, which leaves when it is cancelled */
    leave(&self->left);
    co_end;
}

struct receiver { co_frame; intptr_t got; int left; };
static co_define(receiver) {
    co_begin;
    enter(&self->left);
    program.mailbox = co_current();
    co_try(self->got, co_wait());
    assert_int_equal(self->got, 5);
    co_try(co_sleep(0));
    co_finally;
    program.mailbox = NULL;
    co_await(co_sleep(0));
    leave(&self->left);
    co_end;
}

struct sender { co_frame; struct co_task *receiver; int left; };
static co_define(sender) {
    co_begin;
    enter(&self->left);
    self->receiver = co_spawn(receiver);
    co_try(co_sleep(2));
    if (program.mailbox)                    /* it may have been cancelled, and not know yet */
        co_wake(program.mailbox, 5);
    co_try(co_join(self->receiver));
    co_finally;
    co_cancel(self->receiver);
    co_await(co_join(self->receiver));
    co_task_free(self->receiver);
    leave(&self->left);
    co_end;
}

struct team { co_frame; struct co_task *tasks[4]; int i, left; };
static co_define(team) {
    co_begin;
    enter(&self->left);
    for (self->i = 0; self->i < 3; self->i++)
        self->tasks[self->i] = co_spawn(sleeper, .seconds = self->i + 1, .value = self->i - 1);
    self->tasks[3] = self->tasks[0];
    co_try(co_gather(self->tasks, 4));
    co_finally;
    for (self->i = 0; self->i < 3; self->i++) {
        co_cancel(self->tasks[self->i]);
        co_await(co_join(self->tasks[self->i]));
        co_task_free(self->tasks[self->i]);
    }
    leave(&self->left);
    co_end;
}

struct tries { co_frame; struct co_within slot; struct sleeper child; intptr_t n; int left; };
static co_define(tries) {
    co_begin;
    enter(&self->left);
    do
        co_await(self->n, co_within(&self->slot, 1, co_call(&self->child, sleeper, .seconds = 5)));
    while (self->n == -ETIMEDOUT);
    co_return(self->n);
    co_finally;
    leave(&self->left);
    co_end;
}

struct patient { co_frame; struct co_within slot; struct tries tries; intptr_t n; int i, left; };
static co_define(patient) {
    co_begin;
    enter(&self->left);
    co_await(self->n, co_within(&self->slot, 2.25, co_call(&self->tries, tries)));
    for (self->i = 0; self->i < 3; self->i++)
        co_pause;
    co_return(self->n);
    co_finally;
    co_await(co_sleep(0));
    leave(&self->left);
    co_end;
}

struct hurried { co_frame; struct co_within slot; struct co_task *team; int left; };
static co_define(hurried) {
    co_begin;
    enter(&self->left);
    self->team = co_spawn(team);
    co_try(co_within(&self->slot, 2.5, co_join(self->team)));
    co_finally;
    co_cancel(self->team);
    co_await(co_join(self->team));
    co_task_free(self->team);
    leave(&self->left);
    co_end;
}

/* Two that wait for each other, which nothing ends but a cancel or the deadline; one of them lets
 * go of the other when it is cancelled, or the request would only go round. */
struct lover { co_frame; struct co_task *other; struct co_within slot; double seconds; int left; };
static co_define(lover) {
    co_begin;
    enter(&self->left);
    co_pause;
    if (self->seconds > 0)
        co_try(co_within(&self->slot, self->seconds, co_join(self->other)));
    else
        co_try(co_wait_tasks(&self->other, 1, CO_ALL_COMPLETED));
    co_finally;
    co_await(co_sleep(0.125));
    leave(&self->left);
    co_end;
}

/* ---- The root -------------------------------------------------------------------------------- */

enum part { PIPE = 1, MAIL = 2, PATIENT = 4, HURRIED = 8, LOVERS = 16, EVERYTHING = 31 };
enum { MOST = 7 };
struct root {
    co_frame;
    unsigned parts;
    double deadline;
    struct co_task *tasks[MOST];
    int n, all, i, left;
    struct co_within slot;
};

static void root_spawn(struct root *root)
{
    struct co_task **tasks = root->tasks;
    int n = 0;

    if (root->parts & PIPE) {
        tasks[n++] = co_spawn(producer);
        tasks[n++] = co_spawn(consumer);
    }
    if (root->parts & MAIL)
        tasks[n++] = co_spawn(sender);
    if (root->parts & PATIENT)
        tasks[n++] = co_spawn(patient);
    if (root->parts & HURRIED)
        tasks[n++] = co_spawn(hurried);
    if (root->parts & LOVERS) {
        tasks[n] = co_spawn(lover);
        tasks[n + 1] = co_spawn(lover, .seconds = 2, .other = tasks[n]);
        CO_TASK_FRAME(tasks[n], lover)->other = tasks[n + 1];
        n++;                                /* the other one is in a set already: the lover's */
    }
    root->n = n;
    root->all = n + (root->parts & LOVERS ? 1 : 0);
}

static co_define(root) {
    co_begin;
    enter(&self->left);
    root_spawn(self);
    co_try(co_within(&self->slot, self->deadline, co_gather(self->tasks, (size_t)self->n)));
    co_finally;
    for (self->i = 0; self->i < self->all; self->i++) {
        co_cancel(self->tasks[self->i]);
        co_await(co_join(self->tasks[self->i]));
        co_task_free(self->tasks[self->i]);
    }
    leave(&self->left);
    co_end;
}

/* ---- Running it ------------------------------------------------------------------------------ */

/* A cancel: before turn [turn], of the [task]th of those alive. In the turn itself it comes first,
 * from a timer; or last, from a task. */
enum how { BETWEEN, FROM_A_TIMER, FROM_A_TASK, HOWS };
struct shot { long turn; uint32_t task; enum how how; };

static struct co_task *nth(const struct co_scheduler *s, uint32_t n)
{
    struct co_task *task = co_task_next(NULL);

    if (n >= s->count)
        return NULL;
    while (n-- > 0)
        task = co_task_next(task);
    return task;
}

struct gun { co_frame; struct co_task *target; };
static co_define(gun) {
    co_begin;
    co_cancel(self->target);
    co_end;
}

struct fuse { struct co_timer timer; struct co_task *target; };
static void fuse_burnt(struct co_timer *timer)
{
    co_cancel(((struct fuse *)(void *)timer)->target);
}

static bool fire(struct shot shot, struct fuse *fuse)
{
    struct co_task *target = nth(&program.sim.scheduler, shot.task);

    if (!target)
        return false;
    if (target->chain.top->body == co_body_gun)
        return true;                        /* which is gone before its turn to be cancelled */
    *fuse = (struct fuse){ .timer.fire = fuse_burnt, .target = target };
    if (shot.how == BETWEEN)
        co_cancel(target);
    else if (shot.how == FROM_A_TIMER)
        co_timer_start(&fuse->timer, program.sim.now - 1);
    else
        assert_int_equal(co_go(gun, .target = target), 0);
    return true;
}

/* Runs the program under [n] cancels. Whether all of them met a task. */
static bool run(unsigned parts, double deadline, const struct shot *shots, int n)
{
    struct root frame;
    struct co_task root;
    struct fuse fuses[2];
    int fired = 0;
    long turn;

    memset(&program, 0, sizeof program);
    sim_begin(&program.sim);
    if (parts & PIPE)
        assert_int_equal(pipe(program.fds), 0);
    co_task_init(&root, &frame, root, .parts = parts, .deadline = deadline);
    for (turn = 1; turn < 1000; turn++) {
        for (int i = 0; i < n; i++)
            if (shots[i].turn == turn)
                fired += fire(shots[i], &fuses[i]);
        if (!sim_turn(&program.sim))
            break;
    }
    assert_int_equal(program.sim.scheduler.count, 0);
    assert_int_equal(program.began, program.left);
    assert_int_equal(frame.left, 1);
    assert_int_equal(program.sim.scheduler.timer_count, 0);
    assert_null(program.mailbox);
    if (parts & PIPE)
        assert_true(fcntl(program.fds[0], F_GETFD) < 0 && fcntl(program.fds[1], F_GETFD) < 0);
    sim_end(&program.sim);
    return fired == n;
}

/* The number of turns of the program alone. */
static long turns_of(unsigned parts, double deadline)
{
    run(parts, deadline, NULL, 0);
    return program.sim.turns;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void the_program_ends_by_itself(void **state)
{
    (void)state;
    for (unsigned parts = 0; parts <= EVERYTHING; parts++)
        run(parts, 100, NULL, 0);
    assert_true(program.began > 15);
}

static void a_cancel_of_each_task_at_each_turn_leaves_nothing(void **state)
{
    (void)state;
    int runs = 0;

    for (int how = BETWEEN; how < HOWS; how++)
        for (long turn = 1; turn <= turns_of(EVERYTHING, 100); turn++)
            for (uint32_t task = 0; ; task++, runs++) {
                struct shot shot = { turn, task, (enum how)how };
                if (!run(EVERYTHING, 100, &shot, 1))
                    break;
            }
    print_message("%d runs\n", runs);
    assert_true(runs > 500);
}

static void a_deadline_at_each_moment_leaves_nothing(void **state)
{
    (void)state;
    for (int ms = 0; ms <= 4000; ms += 125) {
        run(EVERYTHING, ms / 1000., NULL, 0);
        for (unsigned part = 1; part <= LOVERS; part *= 2)
            run(part, ms / 1000., NULL, 0);
    }
}

static void a_deadline_and_a_cancel_leave_nothing(void **state)
{
    (void)state;
    int runs = 0;

    for (int ms = 0; ms <= 3500; ms += sized(250, 1750))
        for (int how = BETWEEN; how < HOWS; how++)
            for (long turn = 1; turn <= turns_of(EVERYTHING, ms / 1000.); turn++)
                for (uint32_t task = 0; ; task++, runs++) {
                    struct shot shot = { turn, task, (enum how)how };
                    if (!run(EVERYTHING, ms / 1000., &shot, 1))
                        break;
                }
    print_message("%d runs\n", runs);
}

/* Two cancels of each pair of tasks at each pair of turns. */
static int pairs(unsigned parts, long step)
{
    int runs = 0;

    for (long first = 1; first <= turns_of(parts, 100); first += step)
        for (uint32_t a = 0; ; a++) {
            struct shot shots[2] = { { first, a, (enum how)(a % HOWS) }, { 0, 0, BETWEEN } };
            if (!run(parts, 100, shots, 1))
                break;
            for (long second = first, last = program.sim.turns; second <= last; second += step)
                for (uint32_t b = 0; ; b++, runs++) {
                    shots[1] = (struct shot){ second, b, (enum how)((a + b) % HOWS) };
                    if (!run(parts, 100, shots, 2))
                        break;
                }
        }
    return runs;
}

static void two_cancels_at_any_two_turns_leave_nothing(void **state)
{
    (void)state;
    int runs = 0;

    for (unsigned part = 1; part <= LOVERS; part *= 2)
        runs += pairs(part, sized(1, 4));
    runs += pairs(EVERYTHING, sized(3, 20));
    print_message("%d runs\n", runs);
    assert_true(runs > 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_program_ends_by_itself),
    cmocka_unit_test(a_cancel_of_each_task_at_each_turn_leaves_nothing),
    cmocka_unit_test(a_deadline_at_each_moment_leaves_nothing),
    cmocka_unit_test(a_deadline_and_a_cancel_leave_nothing),
    cmocka_unit_test(two_cancels_at_any_two_turns_leave_nothing),
};

static int no_sigpipe(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

TEST_MAIN_WITH(tests, no_sigpipe, NULL)
