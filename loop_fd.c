/* SPDX-License-Identifier: BSD-2-Clause
 * loop_fd.c: what the loop knows of fds, who waits on them, and the ops on them: co_fd_ and what
 * stands on it.
 *
 * There is one entry an fd, found by its number. Why a stale event reaches nobody: an event carries
 * the entry and not a task. When a number is closed or given to a new file, co_fd_forget_ wakes
 * whoever waits with -EBADF, empties the entry, and has the backend drop what it has seen of the
 * old file; so an event that still comes finds task[] empty, or a task that waits for the new file.
 * That task tries its system call and waits on; co_readable and co_writable, which make none, would
 * return 0 too early, so for them all rests on what the backend drops. A file that was closed by
 * close() behind our back is found by the backend before it polls: co_fd_gone_.
 *
 * EMFILE, ENFILE, ENOBUFS, ENOMEM: an accept that finds no fd to spare (accept_try in net.c)
 * returns CO_FD_PAUSE_. Its listener is disarmed, since it would be reported as ready at each poll,
 * and its task lies in the ring loop->paused; both go on when an fd is closed by co_fd_close(), or
 * after PAUSE_NS. See entry_pause and pause_over. */
#define _GNU_SOURCE
#include "loop_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FD_BLOCK = 32 };         /* entries are made in blocks: a backend holds their addresses */
enum { STACK_SIZE = 8 << 20 };  /* what lies further away than that is not on this C stack */
static const int64_t PAUSE_NS = 50 * 1000 * 1000;      /* a listener without an fd: 20 tries/s */

/* ---- The table of fds ------------------------------------------------------------------------ */

/* Makes the entries of the block in which [fd] lies. Without memory there are none. */
static void block_make(struct co_loop *loop, int fd)
{
    size_t size = loop->backend->entry_size;
    int first = fd / FD_BLOCK * FD_BLOCK;
    char *block = co_loop_fails(ENOMEM) ? NULL : calloc(FD_BLOCK, size);

    for (int i = 0; block && i < FD_BLOCK; i++) {
        loop->fds[first + i] = (struct co_fd_entry_ *)(void *)(block + (size_t)i * size);
        loop->fds[first + i]->fd = first + i;
    }
}

/* Room for the entry of [fd]: it, or NULL: no memory. */
static struct co_fd_entry_ *fd_grow(struct co_loop *loop, int fd)
{
    int room = loop->fd_room ? loop->fd_room : FD_BLOCK;
    struct co_fd_entry_ **fds;

    while (room <= fd)
        room *= 2;
    if (room > loop->fd_room) {
        fds = co_loop_fails(ENOMEM) ? NULL : realloc(loop->fds, (size_t)room * sizeof(void *));
        if (!fds)
            return NULL;
        loop->fds = fds;
        while (loop->fd_room < room)
            fds[loop->fd_room++] = NULL;
    }
    if (!loop->fds[fd])
        block_make(loop, fd);
    return loop->fds[fd];
}

/* libev would abort on what is no fd, and report a regular file as ready for ever. Returns an enum
 * co_fd_known_, or negative errno. */
static int fd_check(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct stat st;

    if (flags < 0 || fstat(fd, &st) < 0)
        return -EBADF;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return -EPERM;
    return flags & O_NONBLOCK ? CO_FD_NONBLOCK_ : CO_FD_BLOCKS_;
}

/* Makes the entry of [fd], if need be, and checks the fd, once in its life if it does not block. */
static int fd_take(struct co_loop *loop, int fd, struct co_fd_entry_ **taken)
{
    struct co_fd_entry_ *entry = co_fd_find_(loop, fd);
    int known;

    *taken = entry;
    if (entry && entry->known == CO_FD_NONBLOCK_)
        return 0;
    known = fd_check(fd);
    if (known < 0)
        return known;
    if (!entry && !(entry = fd_grow(loop, fd)))
        return -ENOMEM;
    if (entry->known == CO_FD_UNKNOWN_)
        entry->drained = 0;
    entry->known = (uint8_t)known;
    *taken = entry;
    return 0;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void entry_disarm(struct co_loop *loop, struct co_fd_entry_ *entry, int direction)
{
    if (entry->armed & CO_FD_EVENT_(direction))
        loop->backend->arm(loop, entry, entry->armed & ~CO_FD_EVENT_(direction));
}

/* Detaches the task that waits. The watch for reading stays armed, for the next read; the one for
 * writing does not, since a fd that can be written would be reported at every poll. */
static struct co_task *entry_leave(struct co_loop *loop, struct co_fd_entry_ *entry, int direction)
{
    struct co_task *task = entry->task[direction];

    entry->task[direction] = NULL;
    loop->waiting--;
    if (direction == CO_FD_WRITE) {
        entry_disarm(loop, entry, CO_FD_WRITE);
    } else if (entry->is_paused) {
        entry->is_paused = 0;
        co_ring_remove(&loop->paused, task);
    }
    return task;
}

/* No fd to spare: [entry] is a listener, whose task waits for one. */
static void entry_pause(struct co_loop *loop, struct co_fd_entry_ *entry)
{
    entry_disarm(loop, entry, CO_FD_READ);
    entry->is_paused = 1;
    co_ring_add(&loop->paused, entry->task[CO_FD_READ]);
    if (!loop->pause.place && !(loop->sim && loop->sim->starves(loop->sim)))
        /* without memory for a timer: at the next co_fd_close */
        (void)co_timer_start(&loop->pause, co_loop_now_(loop) + PAUSE_NS);
}

/* The op of the waiting task, whose parts lie in the task: what it does, and how much is done. */
static const struct co_fd_wait *fd_wait_of(const struct co_task *task)
{
    return (const struct co_fd_wait *)(const void *)task->wait;
}

/* Waits (on) for an event, after an attempt that returned [result], -EAGAIN or CO_FD_PAUSE_. */
static inline void entry_wait(struct co_loop *loop, struct co_fd_entry_ *entry, int direction,
                              intptr_t result)
{
    if (result == CO_FD_PAUSE_)
        entry_pause(loop, entry);
    else if (!(entry->armed & CO_FD_EVENT_(direction)))
        loop->backend->arm(loop, entry, entry->armed | CO_FD_EVENT_(direction));
}

static inline intptr_t fd_attempt(struct co_loop *loop, co_fd_try *attempt, int fd, int direction,
                                  struct co_fd_op *op)
{
    return CO_RARELY_(loop->sim != NULL) ? loop->sim->attempt(loop->sim, attempt, fd, direction, op)
                                         : attempt(fd, op);
}

/* The op ends, or goes on waiting, or pauses. */
void co_fd_retry_(struct co_loop *loop, struct co_fd_entry_ *entry, int direction)
{
    struct co_task *task = entry->task[direction];
    struct co_fd_op op = { task->in.io.data, task->in.io.size, (size_t)task->chain.result, 0 };
    co_fd_try *attempt = fd_wait_of(task)->attempt;
    intptr_t result = attempt ? fd_attempt(loop, attempt, entry->fd, direction, &op) : 0;

    if (direction == CO_FD_READ)
        entry->drained = op.drained;
    if (result != -EAGAIN && result != CO_FD_PAUSE_) {
        co_wake(entry_leave(loop, entry, direction), result);
        return;
    }
    task->chain.result = (intptr_t)op.done;
    entry_wait(loop, entry, direction, result);
}

/* Lets the listeners that wait for an fd to spare try again: after PAUSE_NS, or co_fd_close(). */
static void pause_over(struct co_timer *timer)
{
    struct co_loop *loop = CO_CONTAINER_(timer, struct co_loop, pause);
    struct co_task *paused = loop->paused;

    loop->paused = NULL;
    while (paused) {
        struct co_task *task = paused;
        struct co_fd_entry_ *entry = task->object;

        co_ring_remove(&paused, task);
        task->in.io.data = NULL;    /* where the link was */
        task->in.io.size = 0;
        entry->is_paused = 0;
        co_fd_retry_(loop, entry, CO_FD_READ);
    }
}

/* From now on the number names another file, or none. */
void co_fd_gone_(struct co_loop *loop, struct co_fd_entry_ *entry)
{
    entry->known = 0;
    loop->backend->forget(loop, entry);
    for (int i = 0; i < 2; i++)
        if (entry->task[i])
            co_wake(entry_leave(loop, entry, i), -EBADF);
}

void co_fd_handle_(struct co_loop *loop, struct co_fd_entry_ *entry, int events)
{
    for (int i = 0; i < 2; i++) {
        if (!(events & CO_FD_EVENT_(i)))
            continue;
        if (entry->task[i])
            co_fd_retry_(loop, entry, i);
        else
            entry_disarm(loop, entry, i);
    }
}

void co_fd_event_(struct co_loop *loop, struct co_fd_entry_ *entry, int events)
{
    if (CO_RARELY_(loop->sim != NULL) && loop->sim->event(loop->sim, entry, events))
        return;
    co_fd_handle_(loop, entry, events);
}

void co_fds_init_(struct co_loop *loop)
{
    loop->pause.fire = pause_over;
}

void co_fds_free_(struct co_loop *loop)
{
    co_timer_stop(&loop->pause);
    for (int fd = 0; fd < loop->fd_room; fd++)
        co_fd_forget_(fd);
    for (int fd = 0; fd < loop->fd_room; fd += FD_BLOCK)
        free(loop->fds[fd]);
    free(loop->fds);
}

/* ---- Plain calls ----------------------------------------------------------------------------- */

void co_fd_forget_(int fd)
{
    struct co_fd_entry_ *entry = co_fd_find_(co_loop_this_, fd);

    if (entry && entry->known)
        co_fd_gone_(co_loop_this_, entry);
}

int co_fd_close(int fd)
{
    struct co_loop *loop = co_loop_this_;

    co_fd_forget_(fd);
    if (close(fd) < 0 && errno == EBADF)
        return -EBADF;
    if (loop && loop->paused)       /* an fd to spare: the listeners need not wait any longer */
        (void)co_timer_start(&loop->pause, 0);
    return 0;
}

int co_fd_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL), close_flags = fcntl(fd, F_GETFD);

    if (flags < 0 || close_flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0
        || fcntl(fd, F_SETFD, close_flags | FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

enum co_take_back co_fd_take_back_(struct co_task *task)
{
    (void)entry_leave(co_loop_this_, task->object, fd_wait_of(task)->direction);
    return CO_TAKEN;
}

/* The buffer of the op lies near the C stack, below the frame of co_loop_run. If it lies on it, it
 * is gone when the body returns, and the op would write into another body's locals. */
static CO_ATTRIBUTE_(cold, noinline) co_op buffer_check(const struct co_loop *loop,
                                                        const struct co_task *task)
{
#if defined __GNUC__ && !defined __TINYC__
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    if ((uintptr_t)task->in.io.data > here && here < loop->stack)
        return co_op_misused_(task->wait->name, "() has to wait, and its buffer lies on the C "
                              "stack, which is gone when the await suspends: make it a member of "
                              "the frame");
#endif
    (void)loop, (void)task;
    return co_wait();
}

/* Begins the op of [task]: nothing stands in its way. Always inline, which saves 19 of the 1,093
 * instructions of an echoed request. */
CO_ATTRIBUTE_(always_inline)
static inline co_op fd_begin(struct co_loop *loop, struct co_task *task,
                             struct co_fd_entry_ *entry, const struct co_fd_wait *wait,
                             const void *data, size_t size)
{
    struct co_fd_op op = { (void *)(uintptr_t)data, size, 0, 0 };
    intptr_t result = -EAGAIN;

    if (wait->attempt && (wait->direction == CO_FD_WRITE || !entry->drained || size == 0))
        result = fd_attempt(loop, wait->attempt, entry->fd, wait->direction, &op);
    if (wait->direction == CO_FD_READ)
        entry->drained = op.drained;
    if (result != -EAGAIN && result != CO_FD_PAUSE_)
        return co_op_done(result);
    entry->task[wait->direction] = task;
    task->wait = &wait->wait;
    task->object = entry;
    task->step = CO_TASK_WAITING_;
    task->in.io.data = op.data;
    task->in.io.size = size;
    task->chain.result = (intptr_t)op.done;
    loop->waiting++;
    entry_wait(loop, entry, wait->direction, result);
    if (CO_RARELY_(loop->sim != NULL))
        co_task_point_(task);
    if (CO_RARELY_(loop->stack - (uintptr_t)task->in.io.data < STACK_SIZE))
        return buffer_check(loop, task);
    return co_wait();
}

/* Where something may stand in the way. */
static CO_ATTRIBUTE_(cold, noinline) co_op fd_check_first(int fd, const struct co_fd_wait *wait,
                                                          const void *data, size_t size)
{
    struct co_fd_entry_ *entry;
    int error;

    if (co_op_take_cancel(wait->wait.name))
        return co_done(-ECANCELED);
    error = fd_take(co_loop_this_, fd, &entry);
    if (error < 0)
        return co_op_done(error);
    if (entry->known == CO_FD_BLOCKS_ && wait->blocks)
        return co_op_misused_(wait->wait.name, "() of a blocking fd would stop the whole loop: "
                              "call co_fd_nonblock() for it first, or for stdin and terminals "
                              "await co_readable() and then read()");
    if (entry->task[wait->direction])
        return co_op_done(-EBUSY);
    return fd_begin(co_loop_this_, co_current(), entry, wait, data, size);
}

co_op co_fd_(int fd, const struct co_fd_wait *wait, const void *data, size_t size)
{
    struct co_loop *loop = co_loop_this_;
    struct co_fd_entry_ *entry = co_fd_find_(loop, fd);
    struct co_task *task = entry ? co_task_unasked_(&loop->scheduler) : NULL;

    if (!task || entry->known != CO_FD_NONBLOCK_ || entry->task[wait->direction])
        return fd_check_first(fd, wait, data, size);
    return fd_begin(loop, task, entry, wait, data, size);
}

static intptr_t read_try(int fd, struct co_fd_op *op)
{
    ssize_t n = read(fd, op->data, op->size);

    op->drained = n != (ssize_t)op->size;
    return co_fd_result_(n);
}

static intptr_t write_try(int fd, struct co_fd_op *op)
{
    return co_fd_result_(write(fd, op->data, op->size));
}

co_op co_readable(int fd)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_readable", CO_FD_READ, NULL);

    return co_fd_(fd, &wait, NULL, 0);
}

co_op co_writable(int fd)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_writable", CO_FD_WRITE, NULL);

    return co_fd_(fd, &wait, NULL, 0);
}

co_op co_read(int fd, void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_NONBLOCK_("co_read", CO_FD_READ, read_try);

    return co_fd_(fd, &wait, buf, size);
}

co_op co_write(int fd, const void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_NONBLOCK_("co_write", CO_FD_WRITE, write_try);

    return co_fd_(fd, &wait, buf, size);
}
