/* SPDX-License-Identifier: BSD-2-Clause
 * Duffel.h: the library for Arduino sketches: coroutines, and tasks on the clock of the board.
 *
 *     struct blink { co_frame; uint8_t pin; bool on; };
 *     co_define(blink) {
 *         co_begin;
 *         for (;;) {
 *             digitalWrite(self->pin, self->on = !self->on);
 *             co_try(co_sleep_ms(500));
 *         }
 *         co_end;
 *     }
 *     static struct blink frame;
 *     static struct co_task task;
 *
 *     void setup() {
 *         co_board_begin();
 *         pinMode(13, OUTPUT);
 *         co_task_init(&task, &frame, blink, 13);
 *     }
 *     void loop() { co_board_turn(); }
 *
 * The Arduino tools compile what lies in src/: so the files here include those that belong to a
 * microcontroller, and leave out what stands on libev. On AVR, CO_TINY is on: see coro.h. */
#ifndef CO_DUFFEL_H
#define CO_DUFFEL_H

#if defined __AVR__ && !defined CO_TINY
#define CO_TINY
#endif
#include "../coro.h"
#include "../task.h"
#include "../sync.h"
#include "../group.h"
#include "../isr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the scheduler; call it first in setup(). At most CO_BOARD_TIMERS tasks sleep at a time,
 * more get -ENOMEM. There is no heap: tasks are static, or of a CO_TASK_POOL. */
void co_board_begin(void);
enum { CO_BOARD_TIMERS = 8 };

/* One turn of all tasks that are ready; call it in loop(). It never waits. */
void co_board_turn(void);

#ifdef __cplusplus
}
#endif

/* co_sleep for a time that is no constant, without floating point. */
static inline CO_OP co_sleep_ms(uint32_t ms) { return co_sleep_ns_((int64_t)ms * 1000000); }

#endif
