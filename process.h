/* SPDX-License-Identifier: BSD-2-Clause
 * process.h: signals as awaits, and programs as children: their pipes, their end.
 *
 *     struct date { co_frame; struct co_process child; intptr_t n; char text[64]; };
 *     co_define(date) {
 *         static char *const argv[] = { "date", "-u", NULL };
 *         static const struct co_process_options options = { .out = CO_PROCESS_PIPE };
 *         co_begin;
 *         co_try(co_done(co_process_spawn(&self->child, argv, &options)));
 *         co_try(self->n, co_read(self->child.out, self->text, sizeof self->text));
 *         printf("%.*s", (int)self->n, self->text);
 *         co_try(self->n, co_child(&self->child));         // its exit status
 *         co_finally;
 *         co_process_close(&self->child);                  // killed, if it has not ended
 *         co_end;
 *     }
 *
 * The one rule: what co_process_spawn started, co_process_close ends. In a co_finally it is always
 * right, also where the spawn was not reached. Whoever is cancelled in co_child ends the child;
 * whoever is cancelled elsewhere leaves it to co_process_close. So no child outlives its task, and
 * none is left as a zombie. Only the child itself is killed: what it started in turn is its own to
 * end. */
#ifndef CO_PROCESS_H
#define CO_PROCESS_H

#include "loop.h"

#include <pthread.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Signals --------------------------------------------------------------------------------- */

/* Waits for the next delivery of [signo] to the process. The first call makes it this loop's, until
 * the loop is freed: then its disposition is as before. From that call on none is lost: one that
 * comes while no task waits is given to the next call at once, several being one. All tasks that
 * wait get it. SIGINT no longer cancels the main task from then on.
 * Result: 0; -ECANCELED; -EINVAL for a number that is none, cannot be caught, or stands for a fault
 * of the program (SIGSEGV, ...); -EBUSY: another loop has it; -ENOMEM.
 * Do not watch the same signal with a libev watcher of yours in another loop: libev aborts on that.
 * asyncio: loop.add_signal_handler() */
CO_OP co_signal(int signo);

/* ---- Children -------------------------------------------------------------------------------- */

/* What a standard stream of the child is; or an fd of yours, from 1 on, which stays yours. */
enum {
    CO_PROCESS_INHERIT = 0,     /* ours: what the child has if nothing is said */
    CO_PROCESS_NULL = -1,       /* /dev/null. asyncio: DEVNULL */
    CO_PROCESS_PIPE = -2,       /* a pipe to this program. asyncio: PIPE */
    CO_PROCESS_STDOUT = -3      /* .err only: where .out goes. asyncio: STDOUT */
};

struct co_process_options {
    int in, out, err;           /* its stdin, stdout, stderr */
    const char *cwd;            /* the directory it starts in; NULL: ours */
    char *const *env;           /* its environment, "NAME=value", ends with NULL; NULL: ours */
    double grace;               /* seconds from SIGTERM to SIGKILL when co_child is cancelled; 0: 5;
                                 * negative: SIGKILL at once */
};

struct co_process;

/* Starts the program argv[0], searched in PATH if it has no slash. [argv] ends with NULL; nothing
 * of it, or of [options], needs to stay; options may be NULL. The child has the fds 0, 1 and 2 and
 * no other (where the C library cannot see to that: none that is close-on-exec), all signals at
 * their default and none blocked.
 * 0: [process], whose storage must stay until co_process_close, has our ends of the pipes; or
 * negative errno, and nothing is left: -ENOENT: no such program, or no such cwd; -EACCES, -ENOEXEC;
 * -EINVAL: no argv[0], or a stream that is none; -EBADF: an fd that is none; -EMFILE, -EAGAIN,
 * -ENOMEM. asyncio: create_subprocess_exec() */
int co_process_spawn(struct co_process *process, char *const argv[],
                     const struct co_process_options *options);

/* Waits for its end. Its exit status, 0 to 255, or 128 plus the signal that killed it
 * (process->status tells them apart); the same again for whoever asks later.
 * Cancelled: SIGTERM; SIGKILL after the grace period, or at a second cancel; -ECANCELED when it has
 * ended. So a deadline is co_within(&slot, seconds, co_child(&process)). A child that waits for its
 * stdin to end, or for room in a full stdout, waits until you close the one and read the other.
 * -EBUSY: a task waits for it already; -ECHILD: nothing was started, or its status was taken by
 * someone else: waitpid(-1), an ignored SIGCHLD, libev's default loop; -EAGAIN: neither a pidfd nor
 * a thread could be had. asyncio: Process.wait() */
CO_OP co_child(struct co_process *process);

/* Writes [size] bytes of [input] to its stdin and closes that, and reads its stdout to the end,
 * both at once, so that neither waits for the other. Both must be pipes, but stdin where size is 0;
 * stderr must not be one, since nobody would read it. A child that does not read all of its input
 * is no error.
 * The bytes read into [out]; -EMSGSIZE: more than [room], which is full; -EINVAL: such a pipe is
 * missing or too many; -EBUSY. Cancelled, it leaves the child alone, and what was read is lost.
 * co_child is still to be awaited. asyncio: Process.communicate() */
CO_OP co_communicate(struct co_process *process, const void *input, size_t size,
                     char *out, size_t room);

/* Sends a signal. 0; -ESRCH: it was never started, or co_child or co_process_close has ended, until
 * when its number names nobody else; -EINVAL, -EPERM. asyncio: Process.send_signal() */
int co_process_kill(struct co_process *process, int signo);

/* Closes our end of its stdin: so it learns that there is no more. asyncio: stdin.close() */
void co_process_close_in(struct co_process *process);

/* A child that has not ended is killed by SIGKILL and waited for, which blocks for a moment: await
 * co_child first where that matters. Then the pipes that are still open are closed, and all that it
 * holds here. Whoever waits for it gets its status, so the storage must stay until then.
 * Zeroed storage, and storage of a spawn that failed: nothing. */
void co_process_close(struct co_process *process);

/* ---- Machinery ------------------------------------------------------------------------------- */

struct co_process_end_ {        /* private */
    co_frame;
    struct co_process *process;
    intptr_t n;
    uint8_t cancelled;
    struct co_within grace;
};
struct co_process_write_ {      /* private */
    co_frame;
    struct co_process *process;
    const char *data;
    size_t left;
    intptr_t n;
};
struct co_process_talk_ {       /* private */
    co_frame;
    struct co_process *process;
    char *out, more;
    size_t room, done;
    intptr_t n, written;
    struct co_process_write_ write;
    struct co_task writer;
};

struct co_process {
    int in, out, err;               /* rw: our ends of the pipes, non-blocking; -1: none. If you
                                     * close one by co_fd_close(), set it to -1 */
    pid_t pid;                      /* ro */
    int status;                     /* ro: as of waitpid(), once it has ended */
    double grace;                   /* rw: seconds */
    int pidfd;                      /* private: readable when it has ended; -1: a thread waits */
    uint8_t started, ended;         /* private: is to be closed; ro: has ended, was waited for */
    uint8_t dead, watched;          /* private: a thread saw its end; a thread waits for it */
    intptr_t error;                 /* private: why there is no status */
    pthread_t thread;               /* private: that thread */
    struct co_loop *loop;           /* private: to which it posts */
    struct co_task *waiter;         /* private: who waits for that post, or NULL */
    struct co_process_end_ end;     /* private: the co_child in progress */
    struct co_process_talk_ talk;   /* private: the co_communicate in progress */
};

#ifdef __cplusplus
}
#endif
#endif
