/* SPDX-License-Identifier: BSD-2-Clause
 * parts.c: what the program has of its own. It knows nothing of the library. */
#include "group.h"
#include "loop.h"
#include "net.h"
#include "process.h"
#include "stream.h"
#include "sync.h"
#include "task.h"
#include "thread.h"

#include <stddef.h>

/* ---- task.h ---------------------------------------------------------------------------------- */

static struct task *running;

void scheduler_init(struct scheduler *scheduler) { scheduler->first = NULL, scheduler->turns = 0; }
void scheduler_run(struct scheduler *scheduler)
{
    scheduler->turns++;
    for (running = scheduler->first; running; running = running->next)
        running->runs++;
}
void task_init(struct task *task) { task->next = NULL, task->runs = 0; }
int task_spawn(struct scheduler *scheduler, struct task *task)
{
    task_init(task);
    return task_go(scheduler, task);
}
int task_go(struct scheduler *scheduler, struct task *task)
{
    task->next = scheduler->first;
    scheduler->first = task;
    return 1;
}
void task_free(struct task *task) { task->next = NULL; }
void task_wake(struct task *task) { task->runs++; }
int task_cancel(struct task *task) { return task->runs = -1; }
int task_done(const struct task *task) { return task->runs > 0; }
enum task_state task_state(const struct task *task)
{
    return task->runs ? TASK_STARTED : TASK_STOPPED;
}
int task_result(const struct task *task) { return task->runs; }
const char *task_name(const struct task *task) { return task->runs ? "mine, run" : "mine"; }
struct task *task_next(const struct task *task) { return task->next; }
struct task *task_current(void) { return running; }

/* ---- sync.h ---------------------------------------------------------------------------------- */

#if !defined USE_LIBEVENT && !defined USE_EMULATION
void event_init(struct event *event) { event->set = 0; }
void event_set(struct event *event) { event->set++; }
void event_clear(struct event *event) { event->set = 0; }
void event_free(struct event *event) { event->set = -1; }
#endif
void lock_init(struct lock *lock) { lock->held = 0; }
int lock_acquire(struct lock *lock) { return lock->held++; }
int lock_release(struct lock *lock) { return --lock->held; }
void lock_free(struct lock *lock) { lock->held = -1; }
void semaphore_init(struct semaphore *semaphore, int count) { semaphore->count = count; }
int semaphore_release(struct semaphore *semaphore) { return ++semaphore->count; }
void semaphore_free(struct semaphore *semaphore) { semaphore->count = -1; }
void condition_init(struct condition *condition) { condition->notified = 0; }
int condition_notify(struct condition *condition) { return ++condition->notified; }
int condition_notify_all(struct condition *condition) { return condition->notified += 10; }
void condition_free(struct condition *condition) { condition->notified = -1; }
void barrier_init(struct barrier *barrier, int parties) { barrier->parties = parties; }
int barrier_abort(struct barrier *barrier) { return barrier->parties = 0; }
void barrier_free(struct barrier *barrier) { barrier->parties = -1; }
void queue_init(struct queue *queue) { queue->first = queue->count = 0; }
int queue_put(struct queue *queue, int item)
{
    if (queue->count == 8)
        return -1;
    queue->items[(queue->first + queue->count++) % 8] = item;
    return queue->count;
}
int queue_get(struct queue *queue)
{
    int item = queue->items[queue->first];

    if (queue->count == 0)
        return -1;
    queue->first = (queue->first + 1) % 8;
    queue->count--;
    return item;
}
int queue_close(struct queue *queue) { return queue->count; }
void queue_free(struct queue *queue) { queue->count = 0; }

/* ---- loop.h, group.h, thread.h --------------------------------------------------------------- */

static struct loop the_loop;

struct loop *loop_new(void) { return scheduler_init(&the_loop.scheduler), &the_loop; }
int loop_run(struct loop *loop) { return scheduler_run(&loop->scheduler), loop->scheduler.turns; }
void loop_stop(struct loop *loop) { loop->stopped = 1; }
void loop_free(struct loop *loop) { loop->stopped = -1; }
int loop_main(void) { return 42; }
double loop_time(void) { return 43; }
int loop_post(struct loop *loop, void (*fn)(void *), void *arg) { return fn(arg), loop->stopped; }
int loop_dump(const struct loop *loop) { return loop->scheduler.turns; }
int loop_threads(int n) { return n; }
int thread_limit(int limit) { return limit; }
void group_init(struct group *group) { group->members = 0; }
int group_go(struct group *group) { return ++group->members; }
int group_cancel(struct group *group) { return group->members = 0; }

/* ---- net.h, stream.h, process.h -------------------------------------------------------------- */

int net_open(struct net *net) { return net->up = 1; }
int tcp_listen(int port) { return port; }
int tcp_port(int fd) { return fd; }
int udp_open(int port) { return port; }
int unix_listen(const char *path) { return path != NULL; }
int datagram_to(struct datagram *datagram, const char *host)
{
    return datagram->size + (host != NULL);
}
int fd_close(int fd) { return fd; }
int fd_nonblock(int fd) { return fd; }
int fd_pipe(int fds[2]) { return fds[0] = fds[1] = 7; }
int resolve_free(void *found) { return found == NULL; }
void stream_init(struct stream *stream) { stream->position = 0; }
int stream_write(struct stream *stream, int bytes) { return stream->position += bytes; }
int stream_output(const struct stream *stream) { return stream->position; }
int process_spawn(struct process *process) { return process->alive = 1; }
int process_kill(struct process *process) { return process->alive = 0; }
void process_close(struct process *process) { process->number = -1; }
