/* SPDX-License-Identifier: BSD-2-Clause
 * loop.h: tasks on libev: real time, sockets and pipes, signals.
 *
 *     #include <duffel/loop.h>
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
 *     int main(void) { return co_main(hello) < 0; }          // cc hello.c task.c loop.c -lev
 *
 * An fd is a plain int. Close one that was awaited with co_fd_close(), so that the loop forgets it.
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

struct co_loop;
struct ev_loop;

struct co_loop_options {
    struct ev_loop *ev;         /* ride on this libev loop, which you run; NULL: one of its own */
    unsigned backend;           /* EVBACKEND_*; 0: the best one. Without [ev] only */
};

/* ---- Running --------------------------------------------------------------------------------- */

/* Runs coroutine NAME as the main task, to its end; then cancels the tasks that are left, awaits
 * them, and closes all. SIGINT (Ctrl-C), unless it was ignored or handled before, cancels
 * the main task; a second one kills, as usual.
 * The main task's result; negative errno if there is no loop; -EDEADLK, with a line on stderr, if
 * tasks waited and nothing could have woken them.
 *     intptr_t co_main(NAME, .field = ...);                              asyncio: run() */
#define co_main(...) \
    CO_EXPAND_(CO_MAIN_, CO_FIRST_(__VA_ARGS__, ~), CO_BODY_ = co_body_##__VA_ARGS__)

/* By hand: a loop, this thread's from now on. NULL, with errno set: no memory, or no libev
 * backend. [options] may be NULL. It ignores SIGPIPE if nobody handles it. asyncio: Runner() */
struct co_loop *co_loop_new(const struct co_loop_options *options);

/* Runs until no task is left, or co_loop_stop. 0, or -EDEADLK as above: then the tasks are still
 * there. A loop that rides is run by ev_run() of yours instead. asyncio: run_forever() */
int co_loop_run(struct co_loop *loop);

/* Makes co_loop_run return after this turn. */
void co_loop_stop(struct co_loop *loop);

/* Cancels what is left, runs it to its end, and frees the loop. NULL: nothing. */
void co_loop_free(struct co_loop *loop);

/* This thread's loop, or NULL. asyncio: get_running_loop() */
struct co_loop *co_loop_current(void);

/* The libev loop, for watchers of your own. */
struct ev_loop *co_loop_ev(struct co_loop *loop);

/* Runs fn(arg) in the thread of [loop], on its next turn; in order. The one call that any thread
 * may make, and a signal handler. 0; -EAGAIN: too many posts wait (4,096 or so). asyncio:
 * call_soon_threadsafe() */
int co_loop_post(struct co_loop *loop, void (*fn)(void *), void *arg);

/* In the child of a fork(), before anything else of the loop's: the child goes on with the loop,
 * and shares neither fds of the kernel's nor posts with its parent. co_thread calls that were not
 * over give -EAGAIN there. 0, or negative errno: it gets no posts. */
int co_loop_fork(struct co_loop *loop);

/* A thread of yours will post: until co_loop_unref, tasks that wait are no deadlock. */
void co_loop_ref(struct co_loop *loop);
void co_loop_unref(struct co_loop *loop);

/* The monotonic clock of this thread's loop, on which co_sleep and co_timer_start measure; it
 * begins anywhere, and under virtual_time at 0. In seconds, asyncio: loop.time(); and in
 * nanoseconds. */
double co_time(void);
int64_t co_time_ns(void);

/* Prints every task of [loop], which is one of this thread's: what it awaits and where, innermost
 * first. NULL: the tasks of this thread's scheduler. asyncio: print_call_graph() */
void co_loop_dump(struct co_loop *loop, FILE *to);

/* In a trial (trial.h) under fail_at: whether a call of yours is to fail here, errno being set to
 * [error]; else 0.
 *     p = co_loop_fails(ENOMEM) ? NULL : malloc(n); */
int co_loop_fails(int error);

/* ---- Ops on fds ------------------------------------------------------------------------------ */

/* Waits until [fd] can be read, or is at its end; can be written. 0. asyncio: add_reader() */
CO_OP co_readable(int fd);
CO_OP co_writable(int fd);

/* Reads at most [size] bytes; bytes, 0 at the end. [buf] must stay. The fd must be non-blocking
 * (co_fd_nonblock): else the program stops, for one read could stop the whole loop. asyncio:
 * StreamReader.read()
 * Do not make stdin or a terminal non-blocking: that belongs to all who have it open, as the shell
 * that goes on with it. Wait for it instead, and read what is there, which does not block:
 *     co_try(co_readable(STDIN_FILENO));
 *     n = read(STDIN_FILENO, self->buf, sizeof self->buf); */
CO_OP co_read(int fd, void *buf, size_t size);

/* Writes at least one byte; bytes. The fd must be non-blocking, as above. asyncio:
 * loop.sock_sendall(), but partial */
CO_OP co_write(int fd, const void *buf, size_t size);

/* ---- Plain calls on fds ---------------------------------------------------------------------- */

/* Closes. Whoever waits on it gets -EBADF. 0, or -EBADF. */
int co_fd_close(int fd);

/* Makes it non-blocking and close-on-exec. 0 or negative errno. */
int co_fd_nonblock(int fd);

/* The result [n] of a POSIX call as one of ours: negative errno instead of -1.
 *     co_try(self->fd, co_done(co_errno(open(path, O_RDONLY)))); */
static inline intptr_t co_errno(intptr_t n) { return n == -1 ? -errno : n; }

/* ---- Machinery ------------------------------------------------------------------------------- */

#define CO_MAIN_(NAME, ...) \
    co_main_end_(co_main_begin_() ? CO_TASK_NEW_(NAME, 0, __VA_ARGS__) : NULL)
int co_main_begin_(void);
intptr_t co_main_end_(struct co_task *task);
intptr_t co_main_run_(struct co_task *task);

/* An op on an fd, for net.c: [attempt] tries it, once or at each event. It gives a result; or
 * -EAGAIN to wait (on), what was done so far being kept in the op; or CO_FD_PAUSE_, for a listener
 * when there is no fd to spare. */
struct co_fd_op {
    void *data;                 /* const for those that write */
    size_t size, done;
    uint8_t drained;            /* out: nothing is left to be read; the next op waits first */
};
typedef intptr_t co_fd_try(int fd, struct co_fd_op *op);
enum { CO_FD_READ = 0, CO_FD_WRITE = 1 };
struct co_fd_wait {                /* one static const for each op */
    struct co_wait_kind wait;
    int direction;
    co_fd_try *attempt;            /* NULL: the op only waits for the event */
    int blocks;                    /* the attempt would block on a blocking fd */
};
#define CO_FD_WAIT_(name, direction, attempt) { { name, co_fd_take_back_ }, direction, attempt, 0 }
#define CO_FD_WAIT_NONBLOCK_(name, direction, attempt) \
    { { name, co_fd_take_back_ }, direction, attempt, 1 }
#define CO_FD_PAUSE_ INTPTR_MIN
/* What an attempt returns whose system call returned [n]. An interrupted call is like one that
 * found nothing: the op waits, and the next event comes at once. */
static inline intptr_t co_fd_result_(intptr_t n)
{
    return n >= 0 ? n : errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}
CO_OP co_fd_(int fd, const struct co_fd_wait *wait, const void *data, size_t size);
enum co_take_back co_fd_take_back_(struct co_task *task);
void co_fd_forget_(int fd);        /* its number names a new file from now on */

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
