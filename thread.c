/* SPDX-License-Identifier: BSD-2-Clause
 * thread.c: the pool of threads behind co_thread, and a loop for each thread.
 *
 * A job is the waiting task itself, queued through its own link. While it waits nobody else touches
 * it, so the worker stores the result in it and then has it woken by a post to its loop. */
#define _GNU_SOURCE
#include "thread.h"
#include "loop_impl.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1024 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, ended;
    struct co_task *first, *last;   /* jobs that have not begun */
    unsigned idle, busy, count;     /* threads that wait for work; that run a job; in all */
    unsigned limit;                 /* as many jobs may run at once */
    unsigned loops;                 /* loops that use the pool */
    int ending;                     /* the last of them has left and joins the threads */
    pthread_t threads[THREADS_MAX];
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER,
           .ended = PTHREAD_COND_INITIALIZER, .limit = 16 };

static void job_done(void *arg)
{
    struct co_task *task = arg;

    co_loop_unref(co_loop_current());
    co_wake(task, task->chain.result);
}

static void job_run(struct co_task *task)
{
    struct co_loop *loop = task->in.job.loop;
    intptr_t (*fn)(void *) = (intptr_t (*)(void *))task->chain.result;

    task->chain.result = fn(task->object);
    co_loop_post_always_(loop, job_done, task); /* the task is the loop's again */
}

static void *worker(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        struct co_task *task = pool.busy < pool.limit ? pool.first : NULL;

        if (task) {
            pool.first = task->in.job.next;
            task->in.job.next = task;           /* it has begun */
            pool.busy++;
            pthread_mutex_unlock(&pool.lock);
            job_run(task);
            pthread_mutex_lock(&pool.lock);
            pool.busy--;
        } else if (pool.ending) {
            break;
        } else {
            pool.idle++;
            pthread_cond_wait(&pool.work, &pool.lock);
            pool.idle--;
        }
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* Creates a thread that has all signals blocked. */
int co_thread_make_(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(thread, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -error;
}

/* Queues [task]; the lock is held. Returns 0, or negative errno if there is no thread at all. */
static int job_add(struct co_task *task)
{
    int waiting = pool.first != NULL;

    if ((pool.idle == 0 || waiting) && pool.count < pool.limit) {
        int error = co_thread_make_(&pool.threads[pool.count], worker, NULL);

        if (error == 0)
            pool.count++;
        else if (pool.count == 0)
            return error;
    }
    task->in.job.next = NULL;
    if (pool.first)
        pool.last->in.job.next = task;
    else
        pool.first = task;
    pool.last = task;
    pthread_cond_signal(&pool.work);
    return 0;
}

/* Withdraws a call that has not begun. One that has begun goes on: its result is delivered, and the
 * next await of the task fails with -ECANCELED. */
static enum co_take_back job_take_back(struct co_task *task)
{
    struct co_task *before = NULL;
    int begun;

    pthread_mutex_lock(&pool.lock);
    begun = task->in.job.next == task;
    for (struct co_task *t = begun ? NULL : pool.first; t && t != task; t = t->in.job.next)
        before = t;
    if (!begun) {
        if (before)
            before->in.job.next = task->in.job.next;
        else
            pool.first = task->in.job.next;
        if (pool.last == task)
            pool.last = before;
    }
    pthread_mutex_unlock(&pool.lock);
    if (!begun)
        co_loop_unref(co_loop_current());
    return begun ? CO_LATER : CO_TAKEN;
}

/* The last loop that leaves the pool ends its threads, which have nothing left to do. */
static void pool_leave(struct co_loop_part_ *part)
{
    unsigned loops;

    free(part);
    pthread_mutex_lock(&pool.lock);
    loops = --pool.loops;
    pool.ending = loops == 0;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    if (loops > 0)
        return;
    for (unsigned i = 0; i < pool.count; i++)       /* no loop can enter meanwhile */
        pthread_join(pool.threads[i], NULL);
    pthread_mutex_lock(&pool.lock);
    pool.count = 0;
    pool.ending = 0;
    pthread_cond_broadcast(&pool.ended);
    pthread_mutex_unlock(&pool.lock);
}

/* fork() copies the pool but not its threads, so the child begins with none. Calls that were in
 * progress return -EAGAIN in the child; in the parent they go on. */
static const struct co_wait_kind thread_wait = { "co_thread", job_take_back };

static void fork_begins(void)
{
    pthread_mutex_lock(&pool.lock);
}

static void fork_ends(void)
{
    pthread_mutex_unlock(&pool.lock);
}

static void fork_child(void)
{
    struct co_loop *loop = co_loop_current();

    pool.first = pool.last = NULL;
    pool.idle = pool.busy = pool.count = 0;
    pool.ending = 0;
    pool.loops = loop && co_loop_part_(loop, pool_leave, 0);
    pthread_cond_init(&pool.work, NULL);
    pthread_cond_init(&pool.ended, NULL);
    pthread_mutex_unlock(&pool.lock);
    for (struct co_task *task = co_task_next(NULL); task; task = co_task_next(task))
        if (task->wait == &thread_wait && task->step == CO_TASK_WAITING_) {
            co_loop_unref(loop);
            co_wake(task, -EAGAIN);
        }
}

static void pool_made(void)
{
    pthread_atfork(fork_begins, fork_ends, fork_child);
}

/* Counts [loop] among those that use the pool, if it is not among them yet. */
static int pool_enter(struct co_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (co_loop_part_(loop, pool_leave, 0))
        return 0;
    pthread_once(&once, pool_made);
    if (!co_loop_part_(loop, pool_leave, sizeof(struct co_loop_part_)))
        return -ENOMEM;
    pthread_mutex_lock(&pool.lock);
    while (pool.ending)             /* not for long, since its threads are idle */
        pthread_cond_wait(&pool.ended, &pool.lock);
    pool.loops++;
    pthread_mutex_unlock(&pool.lock);
    return 0;
}

co_op co_thread(intptr_t (*fn)(void *), void *arg)
{
    struct co_loop *loop = co_loop_current();
    struct co_task *task;
    int error;

    if (co_op_take_cancel(thread_wait.name))
        return co_done(-ECANCELED);
    error = pool_enter(loop);
    if (error < 0)
        return co_op_done(error);
    task = co_op_wait(&thread_wait, arg);
    task->chain.result = (intptr_t)fn;
    task->in.job.loop = loop;
    co_loop_ref(loop);
    pthread_mutex_lock(&pool.lock);
    error = job_add(task);
    pthread_mutex_unlock(&pool.lock);
    if (error < 0) {                    /* without a single thread the op ends at once */
        co_loop_unref(loop);
        co_wake(task, error);
    }
    return co_wait();
}

void co_thread_limit(unsigned n)
{
    pthread_mutex_lock(&pool.lock);
    pool.limit = n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
    for (struct co_task *t = pool.first; t && pool.count < pool.limit; t = t->in.job.next)
        if (co_thread_make_(&pool.threads[pool.count], worker, NULL) == 0)
            pool.count++;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
}

/* ---- A loop per thread ----------------------------------------------------------------------- */

struct crew {
    pthread_mutex_t lock;
    size_t size;
    const void *frame;
    unsigned count;
    int ending;                     /* the others are being cancelled */
    intptr_t failure;               /* the first one, or 0 */
    struct crew_member {
        struct crew *crew;
        unsigned index;
        pthread_t thread;
        struct co_loop *loop;       /* NULL before and after the time in which a post may
                                     * cancel it */
        struct co_task *task;
    } *members;
};

static __thread unsigned loop_index_;

unsigned co_loop_index(void)
{
    return loop_index_;
}

static void member_cancel(void *arg)
{
    struct crew_member *member = arg;

    if (member->loop)
        co_cancel(member->task);
}

/* Posts a cancel to one member. Returns 0, or -EAGAIN if too many posts wait there. */
static int member_ask(struct crew_member *member)
{
    int error = 0;

    pthread_mutex_lock(&member->crew->lock);
    if (member->loop)
        error = co_loop_post(member->loop, member_cancel, member);
    pthread_mutex_unlock(&member->crew->lock);
    return error;
}

/* Notes a member that failed or was cancelled. The first one cancels the others, and when those
 * then return -ECANCELED it is no failure. */
static void crew_end(struct crew *crew, intptr_t result)
{
    int first;

    pthread_mutex_lock(&crew->lock);
    first = !crew->ending;
    crew->ending = 1;
    if (crew->failure == 0 && result < 0 && (first || result != -ECANCELED))
        crew->failure = result;
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; first && i < crew->count; i++)
        while (member_ask(&crew->members[i]) == -EAGAIN)
            sched_yield();          /* unlocked, since that member may need the lock */
}

/* Starts the main task, in storage of its own, so that its flags can be read after its end. */
static struct co_task *member_spawn(struct crew_member *member)
{
    struct crew *crew = member->crew;
    struct co_task *task = malloc(CO_TASK_HEAD_ + crew->size);

    if (!task)
        return NULL;
    memcpy(co_task_room_(task), crew->frame, crew->size);
    co_task_init_(task, co_task_room_(task));
    pthread_mutex_lock(&crew->lock);
    member->task = task;
    if (crew->ending)
        co_cancel(task);                /* here, and not by a post as well */
    else
        member->loop = co_loop_current();
    pthread_mutex_unlock(&crew->lock);
    return task;
}

static void member_main(struct crew_member *member)
{
    struct crew *crew = member->crew;
    struct co_task *task;
    intptr_t result;

    if (!co_loop_new(NULL)) {
        crew_end(crew, -errno);
        return;
    }
    loop_index_ = member->index;
    task = member_spawn(member);
    result = co_main_run_(task);
    pthread_mutex_lock(&crew->lock);
    member->loop = NULL;                /* it gets no more posts */
    pthread_mutex_unlock(&crew->lock);
    co_loop_free(co_loop_current());
    if (!task || result < 0 || task->flags & CO_TASK_ASKED_) /* it may swallow its cancel */
        crew_end(crew, result);
    free(task);
}

static void *member_run(void *arg)
{
    member_main(arg);
    return NULL;
}

intptr_t co_loop_threads_(unsigned n, size_t size, const void *frame)
{
    struct crew crew = { .lock = PTHREAD_MUTEX_INITIALIZER, .size = size, .frame = frame };
    unsigned made = 1;

    if (co_loop_current())
        return -EBUSY;
    crew.count = n > 0 ? n : 1;
    crew.members = calloc(crew.count, sizeof *crew.members);
    if (!crew.members)
        return -ENOMEM;
    for (unsigned i = 0; i < crew.count; i++) {
        crew.members[i].crew = &crew;
        crew.members[i].index = i;
    }
    for (; made < crew.count; made++) {
        int error = co_thread_make_(&crew.members[made].thread, member_run, &crew.members[made]);
        if (error < 0) {
            crew_end(&crew, error);
            break;
        }
    }
    member_main(&crew.members[0]);
    for (unsigned i = 1; i < made; i++)
        pthread_join(crew.members[i].thread, NULL);
    free(crew.members);
    return crew.failure;
}
