/* SPDX-License-Identifier: BSD-2-Clause
 * loop.h: tasks on an operating system: real time, sockets and pipes, posts from other threads.
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
 *     int main(void) { return co_main(hello) < 0; }      // see README.md for the cc line
 *
 * One rule: close an fd that was awaited with co_fd_close(), so that the loop forgets it. An fd is
 * a plain int, and its number may name another file the next moment. */
#ifndef CO_LOOP_H
#define CO_LOOP_H

#include "group.h"
#include "sync.h"
#include "task.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#ifdef __GNUC__                 /* a struct may have the name of the call that fills it */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#endif

/* ---- Running a program ----------------------------------------------------------------------- */

/* Runs coroutine NAME as the main task on a new loop, to its end. Then it cancels the tasks that
 * are left, awaits them, and closes all. SIGINT (Ctrl-C) cancels the main task, unless SIGINT was
 * ignored or handled before; a second one kills, as usual.
 * The main task's result, mostly -ECANCELED after Ctrl-C; a negative errno if there is no loop;
 * -EDEADLK, with a dump of the tasks on stderr, if they waited and nothing could have woken them.
 *     intptr_t co_main(NAME, .field = ...);                              asyncio: run() */
#define co_main(...) \
    CO_EXPAND_(CO_MAIN_, CO_FIRST_(__VA_ARGS__, ~), CO_BODY_ = co_body_##__VA_ARGS__)

/* The monotonic clock, on which co_sleep and co_timer_start measure. It begins anywhere, and at 0
 * in a trial (trial.h). In seconds, asyncio: loop.time(); and in nanoseconds. */
double co_time(void);
int64_t co_time_ns(void);

/* ---- Ops on fds ---------------------------------------------------------------------------------
 * All return -EBADF for an fd that is closed or never was, also when it is closed meanwhile; -EPERM
 * for a regular file, which never waits (use read() and write()); -EBUSY if another task waits for
 * the same direction; -ENOMEM; -ECANCELED if the task was cancelled. */

/* Waits until [fd] can be read, or is at its end; until it can be written. 0, which may come too
 * early, so make a non-blocking call next. asyncio: add_reader(), add_writer() */
CO_OP co_readable(int fd);
CO_OP co_writable(int fd);

/* Reads at most [size] bytes. How many; 0 at the end. [buf] must stay until the await is over. The
 * fd must be non-blocking (co_fd_nonblock), or the program stops, since one read could stop the
 * whole loop. asyncio: StreamReader.read()
 * Do not make stdin or a terminal non-blocking, for that belongs to all who have it open, such as
 * the shell. Wait for it instead, and read what is there, which does not block:
 *     co_try(co_readable(STDIN_FILENO));
 *     n = read(STDIN_FILENO, self->buf, sizeof self->buf); */
CO_OP co_read(int fd, void *buf, size_t size);

/* Writes at least one byte, and as many as fit at once. How many. The fd must be non-blocking, as
 * above. asyncio: a partial loop.sock_sendall() */
CO_OP co_write(int fd, const void *buf, size_t size);

/* ---- Plain calls on fds ---------------------------------------------------------------------- */

/* Closes. Whoever waits for it is woken with -EBADF. 0, or -EBADF. */
int co_fd_close(int fd);

/* Makes it non-blocking and close-on-exec. 0, or negative errno. */
int co_fd_nonblock(int fd);

/* ---- Other threads, signal handlers, fork() -------------------------------------------------- */

struct co_loop;

/* Runs fn(arg) in the thread of [loop], on its next turn, in the order of the posts. It is the one
 * call that any thread may make, and a signal handler. 0; -EAGAIN: too many posts wait, 4,096 or
 * so. asyncio: call_soon_threadsafe() */
int co_loop_post(struct co_loop *loop, void (*fn)(void *), void *arg);

/* Declares a source of events outside the loop, a thread that will post: tasks that wait are no
 * deadlock until co_loop_unref. */
void co_loop_ref(struct co_loop *loop);
void co_loop_unref(struct co_loop *loop);

/* For the child of a fork() that goes on with the loop, before anything else: from now on it shares
 * neither events nor posts with its parent. co_thread calls that were not over return -EAGAIN in
 * the child. 0, or negative errno: the child gets no posts. */
int co_loop_fork(struct co_loop *loop);

/* ---- A loop by hand -------------------------------------------------------------------------- */

struct ev_loop;

struct co_loop_options {
    struct ev_loop *ev;         /* rw: ride on this libev loop, which you run; NULL: its own one */
    unsigned backend;           /* rw: EVBACKEND_*, if [ev] is NULL; 0: the best one */
};

/* Makes a loop, which is this thread's from now on. [options] may be NULL. SIGPIPE is ignored from
 * now on, unless it was handled. NULL, with errno set: EBUSY, if this thread has a loop already;
 * ENOSYS, if libev has no such backend; no memory or no fd. asyncio: Runner() */
struct co_loop *co_loop_new(const struct co_loop_options *options);

/* Runs until no task is left, or co_loop_stop. 0, or -EDEADLK as above: then the tasks are still
 * there. A loop that rides is run by your ev_run() instead. asyncio: run_forever() */
int co_loop_run(struct co_loop *loop);

/* Makes co_loop_run return after this turn. asyncio: loop.stop() */
void co_loop_stop(struct co_loop *loop);

/* Cancels the tasks that are left, runs them to their end, and frees the loop. Tasks that wait for
 * each other in a ring are reported, and a co_join or co_gather of theirs returns -EDEADLK; a ring
 * of co_group_wait alone stops the program. NULL: nothing. */
void co_loop_free(struct co_loop *loop);

/* This thread's loop, or NULL. asyncio: get_running_loop() */
struct co_loop *co_loop_current(void);

/* Its libev loop, for watchers of your own. */
struct ev_loop *co_loop_ev(struct co_loop *loop);

/* ---- Seeing and testing ---------------------------------------------------------------------- */

/* Prints every task of [loop], which is one of this thread's: what it awaits and where, innermost
 * first. NULL: the tasks of this thread's scheduler. asyncio: print_call_graph() */
void co_loop_dump(struct co_loop *loop, FILE *to);

/* In a trial of failures (trial.h): whether a call of yours is to fail here; then errno is [error].
 * Otherwise 0, and nothing else happens.
 *     p = co_loop_fails(ENOMEM) ? NULL : malloc(n); */
int co_loop_fails(int error);

/* The result [n] of a POSIX call as one of ours, a negative errno instead of -1.
 *     co_try(self->fd, co_done(co_errno(open(path, O_RDONLY)))); */
static inline intptr_t co_errno(intptr_t n) { return n == -1 ? -errno : n; }

/* ---- Machinery ----------------------------------------------------------------------------------
 * loop_impl.h has the inside of the loop. */

#define CO_MAIN_(NAME, ...) \
    co_main_end_(co_main_begin_() ? CO_TASK_NEW_(NAME, 0, __VA_ARGS__) : NULL)
int co_main_begin_(void);
intptr_t co_main_end_(struct co_task *task);
intptr_t co_main_run_(struct co_task *task);

/* An op on an fd, for net.c: its attempt, which is made once at the beginning and once at each
 * event, returns the result of the op; or -EAGAIN to wait for the next event, what was done so far
 * being kept in [done]; or CO_FD_PAUSE_ from a listener, when there is no fd to spare. */
struct co_fd_op {
    void *data;                 /* const for those that write */
    size_t size, done;
    uint8_t drained;            /* out: nothing is left to be read; the next op waits first */
};
typedef intptr_t co_fd_try(int fd, struct co_fd_op *op);
enum { CO_FD_READ = 0, CO_FD_WRITE = 1 };
struct co_fd_wait {             /* one static const for each op */
    struct co_wait_kind wait;
    int direction;
    co_fd_try *attempt;         /* NULL: the op only waits for the event */
    int blocks;                 /* the attempt would block on a blocking fd */
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
void co_fd_forget_(int fd);     /* its number names another file from now on */

#ifdef __cplusplus
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
}
#endif
#endif
