/* SPDX-License-Identifier: BSD-2-Clause
 * process.h: waits for signals, and runs programs as children, with pipes to them.
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
 * One rule: co_process_close must end what co_process_spawn started. It is always right in a
 * co_finally, even if the spawn was not reached. A task that is cancelled in co_child ends the
 * child; a task that is cancelled elsewhere leaves the child to co_process_close. So no child
 * outlives its task, and none is left as a zombie. Only the child itself is killed; a process that
 * the child started is its own to end. */
#ifndef CO_PROCESS_H
#define CO_PROCESS_H

#include "loop.h"

#include <pthread.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Signals --------------------------------------------------------------------------------- */

/* Waits for the next delivery of [signo] to the process, and wakes all tasks that wait for it. The
 * first call makes the signal this loop's until the loop is freed, which restores the disposition
 * that the signal had before. From that call on no delivery is lost. One that comes while no task
 * waits completes the next call at once, and several such deliveries are merged. After the first
 * call for SIGINT, that signal no longer cancels the main task.
 * Returns 0; -ECANCELED; -EINVAL: the number names no signal, or one that cannot be caught or that
 * reports a fault of the program, such as SIGSEGV; -EBUSY: another loop has it; -ENOMEM.
 * Do not watch the same signal by a libev watcher of yours in another loop, since libev aborts
 * then. asyncio: loop.add_signal_handler() */
CO_OP co_signal(int signo);

/* ---- Children -------------------------------------------------------------------------------- */

/* What a standard stream of the child is. It may also be an fd of yours, 1 or above, which stays
 * yours. */
enum {
    CO_PROCESS_INHERIT = 0,     /* the same as ours; the default */
    CO_PROCESS_NULL = -1,       /* /dev/null. asyncio: DEVNULL */
    CO_PROCESS_PIPE = -2,       /* a pipe to this program. asyncio: PIPE */
    CO_PROCESS_STDOUT = -3      /* for .err only: the same as .out. asyncio: STDOUT */
};

struct co_process_options {
    int in, out, err;           /* its stdin, stdout, stderr */
    const char *cwd;            /* the directory it starts in; NULL: ours */
    char *const *env;           /* its environment, "NAME=value" and a last NULL; NULL: ours */
    double grace;               /* seconds from SIGTERM to SIGKILL when co_child is cancelled; 0
                                 * means 5; negative: no SIGTERM, SIGKILL at once */
};

struct co_process;

/* Starts the program argv[0], which is searched for in PATH if it has no slash. [argv] ends with
 * NULL. Neither [argv] nor [options] needs to stay, and options may be NULL. The child has the fds
 * 0, 1 and 2 and no other one; where the C library cannot close the others, it still has none that
 * is close-on-exec. Its signals have their default dispositions, and none is blocked.
 * Returns 0; then [process], whose storage must stay until co_process_close, has our ends of the
 * pipes. Or negative errno, and nothing is left behind. -ENOENT: there is no such program or cwd;
 * -EACCES, -ENOEXEC; -EINVAL: argv[0] is missing, or a stream has an invalid value; -EBADF: an fd
 * is not open; -EMFILE, -EAGAIN, -ENOMEM. asyncio: create_subprocess_exec() */
int co_process_spawn(struct co_process *process, char *const argv[],
                     const struct co_process_options *options);

/* Waits for the end of the child. Returns its exit status, 0 to 255, or 128 plus the signal that
 * killed it; process->status tells the two apart. Later calls return the same.
 * If the task is cancelled, this sends SIGTERM, then SIGKILL after the grace period or at a second
 * cancel, and returns -ECANCELED once the child has ended. So co_within(&slot, seconds,
 * co_child(&process)) is a deadline for the child. A child that waits for the end of its stdin, or
 * for room in a full stdout, waits until you close the one or read the other.
 * -EBUSY: a task waits for it already; -ECHILD: nothing was started, or something else has taken
 * its status, such as waitpid(-1), an ignored SIGCHLD or libev's default loop; -EAGAIN: there is
 * neither a pidfd nor a thread to wait with. asyncio: Process.wait() */
CO_OP co_child(struct co_process *process);

/* Writes [size] bytes of [input] to the child's stdin and closes it, and at the same time reads its
 * stdout to the end, so that neither waits for the other. Both must be pipes, but stdin need not be
 * one if size is 0. stderr must not be a pipe, since nobody would read it. It is no error if the
 * child does not read all of its input.
 * Returns the number of bytes read into [out]; -EMSGSIZE: there were more than [room], which is
 * full; -EINVAL: a pipe is missing, or stderr is one; -EBUSY: another call is in progress. If the
 * task is cancelled, the child is left alone, and what was read is lost. Await co_child afterwards.
 * asyncio: Process.communicate() */
CO_OP co_communicate(struct co_process *process, const void *input, size_t size,
                     char *out, size_t room);

/* Sends a signal to the child, and never to another process, since its number is not used again
 * before co_child or co_process_close has taken its status. Returns 0; -ESRCH: that has happened,
 * or the child was never started; -EINVAL, -EPERM. asyncio: Process.send_signal() */
int co_process_kill(struct co_process *process, int signo);

/* Closes our end of the child's stdin, by which the child learns that there is no more input.
 * asyncio: stdin.close() */
void co_process_close_in(struct co_process *process);

/* Kills a child that has not ended, by SIGKILL, and waits for its end. That blocks for a moment, so
 * await co_child first where it matters. Then it closes the pipes and all else that is still open
 * for the child. A task that waits for the child gets its status, so the storage must stay until
 * then. Zeroed storage, and that of a spawn that failed, is left alone. */
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
    int status;                     /* ro: once it has ended, its status as waitpid() reports it */
    double grace;                   /* rw: seconds */
    int pidfd;                      /* private: readable when it has ended; -1: a thread waits */
    uint8_t started, ended;         /* private: must be closed; ro: its status was taken */
    uint8_t dead, watched;          /* private: the thread saw its end; the thread waits for it */
    intptr_t error;                 /* private: why there is no status */
    pthread_t thread;               /* private: that thread */
    struct co_loop *loop;           /* private: the loop to which the thread posts */
    struct co_task *waiter;         /* private: the task that waits for that post, or NULL */
    struct co_process_end_ end;     /* private: the co_child in progress */
    struct co_process_talk_ talk;   /* private: the co_communicate in progress */
};

#ifdef __cplusplus
}
#endif
#endif
