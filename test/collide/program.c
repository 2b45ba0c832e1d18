/* SPDX-License-Identifier: BSD-2-Clause
 * program.c: a program that has a task, a queue, a loop ... of its own, in headers that are called
 * as those of the library are, and uses the library as well; ../collide.sh builds and runs it.
 *
 * USE_LIBEVENT    it uses libevent, too
 * USE_EMULATION   or libev, under libevent's names
 * OURS_FIRST      the library's headers come before its own
 * QUOTED          they are "duffel/task.h", in a folder beside it; SINGLE: they are <duffel.h> */
#include "macros.h"
#ifndef OURS_FIRST
#include "own.h"
#endif
#ifdef SINGLE
#include <duffel.h>
#elif defined QUOTED
#include "duffel/coro.h"
#include "duffel/group.h"
#include "duffel/isr.h"
#include "duffel/loop.h"
#include "duffel/net.h"
#include "duffel/process.h"
#include "duffel/stream.h"
#include "duffel/sync.h"
#include "duffel/task.h"
#include "duffel/thread.h"
#include "duffel/trial.h"
#else
#include <duffel/coro.h>
#include <duffel/group.h>
#include <duffel/isr.h>
#include <duffel/loop.h>
#include <duffel/net.h>
#include <duffel/process.h>
#include <duffel/stream.h>
#include <duffel/sync.h>
#include <duffel/task.h>
#include <duffel/thread.h>
#include <duffel/trial.h>
#endif
#include "own.h"

#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                                                         \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
            failed = 1;                                                                           \
        }                                                                                         \
    } while (0)
static int failed;

/* ---- Its own --------------------------------------------------------------------------------- */

static struct queue own_queue;

static void own_things_work(void)
{
    struct loop *loop = loop_new();
    struct task task;
    struct lock lock;
    struct semaphore semaphore;
    struct condition condition;
    struct barrier barrier;
    struct process process = { 1, 0 };
    struct stream stream;
    struct datagram datagram = { "", 4 };
    struct completed completed = { QUEUE_FIFO };
    struct group group;
    int fds[2];

    EXPECT(task_spawn(&loop->scheduler, &task) == 1);
    EXPECT(task_state(&task) == TASK_STOPPED && !task_done(&task));
    EXPECT(loop_run(loop) == 1 && task_result(&task) == 1 && task_state(&task) == TASK_STARTED);
    task_wake(&task);
    EXPECT(task.runs == 2 && task_cancel(&task) == -1 && !task_current());
    lock_init(&lock);
    EXPECT(lock_acquire(&lock) == 0 && lock_acquire(&lock) == 1 && lock_release(&lock) == 1);
    semaphore_init(&semaphore, 3);
    EXPECT(semaphore_release(&semaphore) == 4);
    condition_init(&condition);
    EXPECT(condition_notify(&condition) == 1 && condition_notify_all(&condition) == 11);
    barrier_init(&barrier, 2);
    EXPECT(barrier_abort(&barrier) == 0);
    EXPECT(process_spawn(&process) == 1 && process_kill(&process) == 0);
    stream_init(&stream);
    EXPECT(stream_write(&stream, 3) == 3 && stream_output(&stream) == 3);
    EXPECT(datagram_to(&datagram, "host") == 5 && completed.count == 20);
    group_init(&group);
    EXPECT(group_go(&group) == 1 && group_cancel(&group) == 0);
    EXPECT(fd_pipe(fds) == 7 && fd_close(fds[0]) == 7 && tcp_listen(80) == 80);
    EXPECT(loop_main() == 42 && loop_time() == 43 && loop_dump(loop) == 1 && thread_limit(2) == 2);
    loop_free(loop);
    queue_init(&own_queue);
    EXPECT(TASK_BUDGET == 17 && WAIT_ALL == 18);
}

/* ---- Events: its own, libevent's, or those of libev's emulation ------------------------------ */

#ifdef USE_LIBEVENT
struct other { struct event_base *base; struct event *event; int seen; };

static void other_seen(evutil_socket_t fd, short what, void *arg)
{
    EXPECT(fd >= 0 && what == EV_READ);
    ((struct other *)arg)->seen++;
}
static void other_begin(struct other *other, int fd)
{
    EXPECT(strcmp(event_get_version(), LIBEVENT_VERSION) == 0);
    other->base = event_base_new();
    other->event = event_new(other->base, fd, EV_READ, other_seen, other);
    EXPECT(event_add(other->event, NULL) == 0);
}
static void other_turn(struct other *other) { event_base_loop(other->base, EVLOOP_NONBLOCK); }
static void other_end(struct other *other)
{
    event_free(other->event);
    event_base_free(other->base);
}
#elif defined USE_EMULATION
struct other { struct event_base *base; struct event event; int seen; };

static void other_seen(int fd, short what, void *arg)
{
    EXPECT(fd >= 0 && what == EV_READ);
    ((struct other *)arg)->seen++;
}
static void other_begin(struct other *other, int fd)
{
    EXPECT(strcmp(event_get_method(), "libev") == 0);
    other->base = event_base_new();
    event_set(&other->event, fd, EV_READ, other_seen, other);
    EXPECT(event_base_set(other->base, &other->event) == 0);
    EXPECT(event_add(&other->event, NULL) == 0);
}
static void other_turn(struct other *other) { event_base_loop(other->base, EVRUN_NOWAIT); }
static void other_end(struct other *other) { event_base_free(other->base); }
#else
struct other { struct event event; int seen; };

static void other_begin(struct other *other, int fd) { (void)fd, event_init(&other->event); }
static void other_turn(struct other *other)
{
    event_set(&other->event);
    other->seen = other->event.set;
}
static void other_end(struct other *other)
{
    event_free(&other->event);
    EXPECT(other->event.set == -1);
}
#endif

/* ---- The library's --------------------------------------------------------------------------- */

struct talker { co_frame; int fd, i; };
static co_define(talker)
{
    co_begin;
    for (self->i = 1; self->i <= 3; self->i++) {
        co_try(co_sleep(0.001));
        co_try(co_send_all(self->fd, "duffel\n", 7));
    }
    co_end;
}

struct listener {
    co_frame;
    int fd;
    struct co_queue *lengths;
    intptr_t n;
    char *line, room[16];
    struct co_stream stream;
};
static co_define(listener)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->room, sizeof self->room);
    for (;;) {
        co_try(self->n, co_read_line(&self->stream, &self->line));
        if (self->n == 0)
            break;
        co_try(co_queue_put(self->lengths, &self->n));
    }
    co_finally;
    co_queue_shutdown(self->lengths);
    co_end;
}

static intptr_t doubled(void *arg) { return 2 * *(intptr_t *)arg; }

struct top {
    co_frame;
    int pair[2], wire[2];
    intptr_t n, sum, room[2];
    struct co_queue lengths;
    struct co_group group;
    struct co_within slot;
    struct co_task *talker;
    struct other other;
};
static co_define(top)
{
    co_begin;
    co_try(co_done(co_fd_pair(self->pair)));
    co_try(co_done(co_fd_pair(self->wire)));
    other_begin(&self->other, self->wire[0]);
    co_queue_init(&self->lengths, self->room, 2, sizeof self->room[0]);
    co_group_init(&self->group, NULL);
    co_try(co_done(co_group_go(&self->group, listener, .fd = self->pair[1],
                               .lengths = &self->lengths)));
    self->talker = co_spawn(talker, .fd = self->pair[0]);
    for (;;) {
        co_await(self->n, co_queue_get(&self->lengths, &self->sum));
        if (self->n == -EPIPE)
            break;
        EXPECT(queue_put(&own_queue, (int)self->sum) > 0);
        if (own_queue.count < 3)
            continue;
        co_try(co_join(self->talker));
        co_fd_close(self->pair[0]);
    }
    co_try(co_group_wait(&self->group));
    self->sum = queue_get(&own_queue) + queue_get(&own_queue) + queue_get(&own_queue);
    co_try(self->n, co_thread(doubled, &self->sum));
    EXPECT(self->n == 42);
    co_await(self->n, co_within(&self->slot, 0.001, co_readable(self->wire[0])));
    EXPECT(self->n == -ETIMEDOUT);
    other_turn(&self->other);
    co_try(co_send_all(self->wire[1], "x", 1));
    co_try(co_readable(self->wire[0]));
    while (!self->other.seen) {
        other_turn(&self->other);
        co_pause;
    }
    EXPECT(self->other.seen == 1);
    co_finally;
    other_end(&self->other);
    co_task_free(self->talker);
    co_fd_close(self->pair[1]);
    co_fd_close(self->wire[0]);
    co_fd_close(self->wire[1]);
    co_end;
}

int main(void)
{
    own_things_work();
    EXPECT(co_main(top) == 0);
    puts(failed ? "failed" : "both work");
    return failed;
}
