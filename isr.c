/* SPDX-License-Identifier: BSD-2-Clause
 * isr.c: the events of isr.h, which interrupt handlers mark and a turn of the tasks delivers. */
#include "isr.h"

volatile uint8_t co_isr_raised_;
static struct co_isr_event *all_events;

void co_isr_event_init(struct co_isr_event *event)
{
    *event = (struct co_isr_event){ .next = all_events };
    all_events = event;
}

void co_isr_event_remove(struct co_isr_event *event)
{
    co_task_unwaited_(event->waiters, CO_NAME_("co_isr_event_remove"));
    for (struct co_isr_event **link = &all_events; *link; link = &(*link)->next) {
        if (*link == event) {
            *link = event->next;
            return;
        }
    }
}

void co_isr_event_clear(struct co_isr_event *event)
{
    event->raised = 0;
    event->is_set = 0;
}

static void event_deliver(struct co_isr_event *event)
{
    event->is_set = !event->waiters;
    while (event->waiters) {
        struct co_task *task = event->waiters;

        co_ring_remove(&event->waiters, task);
        co_wake(task, 0);
    }
}

/* Clears each mark before it looks at what the mark stands for. A handler that runs in between
 * marks it again, and at worst a later turn looks in vain. */
int co_isr_deliver(void)
{
    int delivered = 0;

    if (!co_isr_raised_)
        return 0;
    co_isr_raised_ = 0;
    for (struct co_isr_event *event = all_events; event; event = event->next) {
        if (!event->raised)
            continue;
        event->raised = 0;
        CO_ISR_FENCE_();
        event_deliver(event);
        delivered++;
    }
    return delivered;
}

static enum co_take_back isr_event_take_back(struct co_task *task)
{
    co_ring_remove(&((struct co_isr_event *)task->object)->waiters, task);
    return CO_TAKEN;
}

co_op co_isr_event_wait(struct co_isr_event *event)
{
    static const struct co_wait_kind wait = {
        CO_NAME_("co_isr_event_wait"), isr_event_take_back
    };
    struct co_task *task;

    if (co_op_take_cancel(wait.name))
        return co_done(-ECANCELED);
    if (event->is_set) {
        event->is_set = 0;
        return co_op_done(0);
    }
    task = co_op_wait(&wait, event);
    co_ring_add(&event->waiters, task);
    return co_wait();
}
