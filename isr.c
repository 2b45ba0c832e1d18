/* SPDX-License-Identifier: BSD-2-Clause
 * isr.c: the events of isr.h: interrupt handlers mark them, a turn of the tasks delivers them. */
#include "isr.h"

volatile uint8_t isr_raised_;
static struct isr_event *events;

void isr_event_init(struct isr_event *event)
{
    *event = (struct isr_event){ .next = events };
    events = event;
}

void isr_event_free(struct isr_event *event)
{
    task_unwaited_(event->waiters, TASK_NAME_("isr_event_free"));
    for (struct isr_event **link = &events; *link; link = &(*link)->next) {
        if (*link == event) {
            *link = event->next;
            return;
        }
    }
}

void isr_event_clear(struct isr_event *event)
{
    event->raised = 0;
    event->is_set = 0;
}

static void deliver(struct isr_event *event)
{
    event->is_set = !event->waiters;
    while (event->waiters) {
        struct task *task = event->waiters;

        task_ring_remove(&event->waiters, task);
        task_wake(task, 0);
    }
}

/* Each mark is cleared before what it stands for is looked at: a handler that comes meanwhile marks
 * again, and at worst a later turn looks in vain. */
int isr_deliver(void)
{
    int delivered = 0;

    if (!isr_raised_)
        return 0;
    isr_raised_ = 0;
    for (struct isr_event *event = events; event; event = event->next) {
        if (!event->raised)
            continue;
        event->raised = 0;
        ISR_FENCE_();
        deliver(event);
        delivered++;
    }
    return delivered;
}

static int isr_event_take_back(struct task *task)
{
    task_ring_remove(&((struct isr_event *)task->object)->waiters, task);
    return 1;
}

co_op co_isr_event_wait(struct isr_event *event)
{
    static const struct task_wait wait = {
        TASK_NAME_("co_isr_event_wait"), isr_event_take_back
    };
    struct task *task;

    if (task_cancelled(wait.name))
        return co_done(-ECANCELED);
    if (event->is_set) {
        event->is_set = 0;
        return task_done(0);
    }
    task = task_waits(&wait, event);
    task_ring_add(&event->waiters, task);
    return co_wait();
}
