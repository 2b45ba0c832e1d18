/* SPDX-License-Identifier: BSD-2-Clause
 * mcu.h: the driver of task.h for a board without an operating system.
 *
 *     int main(void)
 *     {
 *         mcu_init(timers, 4);                         // a static timer for each that sleeps
 *         co_task_init(&task, &frame, blink, .led = 0);   // static, or in a CO_TASK_POOL
 *         mcu_run();
 *     } */
#ifndef MCU_H
#define MCU_H

#include "isr.h"
#include "board.h"

/* Starts the board's clock, and makes the scheduler. At most [room] tasks can sleep at a time. */
void mcu_init(struct co_timer_slot *timers, uint32_t room);

/* Runs tasks until none is left; sleeps when none is ready, until the next timer or interrupt. */
void mcu_run(void);

int64_t mcu_now(void);                      /* ns since the start */

/* co_sleep and co_within for a time that is no constant, without floating point. */
static inline CO_OP co_sleep_ms(uint32_t ms) { return co_sleep_ns_((int64_t)ms * 1000000); }
static inline CO_OP co_within_us(struct co_within *slot, uint32_t us, co_op op)
{
    return co_within_ns_(slot, (int64_t)us * 1000, op);
}

#endif
