/* SPDX-License-Identifier: BSD-2-Clause
 * isr.h: events that an interrupt handler sets and a task waits for, without a lock and without
 * masking interrupts.
 *
 *     static struct co_isr_event pressed;                 // co_isr_event_init(&pressed), once
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
 * An interrupt handler may call co_isr_event_set and nothing else of this library. A set is two
 * stores of one byte each, so none is lost when a handler interrupts another one in the middle of a
 * set, or the tasks in the middle of co_isr_deliver. The handler must run on the processor that
 * runs the tasks. In a program with one thread, a signal handler may do the same. Other threads use
 * co_loop_post.
 *
 * A set stays until a wait consumes it, and a set that comes before that is merged with it. So
 * after each wait, handle all that the event stands for, such as every byte in a ring, before you
 * wait again. */
#ifndef CO_ISR_H
#define CO_ISR_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct co_isr_event {
    struct co_task *waiters;           /* private */
    struct co_isr_event *next;      /* private: in the list of all events */
    volatile uint8_t raised;        /* private: set by a handler, not delivered yet */
    uint8_t is_set;                 /* ro: delivered, not consumed by a wait yet */
};

/* Zeroes the event and puts it on the list that co_isr_deliver walks. Call it before the interrupt
 * is switched on, and not from a handler. */
void co_isr_event_init(struct co_isr_event *event);

/* Takes the event off that list, so that its sets have no effect any more. The program stops if a
 * task waits for it. */
void co_isr_event_remove(struct co_isr_event *event);

/* Sets the event, from a handler or from a task. All tasks that wait for it go on in the next turn;
 * if none waits, the set stays for the next wait. It does no harm when the task that waited was
 * cancelled or has ended. */
static inline void co_isr_event_set(struct co_isr_event *event);

/* Waits until the event is set, clears it and returns 0. If several tasks wait, all of them go on.
 * -ECANCELED: the task was cancelled; a set that comes later stays for the next wait. */
CO_OP co_isr_event_wait(struct co_isr_event *event);

/* Forgets a set that no wait has consumed. Call it before you start the device again. */
void co_isr_event_clear(struct co_isr_event *event);

/* For drivers.
 * co_isr_deliver makes the tasks ready that wait for events which were set, and returns how many
 *     events those were. Call it before each turn.
 * co_isr_pending returns whether there is an event to deliver. A driver asks with interrupts masked
 *     and then sleeps, without unmasking them first, by an instruction that a pending interrupt
 *     ends. So it does not sleep through an interrupt that comes between the two. */
int co_isr_deliver(void);
static inline int co_isr_pending(void);

/* ---- Machinery ------------------------------------------------------------------------------- */

extern volatile uint8_t co_isr_raised_;     /* some event is raised */

/* A barrier for the compiler, which puts earlier writes into memory and reads anew what is read
 * later. The processor needs none, since it sees its own stores in order. */
#ifdef __GNUC__
#define CO_ISR_FENCE_() __asm__ volatile("" ::: "memory")
#else
#define CO_ISR_FENCE_() ((void)0)
#endif

static inline void co_isr_event_set(struct co_isr_event *event)
{
    CO_ISR_FENCE_();
    event->raised = 1;                      /* first, since co_isr_deliver clears this one last */
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
