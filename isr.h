/* SPDX-License-Identifier: BSD-2-Clause
 * isr.h: events that interrupt handlers set and tasks wait for. No lock, no masked interrupt.
 *
 *     static struct co_isr_event pressed;              // co_isr_event_init(&pressed), once
 *
 *     void BUTTON_IRQHandler(void)
 *     {
 *         co_isr_event_set(&pressed);
 *     }
 *     struct doorbell { co_frame; };
 *     co_define(doorbell) {
 *         co_begin;
 *         for (;;) {
 *             co_try(co_isr_event_wait(&pressed));
 *             bell_ring();
 *         }
 *         co_end;
 *     }
 *
 * From an interrupt handler, one may call co_isr_event_set, and nothing else of this library. It
 * is two stores of a byte, so a handler may interrupt another one anywhere in it, and the tasks
 * anywhere in co_isr_deliver: no set is lost. The handler runs on the processor that runs the
 * tasks; a signal handler in a program with one thread is one too. Other threads have co_loop_post.
 *
 * A set stays until a wait takes it, and sets in between are one. So what the event tells of (bytes
 * in a ring) is to be looked at after the wait, all of it, before the next wait. */
#ifndef CO_ISR_H
#define CO_ISR_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct co_isr_event {
    struct co_task *waiters;        /* private */
    struct co_isr_event *next;      /* private: in the list of all */
    volatile uint8_t raised;        /* private: by a handler, to be delivered */
    uint8_t is_set;                 /* ro: delivered, and nobody has waited yet */
};

/* Zeroes the event and puts it on the list that co_isr_deliver goes through. Before its interrupt
 * is switched on; not from a handler. */
void co_isr_event_init(struct co_isr_event *event);

/* Takes it off the list: nobody hears of it any more. Stops if a task waits. */
void co_isr_event_remove(struct co_isr_event *event);

/* From handlers, and from tasks as well: who waits, or else who waits next, goes on in the next
 * turn. If nobody waits any more, nothing happens. */
static inline void co_isr_event_set(struct co_isr_event *event);

/* Waits until the event is set, and clears it: 0. Of several tasks that wait, all go on.
 * -ECANCELED: a set that comes later stays for the next wait. */
CO_OP co_isr_event_wait(struct co_isr_event *event);

/* Forgets a set that nobody has waited for: before what it tells of is begun anew. */
void co_isr_event_clear(struct co_isr_event *event);

/* For drivers.
 * co_isr_deliver: before each turn: tasks that wait for events that were set become ready. How many
 *     events there were.
 * co_isr_pending: whether there is one to deliver. A driver asks with interrupts masked, and sleeps
 *     without unmasking them first, by an instruction that a pending interrupt ends: so one that
 *     comes in between is not slept over. */
int co_isr_deliver(void);
static inline int co_isr_pending(void);

/* ---- Machinery ------------------------------------------------------------------------------- */

extern volatile uint8_t co_isr_raised_;     /* some event is */

/* What was written before is in memory, what is read after is read anew: for the compiler; one
 * processor sees its own stores in order. */
#ifdef __GNUC__
#define CO_ISR_FENCE_() __asm__ volatile("" ::: "memory")
#else
#define CO_ISR_FENCE_() ((void)0)
#endif

static inline void co_isr_event_set(struct co_isr_event *event)
{
    CO_ISR_FENCE_();
    event->raised = 1;                      /* first: co_isr_deliver clears in the other order */
    co_isr_raised_ = 1;
}

static inline int co_isr_pending(void)
{
    return co_isr_raised_;
}

#ifdef __cplusplus
}
#endif
#endif
