/* SPDX-License-Identifier: BSD-2-Clause
 * loop_fd.h: a part of loop.c, which alone includes it: what the loop knows of fds, who waits on
 * them, and the ops: co_fd_ and what stands on it. */

/* What the loop knows of an fd. The watcher stays armed between awaits; it is stopped when an event
 * finds no task. So a request costs no epoll_ctl. */
struct fd_entry {
    ev_io io;                   /* of both directions */
    struct co_task *task[2];       /* who waits, CO_FD_READ and CO_FD_WRITE; NULL: nobody */
    unsigned polls;             /* libev's count of polls when the watcher changed last */
    uint8_t known;              /* checked since it was opened */
    uint8_t is_changed;         /* in the loop's list */
    uint8_t is_paused;          /* a listener that waits for an fd to spare */
    uint8_t drained;            /* the last read was short: wait first, then read */
};
enum { FD_BLOCK = 32 };         /* entries come in blocks, for libev holds their addresses */

/* ---- The fd table ---------------------------------------------------------------------------- */

/* The entry of [fd], or NULL if there is none. */
static inline struct fd_entry *fd_find(struct co_loop *loop, int fd)
{
    unsigned at = (unsigned)fd;
    struct fd_entry *block = loop && at < (unsigned)loop->fd_room ? loop->fds[at / FD_BLOCK] : NULL;

    return block ? &block[at % FD_BLOCK] : NULL;
}

/* Room for the entry of [fd]: it, or NULL: no memory. */
static struct fd_entry *fd_grow(struct co_loop *loop, int fd)
{
    int room = loop->fd_room ? loop->fd_room : FD_BLOCK, blocks = loop->fd_room / FD_BLOCK;
    struct fd_entry **fds;
    int *changed;

    while (room <= fd)
        room *= 2;
    if (room > loop->fd_room) {
        if (co_loop_fails(ENOMEM)
            || !(fds = realloc(loop->fds, (size_t)(room / FD_BLOCK) * sizeof *fds)))
            return NULL;
        loop->fds = fds;
        if (co_loop_fails(ENOMEM)
            || !(changed = realloc(loop->changed, (size_t)room * sizeof *changed)))
            return NULL;
        loop->changed = changed;
        memset(fds + blocks, 0, (size_t)(room / FD_BLOCK - blocks) * sizeof *fds);
        loop->fd_room = room;
    }
    if (!loop->fds[fd / FD_BLOCK] && !co_loop_fails(ENOMEM))
        loop->fds[fd / FD_BLOCK] = calloc(FD_BLOCK, sizeof(struct fd_entry));
    return fd_find(loop, fd);
}

/* What libev would abort on, or report as ready for ever, is refused here. */
static int fd_check(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -EBADF;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? -EPERM : 0;
}

static void fd_event(struct ev_loop *ev, ev_io *io, int revents);

/* Makes the entry of [fd], if need be, and checks the fd once in its life. */
static int fd_take(struct co_loop *loop, int fd, struct fd_entry **taken)
{
    struct fd_entry *entry = fd_find(loop, fd);
    int error;

    *taken = entry;
    if (entry && entry->known)
        return 0;
    error = fd_check(fd);
    if (error < 0)
        return error;
    if (!entry && !(entry = fd_grow(loop, fd)))
        return -ENOMEM;
    ev_io_init(&entry->io, fd_event, fd, EV_READ);
    entry->known = 1;
    entry->drained = 0;
    *taken = entry;
    return 0;
}

static int entry_armed(const struct fd_entry *entry)
{
    return ev_is_active(&entry->io) ? entry->io.events & (EV_READ | EV_WRITE) : 0;
}

/* Watches for [events] from now on. The watchers hold no reference: what keeps the loop alive is
 * counted in loop->waiting. */
static void entry_arm(struct co_loop *loop, struct fd_entry *entry, int events)
{
    int armed = entry_armed(entry);

    if (armed == events)
        return;
    if (armed) {
        ev_ref(loop->ev);
        ev_io_stop(loop->ev, &entry->io);
    }
    if (!events)
        return;
    ev_io_modify(&entry->io, events);
    ev_io_start(loop->ev, &entry->io);
    ev_unref(loop->ev);
    entry->polls = ev_iteration(loop->ev);
    if (!entry->is_changed) {
        entry->is_changed = 1;
        loop->changed[loop->changes++] = entry->io.fd;
    }
}

static int event_of(int direction)
{
    return direction == CO_FD_READ ? EV_READ : EV_WRITE;
}

/* Nobody waits any longer. A fd that can be written would be reported at each poll. */
static struct co_task *entry_leave(struct co_loop *loop, struct fd_entry *entry, int direction)
{
    struct co_task *task = entry->task[direction];

    entry->task[direction] = NULL;
    loop->waiting--;
    if (direction == CO_FD_WRITE) {
        entry_arm(loop, entry, entry_armed(entry) & ~EV_WRITE);
    } else if (entry->is_paused) {
        entry->is_paused = 0;
        co_ring_remove(&loop->paused, task);
    }
    return task;
}

static void entry_pause(struct co_loop *loop, struct fd_entry *entry)
{
    entry_arm(loop, entry, entry_armed(entry) & ~EV_READ);
    entry->is_paused = 1;
    co_ring_add(&loop->paused, entry->task[CO_FD_READ]);
    if (!loop->pause.place && !(loop->sim && sim_starves(loop->sim)))
        /* without memory for a timer: at the next co_fd_close */
        (void)co_timer_start(&loop->pause, clock_ns(&loop->driver) + PAUSE_NS);
}

/* The op of the waiting task, whose parts lie in the task: what it does, and how much is done. */
static const struct co_fd_wait *fd_wait_of(const struct co_task *task)
{
    return (const struct co_fd_wait *)(const void *)task->wait;
}

/* Waits (on) for an event, after an attempt that gave [result], -EAGAIN or CO_FD_PAUSE_. */
static inline void entry_wait(struct co_loop *loop, struct fd_entry *entry, int direction,
                              intptr_t result)
{
    int armed = entry_armed(entry);

    if (result == CO_FD_PAUSE_)
        entry_pause(loop, entry);
    else if (!(armed & event_of(direction)))
        entry_arm(loop, entry, armed | event_of(direction));
}

static inline intptr_t fd_attempt(struct co_loop *loop, co_fd_try *attempt, int fd, int direction,
                                  struct co_fd_op *op)
{
    return CO_RARELY_(loop->sim != NULL) ? sim_attempt(loop->sim, attempt, fd, direction, op)
                                         : attempt(fd, op);
}

/* Tries the op of the task that waits: it ends, or goes on waiting, or pauses. */
static void entry_try(struct co_loop *loop, struct fd_entry *entry, int direction)
{
    struct co_task *task = entry->task[direction];
    struct co_fd_op op = { task->in.io.data, task->in.io.size, (size_t)task->chain.result, 0 };
    co_fd_try *attempt = fd_wait_of(task)->attempt;
    intptr_t result = attempt ? fd_attempt(loop, attempt, entry->io.fd, direction, &op) : 0;

    if (direction == CO_FD_READ)
        entry->drained = op.drained;
    if (result != -EAGAIN && result != CO_FD_PAUSE_) {
        co_wake(entry_leave(loop, entry, direction), result);
        return;
    }
    task->chain.result = (intptr_t)op.done;
    entry_wait(loop, entry, direction, result);
}

static void pause_over(struct co_timer *timer)
{
    struct co_loop *loop = CONTAINER(timer, struct co_loop, pause);
    struct co_task *paused = loop->paused;

    loop->paused = NULL;
    while (paused) {
        struct co_task *task = paused;
        struct fd_entry *entry = task->object;

        co_ring_remove(&paused, task);
        task->in.io.data = NULL;    /* where the link was */
        task->in.io.size = 0;
        entry->is_paused = 0;
        entry_try(loop, entry, CO_FD_READ);
    }
}

/* From now on the number names another file, or none. */
static void entry_forget(struct co_loop *loop, struct fd_entry *entry)
{
    entry->known = 0;
    entry_arm(loop, entry, 0);
    for (int i = 0; i < 2; i++)
        if (entry->task[i])
            co_wake(entry_leave(loop, entry, i), -EBADF);
}

static void entry_event(struct co_loop *loop, struct fd_entry *entry, int revents)
{
    for (int i = 0; i < 2; i++) {
        if (!(revents & event_of(i)))
            continue;
        if (entry->task[i])
            entry_try(loop, entry, i);
        else
            entry_arm(loop, entry, entry_armed(entry) & ~event_of(i));
    }
}

static void fd_event(struct ev_loop *ev, ev_io *io, int revents)
{
    struct fd_entry *entry = CONTAINER(io, struct fd_entry, io);

    if (revents & EV_ERROR) {       /* libev found the fd closed, and has stopped the watcher */
        ev_ref(ev);
        entry_forget(loop_, entry);
    } else if (!loop_->sim || !sim_event(loop_->sim, entry, revents)) {
        entry_event(loop_, entry, revents);
    }
}

static void entry_check(struct co_loop *loop, struct fd_entry *entry)
{
    if (entry_armed(entry) && fcntl(entry->io.fd, F_GETFD) < 0)
        entry_forget(loop, entry);
}

/* Just before libev looks at fds: one that was closed meanwhile, by close() rather than
 * co_fd_close(), would make it abort. It looks at those whose watchers changed since the last poll;
 * with poll(), and when it builds its kernel state anew, at all. */
static void changed_check(struct co_loop *loop)
{
    unsigned polls = ev_iteration(loop->ev);
    int kept = 0;

    for (int i = 0; i < loop->changes; i++) {
        struct fd_entry *entry = fd_find(loop, loop->changed[i]);

        if (entry->polls == polls) {
            entry_check(loop, entry);
            loop->changed[kept++] = loop->changed[i];
        } else {
            entry->is_changed = 0;
        }
    }
    loop->changes = kept;
    if (loop->all_changed || ev_backend(loop->ev) == EVBACKEND_POLL)
        for (int fd = 0; fd < loop->fd_room; fd++)
            if (fd_find(loop, fd))
                entry_check(loop, fd_find(loop, fd));
    loop->all_changed = 0;
}

void co_fd_forget_(int fd)
{
    struct fd_entry *entry = fd_find(loop_, fd);

    if (entry && entry->known)
        entry_forget(loop_, entry);
}

int co_fd_close(int fd)
{
    co_fd_forget_(fd);
    if (close(fd) < 0 && errno == EBADF)
        return -EBADF;
    if (loop_ && loop_->paused)     /* an fd to spare: the listeners need not wait any longer */
        (void)co_timer_start(&loop_->pause, 0);
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

/* ---- Ops on fds ------------------------------------------------------------------------------ */

enum co_take_back co_fd_take_back_(struct co_task *task)
{
    (void)entry_leave(loop_, task->object, fd_wait_of(task)->direction);
    return CO_TAKEN;
}

/* Begins the op of [task]: nothing stands in its way. */
static inline co_op fd_begin(struct co_loop *loop, struct co_task *task, struct fd_entry *entry,
                             const struct co_fd_wait *wait, const void *data, size_t size)
{
    struct co_fd_op op = { (void *)(uintptr_t)data, size, 0, 0 };
    intptr_t result = -EAGAIN;

    if (wait->attempt && (wait->direction == CO_FD_WRITE || !entry->drained || size == 0))
        result = fd_attempt(loop, wait->attempt, entry->io.fd, wait->direction, &op);
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
    return co_wait();
}

/* Where something may stand in the way. */
static CO_ATTRIBUTE_(cold, noinline) co_op fd_check_first(int fd, const struct co_fd_wait *wait,
                                                          const void *data, size_t size)
{
    struct fd_entry *entry;
    int error;

    if (co_op_take_cancel(wait->wait.name))
        return co_done(-ECANCELED);
    error = fd_take(loop_, fd, &entry);
    if (error < 0)
        return co_op_done(error);
    if (entry->task[wait->direction])
        return co_op_done(-EBUSY);
    return fd_begin(loop_, co_current(), entry, wait, data, size);
}

co_op co_fd_(int fd, const struct co_fd_wait *wait, const void *data, size_t size)
{
    struct co_loop *loop = loop_;
    struct fd_entry *entry = fd_find(loop, fd);
    struct co_task *task = entry ? co_task_unasked_(&loop->scheduler) : NULL;

    if (!task || !entry->known || entry->task[wait->direction])
        return fd_check_first(fd, wait, data, size);
    return fd_begin(loop, task, entry, wait, data, size);
}

/* A result of read() and its like: negative errno, or -EAGAIN to wait on. */
static intptr_t fd_result(ssize_t n)
{
    return n >= 0 ? n : errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}

static intptr_t read_try(int fd, struct co_fd_op *op)
{
    ssize_t n = read(fd, op->data, op->size);

    op->drained = n != (ssize_t)op->size;
    return fd_result(n);
}

static intptr_t write_try(int fd, struct co_fd_op *op)
{
    return fd_result(write(fd, op->data, op->size));
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
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_read", CO_FD_READ, read_try);

    return co_fd_(fd, &wait, buf, size);
}

co_op co_write(int fd, const void *buf, size_t size)
{
    static const struct co_fd_wait wait = CO_FD_WAIT_("co_write", CO_FD_WRITE, write_try);

    return co_fd_(fd, &wait, buf, size);
}
