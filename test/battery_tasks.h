/* SPDX-License-Identifier: BSD-2-Clause
 * battery_tasks.h: programs of the battery on task.h and group.h alone: tasks that wait for each
 * other, deadlines, groups, generators. */
#ifndef BATTERY_TASKS_H
#define BATTERY_TASKS_H
#include "battery_run.h"

/* Works [seconds], under a deadline of its own, and gives [value]. */
struct worker { co_frame; double seconds; intptr_t value; struct co_within slot; };
static co_define(worker)
{
    co_begin;
    enters;
    co_try(co_within(&self->slot, LONG, co_sleep(self->seconds)));
    co_return(self->value);
    co_finally;
    co_await(co_sleep(0.125));
    leaves;
    co_end;
}

/* ---- family: join, gather, wait_any, wait_all, completed ------------------------------------- */

enum { CHILDREN = 4 };
struct family {
    co_frame;
    struct co_task *tasks[CHILDREN];
    struct co_as_completed each;
    intptr_t n;
    int i, seen;
};
static co_define(family)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < CHILDREN; self->i++)
        self->tasks[self->i] = co_spawn(worker, .seconds = self->i % 3, .value = self->i);
    co_try(self->n, co_wait_any(self->tasks, CHILDREN));
    check(self->n < CHILDREN && co_task_state(self->tasks[self->n]) != CO_TASK_PENDING);
    co_try(self->n, co_wait_tasks(self->tasks, CHILDREN, CO_FIRST_FAILED));
    check(self->n > 0);
    co_as_completed_init(&self->each, self->tasks, CHILDREN);
    co_for_each(self->n, &self->each)
        self->seen++;
    if (self->n < 0)
        co_return(self->n);
    check_equal(self->seen, CHILDREN);
    co_try(self->n, co_wait_tasks(self->tasks, CHILDREN, CO_ALL_COMPLETED));
    check_equal(self->n, CHILDREN);
    co_try(co_gather(self->tasks, CHILDREN));
    co_try(self->n, co_join(self->tasks[CHILDREN - 1]));
    check_equal(self->n, CHILDREN - 1);
    co_finally;
    for (self->i = 0; self->i < CHILDREN; self->i++) {
        co_cancel(self->tasks[self->i]);
        co_await(co_join(self->tasks[self->i]));
        co_task_free(self->tasks[self->i]);
    }
    leaves;
    co_end;
}
MAIN(family);

/* ---- gathering: a gather in a gather, which is cancelled from above -------------------------- */

struct clan { co_frame; double seconds; struct co_task *tasks[2]; int i; };
static co_define(clan)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < 2; self->i++)
        self->tasks[self->i] = co_spawn(worker, .seconds = self->seconds + self->i);
    co_try(co_gather(self->tasks, 2));
    co_finally;
    for (self->i = 0; self->i < 2; self->i++) {
        co_cancel(self->tasks[self->i]);
        co_await(co_join(self->tasks[self->i]));
        co_task_free(self->tasks[self->i]);
    }
    leaves;
    co_end;
}

struct gathering { co_frame; struct co_task *clans[3]; struct co_within slot; intptr_t n; int i; };
static co_define(gathering)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < 3; self->i++)
        self->clans[self->i] = co_spawn(clan, .seconds = self->i * 2);
    co_await(self->n, co_within(&self->slot, 2.5, co_gather(self->clans, 3)));
    if (self->n != -ETIMEDOUT)          /* the last clan works 5 s */
        co_return(self->n < 0 ? self->n : -EPROTO);
    for (self->i = 0; self->i < 3; self->i++)
        check(co_task_state(self->clans[self->i]) != CO_TASK_PENDING);
    co_finally;
    for (self->i = 0; self->i < 3; self->i++) {
        co_cancel(self->clans[self->i]);
        co_await(co_join(self->clans[self->i]));
        co_task_free(self->clans[self->i]);
    }
    leaves;
    co_end;
}
MAIN(gathering);

/* ---- rescue: wait_for, shield, deadlines in deadlines ---------------------------------------- */

struct retry { co_frame; struct co_within slot; struct worker worker; intptr_t n; };
static co_define(retry)
{
    co_begin;
    enters;
    do
        co_await(self->n, co_within(&self->slot, 1, co_call(&self->worker, worker, .seconds = 5)));
    while (self->n == -ETIMEDOUT);
    co_return(self->n);
    co_finally;
    leaves;
    co_end;
}

struct rescue {
    co_frame;
    struct co_task *slow, *kept;
    struct co_within slot;
    struct retry retry;
    double start;
    intptr_t n;
};
static co_define(rescue)
{
    co_begin;
    enters;
    self->slow = co_spawn(worker, .seconds = 5);
    co_await(self->n, co_wait_for(&self->slot, self->slow, 2));
    if (self->n != -ETIMEDOUT)
        co_return(self->n < 0 ? self->n : -EPROTO);
    check(co_task_state(self->slow) != CO_TASK_PENDING);
    self->kept = co_spawn(worker, .seconds = 3, .value = 7);
    co_await(self->n, co_within(&self->slot, 1, co_shield(self->kept)));
    if (self->n != -ETIMEDOUT)
        co_return(self->n < 0 ? self->n : -EPROTO);
    co_try(self->n, co_join(self->kept));
    check_equal(self->n, 7);
    co_await(self->n, co_within(&self->slot, 4.5, co_call(&self->retry, retry)));
    if (self->n != -ETIMEDOUT)
        co_return(self->n < 0 ? self->n : -EPROTO);
    self->start = co_time();
    co_try(co_sleep_until(self->start + 2));
    check(co_time() >= self->start + 1.999);
    co_finally;
    co_cancel(self->slow);
    co_await(co_join(self->slow));
    co_task_free(self->slow);
    co_cancel(self->kept);
    co_await(co_join(self->kept));
    co_task_free(self->kept);
    leaves;
    co_end;
}
MAIN(rescue);

/* ---- nursery: groups, with a pool, collecting, in each other --------------------------------- */

CO_TASK_POOL(cots, worker, 3);

struct nest { co_frame; struct co_group group; intptr_t n; };
static co_define(nest)
{
    co_begin;
    enters;
    co_group_init(&self->group, NULL);
    co_try(co_done(co_group_go(&self->group, worker, .seconds = 1)));
    co_try(co_done(co_group_go(&self->group, worker, .seconds = 2, .value = -EXDEV)));
    co_try(co_done(co_group_go(&self->group, worker, .seconds = 9)));
    co_await(self->n, co_group_wait(&self->group));
    co_return(self->n == -EXDEV || self->n == 0 ? 0 : self->n);     /* its failure was to be */
    co_finally;
    co_group_cancel(&self->group);
    co_await(co_group_wait(&self->group));
    leaves;
    co_end;
}

struct nursery { co_frame; struct co_group pooled, group; intptr_t n; int i; };
static co_define(nursery)
{
    co_begin;
    enters;
    co_group_init(&self->group, &(struct co_group_options){ .collect = 1 });
    co_group_init(&self->pooled, &(struct co_group_options){ .pool = &cots });
    for (self->i = 0; self->i < 3; self->i++)
        co_try(co_done(co_group_go(&self->pooled, worker, .seconds = self->i)));
    check_equal(co_group_go(&self->pooled, worker), -ENOBUFS);
    for (self->i = 0; self->i < 2; self->i++)
        co_try(co_done(co_group_go(&self->group, nest)));
    co_try(co_group_wait(&self->group));
    co_try(co_group_wait(&self->pooled));
    co_try(co_done(co_group_go(&self->pooled, worker, .seconds = 50)));
    co_try(co_sleep(1));
    co_group_cancel(&self->pooled);
    check_equal(co_group_go(&self->pooled, worker), -ECANCELED);
    co_try(co_group_wait(&self->pooled));
    co_finally;
    co_group_cancel(&self->pooled);
    co_group_cancel(&self->group);
    co_await(co_group_wait(&self->pooled));
    co_await(co_group_wait(&self->group));
    leaves;
    co_end;
}
MAIN(nursery);

/* ---- odds: fire and forget, detached, callbacks, mail, generators ---------------------------- */

static struct co_task *mailbox;         /* who waits for mail */

struct reader { co_frame; intptr_t n; };
static co_define(reader)
{
    co_begin;
    enters;
    mailbox = co_current();
    co_try(self->n, co_wait());
    check_equal(self->n, 5);
    co_finally;
    mailbox = NULL;
    leaves;
    co_end;
}

/* A generator that sleeps before each value, and when it is closed. */
struct count { co_frame; int i; };
static co_define(count)
{
    co_begin;
    enters;
    for (self->i = 1; self->i <= 5; self->i++) {
        co_try(co_sleep(0.25));
        co_yield;
    }
    co_finally;
    co_await(co_sleep(0.25));
    leaves;
    co_end;
}

/* Belongs to nobody. */
struct goer { co_frame; };
static co_define(goer)
{
    co_begin;
    enters;
    co_pause;
    co_try(co_sleep(1));
    co_finally;
    leaves;
    co_end;
}

static void called(struct co_task *task, void *arg)
{
    (void)task;
    ++*(int *)arg;
}

struct odds {
    co_frame;
    struct co_task *reader, *worker;
    struct co_done_callback callback;
    struct count count;
    intptr_t n;
    int called, sum;
};
static co_define(odds)
{
    co_begin;
    enters;
    co_init(&self->count, count);
    self->reader = co_spawn(reader);
    self->worker = co_spawn(worker, .seconds = 1);
    co_try(co_done(co_add_done_callback(self->worker, &self->callback, called, &self->called)));
    co_try(co_done(co_go(goer)));
    co_task_detach(co_spawn(goer));
    co_for_each(self->n, &self->count) {
        self->sum += self->count.i;
        if (self->count.i == 3)
            break;
    }
    if (self->n < 0)
        co_return(self->n);
    check_equal(self->sum, 6);
    co_try(co_gen_close(&self->count));
    co_try(co_sleep(2));
    if (mailbox)
        co_wake(mailbox, 5);
    co_try(co_join(self->reader));
    co_try(co_join(self->worker));
    check_equal(self->called, 1);
    co_finally;
    co_await(co_gen_close(&self->count));
    co_cancel(self->reader);
    co_await(co_join(self->reader));
    co_task_free(self->reader);
    co_remove_done_callback(self->worker, &self->callback);
    co_cancel(self->worker);
    co_await(co_join(self->worker));
    co_task_free(self->worker);
    leaves;
    co_end;
}
MAIN(odds);

#endif
