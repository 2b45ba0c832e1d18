/* SPDX-License-Identifier: BSD-2-Clause
 * process.c: co_signal on libev's signal watchers; children by posix_spawn and pidfd.
 *
 * The end of a child is awaited in two steps. First a pidfd or a thread reports that the child has
 * ended, which leaves it a zombie; then the loop's thread takes its status. So as long as a signal
 * may be sent, the process number names the child and nobody else. */
#define _GNU_SOURCE
#include "process.h"
#include "loop_impl.h"

#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- Signals --------------------------------------------------------------------------------- */

struct watch {
    ev_signal signal;
    struct watch *next;
    struct co_task *waiters;    /* a ring */
    int came;                   /* it was delivered while no task waited */
    struct sigaction before;
};

struct signals {
    struct co_loop_part_ part;
    struct watch *watches;
};

static void on_signal(struct ev_loop *ev, ev_signal *signal, int revents)
{
    struct watch *watch = signal->data;

    (void)ev, (void)revents;
    watch->came = !watch->waiters;
    while (watch->waiters) {
        struct co_task *task = watch->waiters;

        co_ring_remove(&watch->waiters, task);
        co_loop_waits_(co_loop_current(), -1);
        co_wake(task, 0);
    }
}

static enum co_take_back signal_take_back(struct co_task *task)
{
    struct watch *watch = task->object;

    co_ring_remove(&watch->waiters, task);
    co_loop_waits_(co_loop_current(), -1);
    return CO_TAKEN;
}

/* libev sets SIG_DFL when its last watcher stops, so what was there before ours is put back. That
 * may be libev's own handler, of a watcher of the user's which is gone by now; then nothing is. */
static void watch_stop(struct ev_loop *ev, struct watch *watch)
{
    struct sigaction libev, now;
    int signo = watch->signal.signum;

    sigaction(signo, NULL, &libev);
    ev_ref(ev);
    ev_signal_stop(ev, &watch->signal);
    sigaction(signo, NULL, &now);
    if (now.sa_handler == SIG_DFL && watch->before.sa_handler != libev.sa_handler)
        sigaction(signo, &watch->before, NULL);
}

static void signals_leave(struct co_loop_part_ *part)
{
    struct signals *signals = (struct signals *)part;
    struct watch *watch;

    while ((watch = signals->watches) != NULL) {
        signals->watches = watch->next;
        watch_stop(co_loop_ev(co_loop_current()), watch);
        free(watch);
    }
    free(signals);
}

/* Refuses faults, too. No task runs before the handler returns, so a fault would be raised again
 * and again. */
static int signal_check(int signo)
{
    static const int never[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    struct sigaction now;

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (signo == never[i])
            return -EINVAL;
    return signo > 0 && signo < NSIG && sigaction(signo, NULL, &now) == 0 ? 0 : -EINVAL;
}

/* Begins to watch [signo], which no other loop may do from now on. */
static int watch_start(struct co_loop *loop, struct signals *signals, int signo)
{
    struct ev_loop *ev = co_loop_ev(loop);
    struct watch *watch = co_loop_fails(ENOMEM) ? NULL : calloc(1, sizeof *watch);
    int error = watch ? co_loop_signal_take_(loop, signo) : -ENOMEM;

    if (error == 0 && signo == SIGCHLD && EV_DEFAULT_UC && !ev_is_default_loop(ev))
        error = -EBUSY;             /* libev's default loop always watches it */
    if (error < 0) {
        free(watch);
        return error;
    }
    sigaction(signo, NULL, &watch->before);
    ev_signal_init(&watch->signal, on_signal, signo);
    watch->signal.data = watch;
    ev_signal_start(ev, &watch->signal);
    ev_unref(ev);
    if (signo == SIGINT)
        co_loop_sigint_stop_(loop); /* after ours has begun, or it could kill in between */
    watch->next = signals->watches;
    signals->watches = watch;
    return 0;
}

/* Finds the watch of [signo]; a new one is the first of the list. Returns 0 or negative errno. */
static int watch_find(struct co_loop *loop, int signo, struct watch **found)
{
    struct signals *signals = (struct signals *)co_loop_part_(loop, signals_leave, sizeof *signals);
    int error;

    if (!signals)
        return -ENOMEM;
    *found = signals->watches;
    while (*found && (*found)->signal.signum != signo)
        *found = (*found)->next;
    if (*found)
        return 0;
    error = watch_start(loop, signals, signo);
    *found = signals->watches;
    return error;
}

co_op co_signal(int signo)
{
    static const struct co_wait_kind wait = { "co_signal", signal_take_back };
    struct co_loop *loop = co_loop_current();
    struct watch *watch = NULL;
    struct co_task *task;
    int error;

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    error = signal_check(signo);
    if (error == 0)
        error = watch_find(loop, signo, &watch);
    if (error != 0)
        return co_op_done(error);
    if (watch->came) {
        watch->came = 0;
        return co_op_done(0);
    }
    task = co_op_wait(&wait, watch);
    co_ring_add(&watch->waiters, task);
    co_loop_waits_(loop, 1);
    return co_wait();
}

/* ---- Starting a child ------------------------------------------------------------------------ */

/* The child's ends all have numbers from 3 on, so that none is overwritten when they are copied to
 * 0, 1 and 2 one after the other. */
struct ends {
    int ours[3], theirs[3];     /* -1: none */
};

static int fd_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return high < 0 ? -errno : high;
}

static int fd_raised(int fd)
{
    int high;

    if (fd < 0)
        return -errno;
    if (fd > 2)
        return fd;
    high = fd_high(fd);
    close(fd);
    return high;
}

static int ends_pipe(struct ends *ends, int i)
{
    int fds[2], error, own = i == 0;

    if (co_loop_fails(EMFILE) || pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    ends->ours[i] = fds[own];
    co_fd_forget_(fds[own]);        /* the loop may know an older fd by this number */
    error = co_fd_nonblock(fds[own]);
    ends->theirs[i] = fd_raised(fds[!own]);
    return error < 0 ? error : ends->theirs[i];
}

/* Opens stream [i] as [wanted]. Returns negative errno if that fails. */
static int ends_open(struct ends *ends, int i, int wanted)
{
    int fd;

    if (wanted == CO_PROCESS_PIPE)
        return ends_pipe(ends, i);
    if (wanted == CO_PROCESS_NULL) {
        fd = fd_raised(open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
    } else if (wanted == CO_PROCESS_INHERIT) {
        fd = fd_high(i);            /* a copy, since ours may be close-on-exec */
        if (fd == -EBADF)
            return 0;               /* closed here, and so there */
    } else if (wanted == CO_PROCESS_STDOUT && i == 2) {
        if (ends->theirs[1] < 0)
            return 0;
        fd = fd_high(ends->theirs[1]);
    } else {
        fd = wanted > 0 ? fd_high(wanted) : -EINVAL;
    }
    return ends->theirs[i] = fd;
}

static void ends_close(int fds[3])
{
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* The fds of this library are close-on-exec; CLOSE_FROM keeps all others from the child, too. */
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 34)
#define CLOSE_FROM(actions, fd) posix_spawn_file_actions_addclosefrom_np(actions, fd)
#endif
#endif
#ifndef CLOSE_FROM
#define CLOSE_FROM(actions, fd) 0
#endif

/* Returns 0 or a positive errno, as posix_spawn does. */
static int actions_fill(posix_spawn_file_actions_t *actions, const struct ends *ends,
                        const char *cwd)
{
    int error = 0;

    for (int i = 0; i < 3 && error == 0; i++)
        if (ends->theirs[i] >= 0)
            error = posix_spawn_file_actions_adddup2(actions, ends->theirs[i], i);
    if (error == 0)
        error = CLOSE_FROM(actions, 3);
    if (error == 0 && cwd)
        error = posix_spawn_file_actions_addchdir_np(actions, cwd);
    return error;
}

static int attributes_fill(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    int error;

    sigfillset(&all);
    sigemptyset(&none);
    error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes,
                                         POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return error;
}

static int ends_spawn(const struct ends *ends, pid_t *pid, char *const argv[],
                      const struct co_process_options *options)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return -error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = actions_fill(&actions, ends, options->cwd);
        if (error == 0)
            error = attributes_fill(&attributes);
        if (error == 0)
            error = posix_spawnp(pid, argv[0], &actions, &attributes, argv,
                                 options->env ? options->env : environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Returns -1 if there is no pidfd, for whatever reason; then a thread waits for the child. */
static int pidfd_open_(pid_t pid)
{
#ifdef SYS_pidfd_open
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd >= 0)
        co_fd_forget_(fd);
    return fd;
#else
    return (void)pid, -1;
#endif
}

int co_process_spawn(struct co_process *process, char *const argv[],
                     const struct co_process_options *options)
{
    static const struct co_process_options usual = { .grace = 0 };
    const struct co_process_options *o = options ? options : &usual;
    struct ends ends = { { -1, -1, -1 }, { -1, -1, -1 } };
    const int wanted[3] = { o->in, o->out, o->err };
    int error = argv && argv[0] ? 0 : -EINVAL;
    pid_t pid = -1;

    memset(process, 0, sizeof *process);
    process->in = process->out = process->err = process->pidfd = -1;
    for (int i = 0; i < 3 && error >= 0; i++)
        error = ends_open(&ends, i, wanted[i]);
    if (error >= 0)
        error = ends_spawn(&ends, &pid, argv, o);
    ends_close(ends.theirs);
    if (error < 0) {
        ends_close(ends.ours);
        return error;
    }
    process->in = ends.ours[0];
    process->out = ends.ours[1];
    process->err = ends.ours[2];
    process->pid = pid;
    process->grace = o->grace == 0 ? 5 : o->grace;
    process->started = 1;
    process->pidfd = pidfd_open_(pid);
    co_loop_outside_(1);
    return 0;
}

/* ---- Its end --------------------------------------------------------------------------------- */

/* Takes the status of a child that has ended or is about to end; blocks until it has. */
static void process_reap(struct co_process *process)
{
    pid_t pid;

    if (process->ended)
        return;
    do
        pid = waitpid(process->pid, &process->status, 0);
    while (pid < 0 && errno == EINTR);
    process->ended = 1;
    co_loop_outside_(-1);
    process->error = pid < 0 ? -errno : 0;
}

static intptr_t process_status(const struct co_process *process)
{
    int status = process->status;

    if (process->error < 0)
        return process->error;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int co_process_kill(struct co_process *process, int signo)
{
    int gone = -1;

    if (!process->started || process->ended)
        return -ESRCH;
#ifdef SYS_pidfd_send_signal
    if (process->pidfd >= 0) {
        gone = (int)syscall(SYS_pidfd_send_signal, process->pidfd, signo, NULL, 0);
        if (gone == 0 || errno != ENOSYS)
            return gone == 0 ? 0 : -errno;
    }
#endif
    gone = kill(process->pid, signo);
    return gone == 0 ? 0 : -errno;
}

/* Without a pidfd, a thread of its own waits for each child, since children that run for long would
 * use up a bounded pool. The thread does not take the status, which the loop's thread does. */
static void child_told(void *arg)
{
    struct co_process *process = arg;
    struct co_task *task = process->waiter;

    pthread_join(process->thread, NULL);
    process->watched = 0;
    process->dead = 1;
    process->waiter = NULL;
    co_loop_unref(process->loop);
    if (task)
        co_wake(task, 0);
}

static void *child_watch(void *arg)
{
    struct co_process *process = arg;
    siginfo_t info;
    int r;

    do
        r = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOWAIT);
    while (r < 0 && errno == EINTR);
    co_loop_post_always_(process->loop, child_told, process);
    return NULL;
}

static int watch_by_thread(struct co_process *process)
{
    int error;

    process->loop = co_loop_current();
    error = co_thread_make_(&process->thread, child_watch, process);
    if (error < 0)
        return error;
    process->watched = 1;
    co_loop_ref(process->loop);     /* until it posts, which it does even if nobody waits */
    return 0;
}

static enum co_take_back dead_take_back(struct co_task *task)
{
    ((struct co_process *)task->object)->waiter = NULL;
    return CO_TAKEN;
}

/* An op that waits until the child has ended; its result is 0. */
static co_op process_dead(struct co_process *process)
{
    static const struct co_wait_kind wait = { "co_child", dead_take_back };
    int error = 0;

    if (process->pidfd >= 0)
        return co_readable(process->pidfd);
    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    if (process->dead || process->ended)
        return co_op_done(0);
    if (!process->watched)
        error = watch_by_thread(process);
    if (error < 0)
        return co_op_done(error);
    process->waiter = co_op_wait(&wait, process);
    return co_wait();
}

/* A wait that fails because co_process_close has taken the status is no failure. While a thread is
 * at work this waits on, whatever has happened, since the thread will post to [process]. */
static co_define(co_process_end_)
{
    struct co_process *process = self->process;

    co_begin;
    co_await(self->n, process_dead(process));
    if (self->n == -ECANCELED) {
        self->cancelled = 1;
        if (process->grace >= 0) {
            co_process_kill(process, SIGTERM);
            co_await(self->n, co_within(&self->grace, process->grace, process_dead(process)));
        }
        if (self->n < 0)
            co_process_kill(process, SIGKILL);
        while (self->n == -ECANCELED || self->n == -ETIMEDOUT || process->watched)
            co_await(self->n, process_dead(process));
    } else if (self->n < 0 && !process->ended) {
        co_return(self->n);
    }
    process_reap(process);
    co_return(self->cancelled ? -ECANCELED : process_status(process));
    co_end;
}

co_op co_child(struct co_process *process)
{
    if (!process->started)
        return co_op_done(-ECHILD);
    if (process->end.co.caller)
        return co_op_done(-EBUSY);
    if (process->ended)
        return co_op_done(process_status(process));
    return co_call(&process->end, co_process_end_, .process = process);
}

static void end_close(int *fd)
{
    if (*fd >= 0)
        co_fd_close(*fd);
    *fd = -1;
}

void co_process_close_in(struct co_process *process)
{
    if (process->started)
        end_close(&process->in);
}

void co_process_close(struct co_process *process)
{
    if (!process->started)
        return;
    co_process_kill(process, SIGKILL);  /* first, or it might act on the end of a pipe */
    process_reap(process);
    end_close(&process->in);
    end_close(&process->out);
    end_close(&process->err);
    end_close(&process->pidfd);
}

/* ---- Talking to it --------------------------------------------------------------------------- */

static co_define(co_process_write_)
{
    co_begin;
    while (self->left > 0) {
        co_await(self->n, co_write(self->process->in, self->data, self->left));
        if (self->n == -EPIPE)
            break;
        if (self->n < 0)
            co_return(self->n);
        self->data += self->n;
        self->left -= (size_t)self->n;
    }
    co_finally;
    co_process_close_in(self->process);
    co_end;
}

/* When [out] is full, one more byte is read, to see whether the end has come. */
static co_define(co_process_talk_)
{
    struct co_process *process = self->process;

    co_begin;
    do {
        if (self->done < self->room)
            co_try(self->n, co_read(process->out, self->out + self->done,
                                    self->room - self->done));
        else
            co_try(self->n, co_read(process->out, &self->more, 1));
        if (self->n > 0 && self->done == self->room)
            co_return(-EMSGSIZE);
        self->done += (size_t)self->n;
    } while (self->n > 0);
    co_try(co_join(&self->writer));
    co_return(self->done);
    co_finally;
    co_cancel(&self->writer);
    co_await(co_join(&self->writer));
    co_end;
}

co_op co_communicate(struct co_process *process, const void *input, size_t size,
                     char *out, size_t room)
{
    struct co_process_talk_ *talk = &process->talk;
    co_op op;

    if (co_op_take_cancel("co_communicate"))
        return co_done(-ECANCELED);
    if (talk->co.caller)
        return co_op_done(-EBUSY);
    if (!process->started || process->out < 0 || process->err >= 0 || (size > 0 && process->in < 0))
        return co_op_done(-EINVAL);
    op = co_call(talk, co_process_talk_, .process = process, .out = out, .room = room);
    co_task_init(&talk->writer, &talk->write, co_process_write_, .process = process, .data = input,
                 .left = size);
    return op;
}
