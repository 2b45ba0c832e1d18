/* SPDX-License-Identifier: BSD-2-Clause
 * loop_impl.h: private: what the files of the loop share, and the border of its backend. It is not
 * installed.
 *
 *     loop.c         life, turns, posts, co_main
 *     loop_fd.c      the table of fds: who waits on which, and the ops on them
 *     loop_ev.c      the backend that stands on libev
 *     loop_dump.c    co_loop_dump: what each task awaits
 *     loop_sim.c     virtual time and faults for tests; linked only where a test asks for them
 *     thread.c, process.c, trial.c    use some of the calls below: posts, parts, signals
 *
 * To add a backend, read the next two sections, write one file with a struct co_backend_, as
 * loop_ev.c does, name it in LOOP_C of the Makefile, and let co_loop_new choose it. One thing does
 * not pass the border yet: co_signal in process.c stands on libev's own watchers. */
#ifndef CO_LOOP_IMPL_H
#define CO_LOOP_IMPL_H

#include "loop.h"

#include <pthread.h>
#include <sys/types.h>

#ifdef __GNUC__                 /* in a shared library, these names are not seen from outside */
#pragma GCC visibility push(hidden)
#endif

/* ---- The border: what the loop asks of a backend ------------------------------------------------
 * A backend waits for time and for fds, and says what came. It knows no tasks and no ops: an op
 * tries its system call first, and only when that would block is the backend asked to watch the fd.
 *
 * The watch stays armed between awaits, so that a busy fd costs no system call besides its reads
 * and writes; the loop disarms it when an event finds nobody who waits. Readiness may be reported
 * by level or by edge, and an event too many does no harm: the op tries again, or (co_readable,
 * co_writable) returns too early, as loop.h allows. An event too few hangs a task: a backend that
 * reports by edge must, at each arm(), report at once what is ready already.
 *
 * A backend that completes ops itself (io_uring) fits in as far as it polls. To hand it the ops as
 * well, there are two places in loop_fd.c: fd_begin, where an op that would block begins to wait,
 * and co_fd_take_back_, where a cancel takes the wait back, which it must not do as long as the
 * kernel still owns the buffer. */

/* An event of an fd, for CO_FD_READ or CO_FD_WRITE: 1 or 2; masks of events are 0 to 3. */
#define CO_FD_EVENT_(direction) (1 << (direction))

/* What the loop knows of an fd. A backend puts it first in a struct of its own, whose other members
 * are zero at first; it stays at its address until the loop is freed. */
struct co_fd_entry_ {
    struct co_task *task[2];    /* who waits, by direction; NULL: nobody */
    int fd;
    uint8_t armed;              /* the events that the backend watches for: the backend sets it */
    uint8_t known;              /* enum co_fd_known_: it was checked since it was opened */
    uint8_t is_paused;          /* a listener that waits for an fd to spare */
    uint8_t drained;            /* the last read was short: the next one waits first */
};

struct co_backend_ {
    /* Of its own structs, which begin with a struct co_loop and with a struct co_fd_entry_. */
    size_t loop_size, entry_size;

    /* Makes what it needs, and begins to watch loop->posts[0]. 0, or negative errno: then close()
     * is not called. */
    int (*open)(struct co_loop *loop, const struct co_loop_options *options);

    /* Gives it all back. No task is left, and every fd has been forgotten. */
    void (*close)(struct co_loop *loop);

    /* Runs rounds until co_loop_next_ says that it is over, or until nothing is alive any more. One
     * round is co_loop_turn_, co_loop_next_, a wait until then or until an event, and the telling
     * of what came. Returns 0 if it left because nothing was alive, else 1. */
    int (*run)(struct co_loop *loop);

    /* Watches [entry]'s fd for [events] and for nothing else from now on; 0 disarms it. It sets
     * entry->armed, and cannot fail: what the kernel refuses is told later, by co_fd_gone_. */
    void (*arm)(struct co_loop *loop, struct co_fd_entry_ *entry, int events);

    /* The number of [entry] names another file from now on, or none: nothing that came for the old
     * one, and is not told yet, may be told any more. It is disarmed. */
    void (*forget)(struct co_loop *loop, struct co_fd_entry_ *entry);

    /* This process is the child of a fork(): nothing in the kernel may be shared with the parent.
     * What was armed stays armed. */
    void (*fork)(struct co_loop *loop);

    /* Watches for SIGINT, once, or no longer; co_loop_interrupt_ is how it is told. */
    void (*sigint)(struct co_loop *loop, int on);
};

extern const struct co_backend_ co_backend_ev_;

/* ---- The border: what a backend tells the loop --------------------------------------------------
 * All in the loop's thread, and none from inside a call of the table above, but run(). */

/* Runs one turn: timers that are due, and each task that is ready. Before each wait. */
void co_loop_turn_(struct co_loop *loop);

/* Directly before the wait, behind all else that might wake a task: what to do now. */
struct co_next_ {
    int64_t until;      /* wait until co_loop_now_() is this; 0: only look; INT64_MAX: no timer */
    uint8_t alive;      /* something that was waited for can still come; 0: leave the run, unless
                         * somebody else has watchers in the backend */
    uint8_t over;       /* the run is over: leave it without a wait */
};
struct co_next_ co_loop_next_(struct co_loop *loop);

/* It has waited until [until], a time that co_loop_next_ gave. */
void co_loop_slept_(struct co_loop *loop, int64_t until);

/* These [events] of the fd came. Tasks are made ready; none runs before the next turn. */
void co_fd_event_(struct co_loop *loop, struct co_fd_entry_ *entry, int events);

/* The fd was closed by close() and not by co_fd_close(): who waits on it gets -EBADF. */
void co_fd_gone_(struct co_loop *loop, struct co_fd_entry_ *entry);

/* loop->posts[0] can be read. */
void co_loop_posted_(struct co_loop *loop);

/* The backend learned, other than by its fork(), that this process is a child. */
void co_loop_forked_(struct co_loop *loop);

/* SIGINT came. */
void co_loop_interrupt_(struct co_loop *loop);

/* ---- The loop -------------------------------------------------------------------------------- */

struct co_loop {
    struct co_driver driver;
    struct co_scheduler scheduler;
    const struct co_backend_ *backend;
    struct ev_loop *ev;         /* co_loop_ev(); the backend sets it in open() */
    int rides;                  /* on an ev_loop of the user's, who runs it */
    int running, stopped;       /* in co_loop_run; to be left */
    uintptr_t stack;            /* bodies run below this on the C stack; 0: nobody knows */
    int draining;               /* all that is left is being cancelled */
    unsigned waiting;           /* tasks that wait for fds and signals, and references */
    unsigned outside;           /* of these, those for what takes real time: threads, children */
    struct co_fd_entry_ **fds;  /* by number; NULL: nobody ever waited near this one */
    int fd_room;
    struct co_task *paused;     /* ring of the tasks that wait for an fd to spare */
    struct co_timer pause;
    int posts[2];               /* a pipe of struct post; -1: lost in a fork */
    pid_t pid;                  /* whose pipe that is */
    struct co_task *main_task;  /* what SIGINT cancels; NULL: it has ended */
    intptr_t main_result;       /* of the main task, once it has ended */
    int main_is_ours;           /* to be freed: it was not detached */
    int main_begun;             /* made by co_main, which has not yet run its task */
    struct co_loop_part_ *parts;
    struct co_sim_ *sim;        /* of a loop under test; else NULL */
};

extern __thread struct co_loop *co_loop_this_;      /* this thread's, or NULL */

int64_t co_loop_now_(const struct co_loop *loop);   /* its clock, virtual or not, in nanoseconds */

/* One more that waits, or one less, for something that this process does itself: a signal. Under
 * virtual_time the clock does not stand still for it, as it does for co_loop_ref. */
void co_loop_waits_(struct co_loop *loop, int more);
void co_loop_outside_(int more);        /* the other way round: a child works, or no longer */

/* Notes where the C stack stands: who calls this then enters bodies, or returns to one who does. */
void co_loop_stack_(struct co_loop *loop);

/* CO_DEBUG: a crash tells which coroutine ran, while there is a loop. */
void co_loop_tell_crashes_(void);
void co_loop_tell_no_crashes_(void);

/* As co_loop_post, but waits while there is no room. Not for the loop's own thread. */
void co_loop_post_always_(struct co_loop *loop, void (*fn)(void *), void *arg);

/* In thread.c: starts a thread that no signal reaches, for signals are for the thread of the loop.
 * 0, or negative errno. */
int co_thread_make_(pthread_t *thread, void *(*fn)(void *), void *arg);

/* libev allows each signal in one loop only: this one, until it is freed. 0, or -EBUSY. */
int co_loop_signal_take_(struct co_loop *loop, int signo);
void co_loop_sigint_stop_(struct co_loop *loop);        /* SIGINT no longer cancels main_task */

/* For trial.c: a test has left co_loop_run by longjmp. This thread has no loop any more, and what
 * was in it is lost. */
void co_loop_abandon_(struct co_loop *loop);

/* What another file keeps with a loop: found by [leave], which co_loop_free calls; made, zeroed, if
 * there is none and [size] is not 0. [size] includes this head. NULL: none, or no memory. */
struct co_loop_part_ {
    void (*leave)(struct co_loop_part_ *);
    struct co_loop_part_ *next;
};
struct co_loop_part_ *co_loop_part_(struct co_loop *loop, void (*leave)(struct co_loop_part_ *),
                                    size_t size);

/* ---- Fds ------------------------------------------------------------------------------------- */

enum co_fd_known_ { CO_FD_UNKNOWN_, CO_FD_BLOCKS_, CO_FD_NONBLOCK_ };

/* The entry of [fd], or NULL if there is none. */
static inline struct co_fd_entry_ *co_fd_find_(const struct co_loop *loop, int fd)
{
    return loop && (unsigned)fd < (unsigned)loop->fd_room ? loop->fds[fd] : NULL;
}

/* Hands [events] to those who wait; and the same for one direction, whose task must wait. */
void co_fd_handle_(struct co_loop *loop, struct co_fd_entry_ *entry, int events);
void co_fd_retry_(struct co_loop *loop, struct co_fd_entry_ *entry, int direction);

void co_fds_init_(struct co_loop *loop);
void co_fds_free_(struct co_loop *loop);

/* ---- Simulation ---------------------------------------------------------------------------------
 * A loop under test has this table, which loop_sim.c fills; every other loop has NULL, and pays one
 * branch. The loop calls nothing of loop_sim.c by name, so that a program can be linked without. */
struct co_sim_ {
    /* The time; negative: what the real clock says. */
    int64_t (*clock)(const struct co_sim_ *);
    /* Whether the call that comes next, which may fail, is to fail. */
    int (*fails)(struct co_sim_ *);
    /* No such call will succeed any more. */
    int (*starves)(const struct co_sim_ *);
    /* The driver's resize is called with this. */
    void (*resized)(struct co_sim_ *, const void *old, size_t size);
    /* Instead of attempt(fd, op). */
    intptr_t (*attempt)(struct co_sim_ *, co_fd_try *attempt, int fd, int direction,
                        struct co_fd_op *op);
    /* [events] came: 1 if it keeps them, to hand them on before the next turn. */
    int (*event)(struct co_sim_ *, struct co_fd_entry_ *entry, int events);
    /* Before a turn. */
    void (*turn)(struct co_sim_ *);
    /* Until when to wait, where the next timer is at [next]; *stuck: nothing can ever come. */
    int64_t (*next)(struct co_sim_ *, int64_t next, int *stuck);
    /* The backend has waited until then. */
    void (*slept)(struct co_sim_ *, int64_t until);
    void (*free)(struct co_sim_ *);
};

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
