/* SPDX-License-Identifier: BSD-2-Clause
 * loop.h: tasks on libev: real time, sockets and pipes, signals.
 *
 *     #include "loop.h"
 *     #include <stdio.h>
 *
 *     struct hello { co_frame; int i; };
 *     co_define(hello) {
 *         co_begin;
 *         for (self->i = 0; self->i < 3; self->i++) {
 *             printf("hello %d\n", self->i);
 *             co_try(co_sleep(0.1));
 *         }
 *         co_end;
 *     }
 *     int main(void) { return loop_main(hello) < 0; }          // cc hello.c task.c loop.c -lev
 *
 * An fd is a plain int. Close one that was awaited with fd_close(), so that the loop forgets it.
 * Ops on an fd give -EBADF for one that is closed or never was, -EPERM for a regular file (those
 * never wait: use read() and write()), and -EBUSY if another task waits for the same direction. */
#ifndef CO_LOOP_H
#define CO_LOOP_H

#include "group.h"
#include "sync.h"
#include "task.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may have the name of the call that gives it */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

struct loop;
struct ev_loop;

struct loop_options {
    struct ev_loop *ev;         /* ride on this libev loop, which you run; NULL: one of its own */
    unsigned backend;           /* EVBACKEND_*; 0: the best one. Without [ev] only */

    /* For tests; trial.h drives them, docs/how-to/test-your-program.md tells how. A loop that has
     * none of them set pays nothing for them. */
    int virtual_time;           /* 1: the clock begins at 0 and jumps to the next timer when no task
                                 * is ready. The world is this process, its threads and children:
                                 * where all wait for other things and no timer runs, -EDEADLK */
    uint64_t seed;              /* not 0: disorder that hangs on it alone: tasks and events in any
                                 * order, and, so often in a hundred, where 0 is the default in
                                 * brackets and -1 never: */
    int cuts;                   /* a read or write is cut short (25) */
    int agains;                 /* an fd has nothing, and then has (10) */
    int wakes;                  /* whoever waits for an fd is woken too early, in a turn (5) */
    uint64_t cancel_at;         /* the task that stands at this point is cancelled. Points, from 1:
                                 * a task made an op, complete or not; a wait has ended */
    uint64_t cancel_also;       /* and once more, so many points after it */
    uint64_t timeout_at;        /* the innermost deadline of the task at this point is over */
    uint64_t fail_at;           /* this allocation, or system call on an fd, of the loop fails, */
    int fail_on;                /* 1: and all after it */
    int count;                  /* 1: no more than that points and calls are counted */
    FILE *trace;                /* each step of each task, and what is done to it, is a line here */
};

/* ---- Running --------------------------------------------------------------------------------- */

/* Runs coroutine NAME as the main task, to its end; then cancels the tasks that are left, awaits
 * them, and closes all. SIGINT (Ctrl-C), unless it was ignored or handled before, cancels
 * the main task; a second one kills, as usual.
 * The main task's result; negative errno if there is no loop; -EDEADLK, with a line on stderr, if
 * tasks waited and nothing could have woken them.
 *     intptr_t loop_main(NAME, .field = ...);                              asyncio: run() */
#define loop_main(...) \
    CO_EXPAND_(LOOP_MAIN_, CO_FIRST_(__VA_ARGS__, ~), CO_BODY_ = co_body_##__VA_ARGS__)

/* By hand: a loop, this thread's from now on. NULL, with errno set: no memory, or no libev
 * backend. [options] may be NULL. It ignores SIGPIPE if nobody handles it. asyncio: Runner() */
struct loop *loop_new(const struct loop_options *options);

/* Runs until no task is left, or loop_stop. 0, or -EDEADLK as above: then the tasks are still
 * there. A loop that rides is run by ev_run() of yours instead. asyncio: run_forever() */
int loop_run(struct loop *loop);

/* Makes loop_run return after this turn. */
void loop_stop(struct loop *loop);

/* Cancels what is left, runs it to its end, and frees the loop. NULL: nothing. */
void loop_free(struct loop *loop);

/* This thread's loop, or NULL. asyncio: get_running_loop() */
struct loop *loop_current(void);

/* The libev loop, for watchers of your own. A child of fork() that goes on with the loop calls
 * ev_loop_fork(loop_ev(loop)) first; its co_thread calls that were not over give -EAGAIN. */
struct ev_loop *loop_ev(struct loop *loop);

/* Runs fn(arg) in the thread of [loop], on its next turn; in order. The one call that any thread
 * may make, and a signal handler. 0; -EAGAIN: too many posts wait (4,096 or so). asyncio:
 * call_soon_threadsafe() */
int loop_post(struct loop *loop, void (*fn)(void *), void *arg);

/* A thread of yours will post: until loop_unref, tasks that wait are no deadlock. */
void loop_ref(struct loop *loop);
void loop_unref(struct loop *loop);

/* Seconds on the monotonic clock. asyncio: loop.time() */
double loop_time(void);

/* Prints every task, what it awaits and where, innermost first; NULL: this thread's.
 * asyncio: print_call_graph() */
void loop_dump(struct loop *loop, FILE *to);

/* How many points, and calls that may fail, there were so far under such options; and how many
 * tasks of task_spawn and of groups are not yet freed. */
struct loop_counts { uint64_t points, calls, tasks; };
struct loop_counts loop_counts(const struct loop *loop);

/* Under fail_at: whether a call of yours is to fail here, errno being set to [error]; else 0.
 *     p = loop_fails(ENOMEM) ? NULL : malloc(n); */
int loop_fails(int error);

/* ---- Ops on fds ------------------------------------------------------------------------------ */

/* Waits until [fd] can be read, or is at its end; can be written. 0. asyncio: add_reader() */
CO_OP co_readable(int fd);
CO_OP co_writable(int fd);

/* Reads at most [size] bytes; bytes, 0 at the end. [buf] must stay. The fd must be non-blocking
 * (fd_nonblock). asyncio: StreamReader.read() */
CO_OP co_read(int fd, void *buf, size_t size);

/* Writes at least one byte; bytes. asyncio: loop.sock_sendall(), but partial */
CO_OP co_write(int fd, const void *buf, size_t size);

/* ---- Plain calls on fds ---------------------------------------------------------------------- */

/* Closes. Whoever waits on it gets -EBADF. 0, or -EBADF. */
int fd_close(int fd);

/* Makes it non-blocking and close-on-exec. 0 or negative errno. */
int fd_nonblock(int fd);

/* ---- Machinery ------------------------------------------------------------------------------- */

#define LOOP_MAIN_(NAME, ...) \
    loop_main_end_(loop_main_begin_() ? TASK_NEW_(NAME, 0, __VA_ARGS__) : NULL)
int loop_main_begin_(void);
intptr_t loop_main_end_(struct task *task);
intptr_t loop_main_run_(struct task *task);
/* For a worker: waits while there is no room. */
void loop_post_always_(struct loop *loop, void (*fn)(void *), void *arg);

/* One more wait that keeps the loop, or one less, for what this process does itself: a signal.
 * Under virtual_time the clock does not stand still for it, as it does for loop_ref. */
void loop_waits_(struct loop *loop, int more);
void loop_outside_(int more);       /* and the other way round: a child is at work, or no longer */

/* libev allows a signal in one loop only: this one, until it is freed. 0, or -EBUSY. */
int loop_signal_take_(struct loop *loop, int signo);
void loop_abandon_(struct loop *loop);          /* for trial.h: this thread has none any more */
void loop_sigint_stop_(struct loop *loop);      /* SIGINT no longer cancels its main task */

/* What another file keeps with a loop: found by [leave], which loop_free calls, and made, zeroed,
 * if [size] is not 0; [size] includes this head. */
struct loop_part {
    void (*leave)(struct loop_part *);
    struct loop_part *next;
};
struct loop_part *loop_part_(struct loop *loop, void (*leave)(struct loop_part *), size_t size);

/* An op on an fd, for net.c: [attempt] tries it, once or at each event. It gives a result; or
 * -EAGAIN to wait (on), what was done so far being kept in the op; or FD_PAUSE_, for a listener
 * when there is no fd to spare. */
struct fd_op {
    void *data;                 /* const for those that write */
    size_t size, done;
    uint8_t drained;            /* out: nothing is left to be read; the next op waits first */
};
typedef intptr_t fd_try(int fd, struct fd_op *op);
enum { FD_READ = 0, FD_WRITE = 1 };
struct fd_wait {                /* one static const for each op */
    struct task_wait wait;
    int direction;
    fd_try *attempt;            /* NULL: the op only waits for the event */
};
#define FD_WAIT_(name, direction, attempt) { { name, fd_take_back_ }, direction, attempt }
#define FD_PAUSE_ INTPTR_MIN
CO_OP co_fd_(int fd, const struct fd_wait *wait, const void *data, size_t size);
int fd_take_back_(struct task *task);
void fd_forget_(int fd);        /* its number names a new file from now on */

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
