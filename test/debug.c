/* SPDX-License-Identifier: BSD-2-Clause
 * debug.c: tests of the mistakes that only a run can see: where it stops and what it says, in every
 * build and under CO_DEBUG. Stale locals, and what dies without a sanitizer, are in debug.sh. */
#include "loop_test.h"

#include <pthread.h>

/* ---- What lies on the C stack ---------------------------------------------------------------- */

static int ends[2];             /* of a stream; nothing comes */

struct reads { co_frame; int fd, written; char buf[8]; intptr_t n; };
enum { LINE_OF_READS = __LINE__ + 6 };
static co_define(reads)
{
    char buf[64];

    co_begin;
    co_try(self->n, co_recv(ends[0], buf, sizeof buf));
    co_end;
}

struct deadline { co_frame; struct co_within slot; intptr_t n; };
enum { LINE_OF_DEADLINE = __LINE__ + 6 };
static co_define(deadline)
{
    char buf[64];

    co_begin;
    co_try(self->n, co_within(&self->slot, 1, co_recv(ends[0], buf, sizeof buf)));
    co_end;
}

/* The same by an op that gets its result at once. */
struct quick { co_frame; intptr_t n; };
static co_define(quick)
{
    char buf[64];

    co_begin;
    co_try(self->n, co_recv(ends[0], buf, sizeof buf));
    co_return(self->n);
    co_end;
}

/* Its buffer is the caller's, as a pointer. */
struct borrows { co_frame; char *buf; size_t size; intptr_t n; };
static co_define(borrows)
{
    co_begin;
    co_try(self->n, co_recv(ends[0], self->buf, self->size));
    co_return(self->n);
    co_end;
}

struct sends { co_frame; };
static co_define(sends)
{
    co_begin;
    co_try(co_sleep(0.001));
    put(ends[1], "hello");
    co_end;
}

static void in_a_loop(void)
{
    if (!co_loop_current())
        co_loop_new(NULL);
    pair(ends);
}

/* In a loop that rides on an ev_loop, and in a thread. */
static void recv_into_a_local_on_a_ride(void)
{
    struct co_loop_options options = { .ev = ev_default_loop(0) };
    char buf[8];

    co_loop_new(&options);
    pair(ends);
    if (co_go(borrows, .buf = buf, .size = sizeof buf) == 0)
        put(ends[1], "hello");      /* the first round does not know the stack yet */
    ev_run(options.ev, 0);
    if (co_go(reads) == 0)
        ev_run(options.ev, 0);
}

static void *recv_in_a_thread(void *arg)
{
    char buf[64];

    in_a_loop();
    if (arg)
        run(reads);
    check_equal(co_go(sends), 0);
    check_equal(run(borrows, .buf = buf, .size = sizeof buf), 5);
    co_fd_close(ends[0]);
    co_fd_close(ends[1]);
    co_loop_free(co_loop_current());
    return NULL;
}

static void thread(void *arg)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, recv_in_a_thread, arg), 0);
    pthread_join(thread, NULL);
}
static void recv_into_a_local_in_a_thread(void) { thread(ends); }

static void recv_into_a_local(void) { in_a_loop(); run(reads); }
static void recv_into_a_local_under_a_deadline(void) { in_a_loop(); run(deadline); }

static void a_buffer_on_the_c_stack_stops_when_the_op_waits(void **state)
{
    (void)state;
    stops_at(recv_into_a_local, LINE_OF_READS, "co_recv.* C stack.* member of the frame");
    stops_at(recv_into_a_local_under_a_deadline, LINE_OF_DEADLINE, "co_recv.* C stack");
    stops_at(recv_into_a_local_on_a_ride, LINE_OF_READS, "co_recv.* C stack");
    stops_at(recv_into_a_local_in_a_thread, LINE_OF_READS, "co_recv.* C stack");
}

static void a_buffer_of_a_thread_is_no_mistake(void **state)
{
    (void)state;
    thread(NULL);
}

static void a_buffer_on_the_c_stack_does_for_an_op_that_completes_at_once(void **state)
{
    (void)state;
    pair(ends);
    put(ends[1], "hello");
    assert_int_equal(run(quick), 5);
    co_fd_close(ends[0]);
    co_fd_close(ends[1]);
}

static void a_buffer_of_who_runs_the_loop_is_no_mistake(void **state)
{
    char buf[64];

    (void)state;
    pair(ends);
    assert_int_equal(co_go(sends), 0);
    assert_int_equal(run(borrows, .buf = buf, .size = sizeof buf), 5);
    assert_memory_equal(buf, "hello", 5);
    co_fd_close(ends[0]);
    co_fd_close(ends[1]);
}

static void tasks_in_the_storage_of_who_runs_the_loop_are_no_mistake(void **state)
{
    struct co_task first, second;
    struct borrows frame;
    struct sends other;
    char buf[64];

    (void)state;
    pair(ends);
    co_task_init(&first, &frame, borrows, .buf = buf, .size = sizeof buf);
    co_task_init(&second, &other, sends);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(&first), 5);
    co_task_init(&second, &other, sends);       /* it has ended, so it may be used again */
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_fd_close(ends[0]);
    co_fd_close(ends[1]);
}

#ifdef CO_DEBUG
struct naps { co_frame; double seconds; };
static co_define(naps)
{
    co_begin;
    co_try(co_sleep(self->seconds));
    co_end;
}

/* What a body may put on the C stack, each a mistake of its own. */
enum kind { FRAME, SLOT, GENERATOR, ARRAY, TASK, OBJECT, GROUP, ITEM };
struct counts { co_frame; };
static co_define(counts)
{
    co_begin;
    co_yield;
    co_end;
}
struct local {
    co_frame;
    enum kind kind;
    struct co_task *task;
    struct co_queue *queue;
    struct counts *generator;
    int i;
};
enum { LINE_OF_LOCAL = __LINE__ + 14 };
static co_define(local)
{
    struct naps frame;
    struct co_within slot;
    struct counts generator;
    struct co_task task;
    struct co_event event = { 0 };
    struct co_group group = { 0 };
    int item = 0;

    co_begin;
    self->task = co_spawn(naps, .seconds = 0.001);
    if (self->kind == FRAME)
        co_try(co_call(&frame, naps, .seconds = 0.001));
    if (self->kind == SLOT)
        co_try(co_within(&slot, 1, co_sleep(0.001)));
    if (self->kind == GENERATOR) {
        co_init(self->generator = &generator, counts);
        co_for_each(self->i, self->generator)
            continue;
    }
    if (self->kind == ARRAY)
        co_try(co_gather((struct co_task *[]){ self->task }, 1));
    if (self->kind == TASK) {
        co_task_init(&task, (struct naps *)malloc(sizeof(struct naps)), naps, .seconds = 0.001);
        co_try(co_join(&task));
    }
    if (self->kind == OBJECT)
        co_try(co_event_wait(&event));
    if (self->kind == GROUP) {
        (void)co_group_go(&group, naps, .seconds = 0.001);
        co_try(co_group_wait(&group));
    }
    if (self->kind == ITEM)
        co_try(co_queue_get(self->queue, &item));
    co_finally;
    co_task_free(self->task);
    co_end;
}

static void call_a_local(void) { in_a_loop(); run(local, .kind = FRAME); }
static void give_a_local_slot(void) { in_a_loop(); run(local, .kind = SLOT); }
static void run_a_local_generator(void) { in_a_loop(); run(local, .kind = GENERATOR); }
static void gather_a_compound_literal(void) { in_a_loop(); run(local, .kind = ARRAY); }
static void start_a_local_task(void) { in_a_loop(); run(local, .kind = TASK); }
static void wait_for_a_local_event(void) { in_a_loop(); run(local, .kind = OBJECT); }
static void go_in_a_local_group(void) { in_a_loop(); run(local, .kind = GROUP); }
static void get_into_a_local_item(void)
{
    struct co_queue queue;
    int room[1];

    in_a_loop();
    co_queue_init(&queue, room, 1, sizeof room[0]);
    run(local, .kind = ITEM, .queue = &queue);
}

static void what_an_await_keeps_and_lies_on_the_c_stack_stops(void **state)
{
    (void)state;
    stops_at(call_a_local, LINE_OF_LOCAL, "C stack.* member of the frame");
    stops_at(give_a_local_slot, LINE_OF_LOCAL + 2, "C stack");
    stops_at(run_a_local_generator, LINE_OF_LOCAL + 5, "C stack");
    stops_at(gather_a_compound_literal, LINE_OF_LOCAL + 9, "co_gather.* C stack");
    stops_at(start_a_local_task, LINE_OF_LOCAL + 12, "co_task_init.* C stack");
    stops_at(wait_for_a_local_event, LINE_OF_LOCAL + 15, "co_event_wait.* C stack");
    stops_at(go_in_a_local_group, LINE_OF_LOCAL + 18, "co_group_go.* C stack");
    stops_at(get_into_a_local_item, LINE_OF_LOCAL + 21, "co_queue_get.* C stack");
}

/* ---- What is used twice ---------------------------------------------------------------------- */

static struct naps shared_frame;
static struct co_within shared_slot;
struct shares { co_frame; int slot; };
enum { LINE_OF_SHARES = __LINE__ + 5 };
static co_define(shares)
{
    co_begin;
    if (self->slot)
        co_try(co_within(&shared_slot, 1, co_sleep(0.01)));
    co_try(co_call(&shared_frame, naps, .seconds = 0.01));
    co_end;
}

static void two_of_shares(int slot)
{
    in_a_loop();
    if (co_go(shares, .slot = slot) == 0)
        run(shares, .slot = slot);
}
static void share_a_frame(void) { two_of_shares(0); }
static void share_a_slot(void) { two_of_shares(1); }

static void a_frame_or_slot_that_is_used_twice_stops_with_both_places(void **state)
{
    char words[100];

    (void)state;
    snprintf(words, sizeof words, "already at .*debug.c:%d: give each", LINE_OF_SHARES + 1);
    stops_at(share_a_frame, LINE_OF_SHARES + 1, words);
    snprintf(words, sizeof words, "already at .*debug.c:%d: give each", LINE_OF_SHARES);
    stops_at(share_a_slot, LINE_OF_SHARES, words);
}

static struct co_task shared_task;
static struct naps frames[2];
struct starts { co_frame; int same_frame; struct co_task other; };
enum { LINE_OF_STARTS = __LINE__ + 5 };
static co_define(starts)
{
    co_begin;
    co_task_init(&shared_task, &frames[0], naps, .seconds = 0.01);
    co_try(co_sleep(0.001));
    if (self->same_frame)
        co_task_init(&self->other, &frames[0], naps, .seconds = 0.01);
    else
        co_task_init(&shared_task, &frames[1], naps, .seconds = 0.01);
    co_end;
}

static void init_a_task_twice(void) { in_a_loop(); run(starts); }
static void init_a_frame_twice(void) { in_a_loop(); run(starts, .same_frame = 1); }

static void a_task_that_is_made_anew_before_its_end_stops(void **state)
{
    (void)state;
    stops_at(init_a_task_twice, LINE_OF_STARTS, "co_task_init.* not ended, and stands at .*debug.c");
    stops_at(init_a_frame_twice, LINE_OF_STARTS, "co_task_init.* with the frame of a task");
}

/* ---- What goes unseen ------------------------------------------------------------------------ */

/* The text that [what] writes to stderr. */
static char said_[4096];
static const char *says(void (*what)(void))
{
    FILE *to = tmpfile();
    int err = dup(STDERR_FILENO);
    size_t n;

    assert_non_null(to);
    fflush(stderr);
    dup2(fileno(to), STDERR_FILENO);
    what();
    fflush(stderr);
    dup2(err, STDERR_FILENO);
    close(err);
    rewind(to);
    n = fread(said_, 1, sizeof said_ - 1, to);
    said_[n] = '\0';
    fclose(to);
    return said_;
}

struct stubborn { co_frame; int rounds; };
enum { LINE_OF_STUBBORN = __LINE__ + 5 };
static co_define(stubborn)
{
    co_begin;
    while (self->rounds-- > 0)
        co_await(co_sleep(0));
    co_end;
}

static void cancel_the_stubborn(int rounds)
{
    struct co_task *task = co_spawn(stubborn, .rounds = rounds);

    co_cancel(task);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_task_free(task);
}
static void cancel_one_that_goes_on_for_300(void) { cancel_the_stubborn(300); }
static void cancel_one_that_goes_on_for_50(void) { cancel_the_stubborn(50); }

static void a_swallowed_cancel_is_told_once(void **state)
{
    char wanted[200];
    const char *said = says(cancel_one_that_goes_on_for_300);

    (void)state;
    snprintf(wanted, sizeof wanted, "%s:%d: stubborn was cancelled and goes on: leave when an await "
             "returns -ECANCELED, as co_try does\n", __FILE__, LINE_OF_STUBBORN);
    assert_string_equal(said, wanted);
    assert_string_equal(says(cancel_one_that_goes_on_for_50), "");
}

/* Awaits 200 times in its co_finally. */
struct cleans { co_frame; int left; };
static co_define(cleans)
{
    co_begin;
    co_try(co_wait());
    co_finally;
    for (self->left = 200; self->left > 0; self->left--)
        co_await(co_sleep(0));
    co_end;
}
static void cancel_one_that_cleans_up(void)
{
    struct co_task *task = co_spawn(cleans);

    co_scheduler_turn(co_scheduler_get());
    co_cancel(task);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_task_free(task);
}

static void a_clean_up_may_take_its_time(void **state)
{
    (void)state;
    assert_string_equal(says(cancel_one_that_cleans_up), "");
}

/* The main task ends, and so the other is cancelled; it goes on for 5 rounds. */
struct ends_early { co_frame; };
static co_define(ends_early)
{
    co_begin;
    (void)co_go(stubborn, .rounds = 10);
    co_try(co_sleep(0));
    co_end;
}
static void end_a_program(void) { co_main(ends_early); }

static void at_the_end_of_the_program_a_few_rounds_are_enough(void **state)
{
    (void)state;
    assert_non_null(strstr(says(end_a_program), "stubborn was cancelled and goes on"));
}

struct fails { co_frame; intptr_t error; };
enum { LINE_OF_FAILS = __LINE__ + 3 };
static co_define(fails)
{
    co_begin;
    co_try(co_sleep(0));
    co_return(self->error);
    co_end;
}

static struct co_task *failed(intptr_t error)
{
    struct co_task *task = co_spawn(fails, .error = error);

    assert_int_equal(co_loop_run(co_loop_current()), 0);
    return task;
}

static void free_a_failure(void) { co_task_free(failed(-EIO)); }
static void free_a_cancelled_one(void) { co_task_free(failed(-ECANCELED)); }
static void free_a_success(void) { co_task_free(failed(5)); }
static void go_and_fail(void)
{
    assert_int_equal(co_go(fails, .error = -EIO), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
}
static void go_and_lose_the_peer(void)
{
    assert_int_equal(co_go(fails, .error = -ECONNRESET), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
}
static void detach_a_failure(void) { co_task_detach(failed(-EIO)); }
static void look_at_a_failure(void)
{
    struct co_task *task = failed(-EIO);

    assert_int_equal(co_task_result(task), -EIO);
    co_task_free(task);
}

static intptr_t done_with;
static void is_done(struct co_task *task, void *arg)
{
    (void)arg;
    done_with = task->chain.result;
}
static void have_a_failure_called_back(void)
{
    struct co_done_callback callback;
    struct co_task *task = co_spawn(fails, .error = -EIO);

    assert_int_equal(co_add_done_callback(task, &callback, is_done, NULL), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_task_free(task);
    assert_int_equal(done_with, -EIO);
}

enum way { JOIN, GATHER, ANY, IN_A_GROUP, WAYS };
struct looks { co_frame; enum way way; struct co_task *task; struct co_group group; };
static co_define(looks)
{
    co_begin;
    self->task = co_spawn(fails, .error = -EIO);
    if (self->way == IN_A_GROUP) {
        (void)co_group_go(&self->group, fails, .error = -EIO);
        co_await(co_group_wait(&self->group));
        co_task_detach(self->task);
    }
    co_await(self->way == GATHER ? co_gather(&self->task, 1) : self->way == ANY
             ? co_wait_any(&self->task, 1) : co_join(self->task));
    co_task_free(self->task);
    co_end;
}
static void look_by_join(void) { run(looks, .way = JOIN); }
static void look_by_gather(void) { run(looks, .way = GATHER); }
static void look_by_wait_any(void) { run(looks, .way = ANY); }

static void a_failure_that_nobody_looked_at_is_told(void **state)
{
    char wanted[200];

    (void)state;
    snprintf(wanted, sizeof wanted, "%s:%d: task fails failed with -5 (Input/output error) and "
             "nobody looked\n", __FILE__, LINE_OF_FAILS);
    assert_string_equal(says(free_a_failure), wanted);
    assert_string_equal(says(detach_a_failure), wanted);
    assert_string_equal(says(go_and_fail), wanted);
}

static void a_failure_that_somebody_looked_at_is_not_told(void **state)
{
    (void)state;
    assert_string_equal(says(look_at_a_failure), "");
    assert_string_equal(says(have_a_failure_called_back), "");
    assert_string_equal(says(look_by_join), "");
    assert_string_equal(says(look_by_gather), "");
    assert_string_equal(says(look_by_wait_any), "");
    assert_string_equal(says(free_a_cancelled_one), "");
    assert_string_equal(says(free_a_success), "");
    assert_string_equal(says(go_and_lose_the_peer), "");        /* as sessions of a server end */
}
#endif

/* ---- What was not made ----------------------------------------------------------------------- */

struct unmade { co_frame; struct co_as_completed each; struct co_task *task; int each_of_them; };
enum { LINE_OF_UNMADE = __LINE__ + 5 };
static co_define(unmade)
{
    co_begin;
    if (self->each_of_them) {
        co_for_each(self->each_of_them, &self->each)
            continue;
    }
    co_try(co_next(&self->each));
    co_end;
}

static void iterate_what_was_not_made(void) { in_a_loop(); run(unmade, .each_of_them = 1); }
static void ask_what_was_not_made_for_the_next(void) { in_a_loop(); run(unmade); }

static void a_generator_that_was_not_made_stops(void **state)
{
    (void)state;
    stops_at(iterate_what_was_not_made, LINE_OF_UNMADE, "not made: call co_init");
    stops_at(ask_what_was_not_made_for_the_next, LINE_OF_UNMADE + 3, "not made: call co_init");
}

struct zeroed { co_frame; struct co_group group; };
static co_define(zeroed)
{
    co_begin;
    co_try(co_group_wait(&self->group));
    co_group_cancel(&self->group);
    co_try(co_group_wait(&self->group));
    co_try(co_done(co_group_go(&self->group, sends)));
    co_return(3);
    co_finally;
    co_await(co_group_wait(&self->group));
    co_end;
}

static void a_zeroed_group_can_be_awaited(void **state)
{
    (void)state;
    pair(ends);
    assert_int_equal(run(zeroed), 3);
    co_fd_close(ends[0]);
    co_fd_close(ends[1]);
}

struct slotless { co_frame; int is_done; struct co_task *task; };
enum { LINE_OF_SLOTLESS = __LINE__ + 4 };
static co_define(slotless)
{
    co_begin;
    if (self->is_done)
        co_try(co_within(NULL, 1, co_done(0)));
    co_try(co_wait_for(NULL, self->task, 1));
    co_end;
}
static void give_no_slot(void)
{
    struct co_task *task;

    in_a_loop();
    task = co_spawn(slotless);
    run(slotless, .task = task);
}
static void give_no_slot_for_what_is_done(void) { in_a_loop(); run(slotless, .is_done = 1); }

static void a_deadline_without_a_slot_stops(void **state)
{
    (void)state;
    stops_at(give_no_slot, LINE_OF_SLOTLESS + 2, "co_within.* no slot");
    stops_at(give_no_slot_for_what_is_done, LINE_OF_SLOTLESS + 1, "co_within.* no slot");
}

/* ---- Blocking fds ---------------------------------------------------------------------------- */

struct io { co_frame; int fd; enum { READ, WRITE, ACCEPT, RECV, WAIT } op; char buf[8]; intptr_t n; };
static CO_OP io_op(struct io *io)
{
    switch (io->op) {
    case READ: return co_read(io->fd, io->buf, sizeof io->buf);
    case WRITE: return co_write(io->fd, "hello", 5);
    case ACCEPT: return co_accept(io->fd);
    case RECV: return co_recv(io->fd, io->buf, sizeof io->buf);
    default: return co_readable(io->fd);
    }
}
enum { LINE_OF_IO = __LINE__ + 4 };
static co_define(io)
{
    co_begin;
    co_try(self->n, io_op(self));
    co_return(self->n);
    co_end;
}

static int blocking[2];
static void read_a_pipe(void) { in_a_loop(); run(io, .fd = blocking[0], .op = READ); }
static void write_a_pipe(void) { in_a_loop(); run(io, .fd = blocking[1], .op = WRITE); }
static void accept_on_a_blocking_listener(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    in_a_loop();
    run(io, .fd = fd, .op = ACCEPT);
}
static void read_a_terminal(void)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);

    in_a_loop();
    run(io, .fd = fd, .op = READ);
}

static void a_blocking_fd_stops_the_op_that_would_stop_the_loop(void **state)
{
    (void)state;
    assert_int_equal(pipe(blocking), 0);
    stops_at(read_a_pipe, LINE_OF_IO, "co_read.* of a blocking fd .*co_fd_nonblock");
    stops_at(write_a_pipe, LINE_OF_IO, "co_write.* of a blocking fd");
    stops_at(accept_on_a_blocking_listener, LINE_OF_IO, "co_accept.* of a blocking fd");
    stops_at(read_a_terminal, LINE_OF_IO, "co_read.* of a blocking fd .*terminals");
    close(blocking[0]);
    close(blocking[1]);
}

static void a_blocking_fd_can_be_waited_for_and_then_made_non_blocking(void **state)
{
    char buf[8];

    (void)state;
    assert_int_equal(pipe(blocking), 0);
    put(blocking[1], "hello");
    assert_int_equal(run(io, .fd = blocking[0], .op = WAIT), 0);
    assert_int_equal(read(blocking[0], buf, sizeof buf), 5);
    assert_int_equal(co_fd_nonblock(blocking[0]), 0);
    put(blocking[1], "hello");
    assert_int_equal(run(io, .fd = blocking[0], .op = READ), 5);
    co_fd_close(blocking[0]);
    close(blocking[1]);
}

static void a_blocking_socket_does_for_recv(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, blocking), 0);
    put(blocking[1], "hello");
    assert_int_equal(run(io, .fd = blocking[0], .op = RECV), 5);
    co_fd_close(blocking[0]);
    close(blocking[1]);
}

/* ---- POSIX results --------------------------------------------------------------------------- */

struct opens { co_frame; const char *path; intptr_t fd; };
static co_define(opens)
{
    co_begin;
    co_try(self->fd, co_done(co_errno(open(self->path, O_RDONLY))));
    co_return(co_errno(close((int)self->fd)));
    co_end;
}

static void a_posix_call_tells_its_own_error(void **state)
{
    (void)state;
    assert_int_equal(run(opens, .path = "/nowhere/to/be/found"), -ENOENT);
    assert_int_equal(run(opens, .path = "/dev/null"), 0);
    errno = ENOENT;
    assert_int_equal(co_errno(0), 0);
    assert_int_equal(co_errno(7), 7);
}

static const struct CMUnitTest tests[] = {
    TEST_ALONE(a_buffer_on_the_c_stack_stops_when_the_op_waits),
    TEST(a_buffer_on_the_c_stack_does_for_an_op_that_completes_at_once),
    TEST(a_buffer_of_who_runs_the_loop_is_no_mistake),
    TEST_ALONE(a_buffer_of_a_thread_is_no_mistake),
    TEST(tasks_in_the_storage_of_who_runs_the_loop_are_no_mistake),
#ifdef CO_DEBUG
    TEST_ALONE(what_an_await_keeps_and_lies_on_the_c_stack_stops),
    TEST_ALONE(a_frame_or_slot_that_is_used_twice_stops_with_both_places),
    TEST_ALONE(a_task_that_is_made_anew_before_its_end_stops),
    TEST(a_swallowed_cancel_is_told_once),
    TEST(a_clean_up_may_take_its_time),
    TEST_ALONE(at_the_end_of_the_program_a_few_rounds_are_enough),
    TEST(a_failure_that_nobody_looked_at_is_told),
    TEST(a_failure_that_somebody_looked_at_is_not_told),
#endif
    TEST_ALONE(a_generator_that_was_not_made_stops),
    TEST(a_zeroed_group_can_be_awaited),
    TEST_ALONE(a_deadline_without_a_slot_stops),
    TEST_ALONE(a_blocking_fd_stops_the_op_that_would_stop_the_loop),
    TEST(a_blocking_fd_can_be_waited_for_and_then_made_non_blocking),
    TEST(a_blocking_socket_does_for_recv),
    TEST(a_posix_call_tells_its_own_error),
};

TEST_MAIN(tests)
