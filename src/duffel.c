/* SPDX-License-Identifier: BSD-2-Clause
 * duffel.c: the driver of task.h for Arduino: the clock of the board. */
#include "Duffel.h"

#include <Arduino.h>

/* micros() wraps every 71 minutes; a sketch calls co_board_turn() more often than that. */
static int64_t board_now(struct co_driver *driver)
{
    static uint32_t last;
    static int64_t us;
    uint32_t now = (uint32_t)micros();

    (void)driver;
    us += (uint32_t)(now - last);
    last = now;
    return us * 1000;
}

static struct co_driver board = { board_now, NULL, NULL };
static struct co_timer_slot timers[CO_BOARD_TIMERS];
static struct co_scheduler scheduler;

void co_board_begin(void)
{
    co_scheduler_init(&scheduler, &board, timers, CO_BOARD_TIMERS);
}

void co_board_turn(void)
{
    (void)board_now(&board);
    co_isr_deliver();
    co_scheduler_turn(&scheduler);
}
