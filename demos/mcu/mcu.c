/* SPDX-License-Identifier: BSD-2-Clause
 * mcu.c: the driver of task.h for a board of board.h, with a clock that wraps, and with sleep. */
#include "mcu.h"

#ifndef MCU_START                   /* what the clock starts from; tests: just before it wraps */
#define MCU_START 0U
#endif

/* No single sleep is longer, in ns: the clock must be read once before it wraps, and so 32 bits are
 * enough to divide. */
#define LONGEST UINT32_C(4000000000)

static struct co_scheduler scheduler;
static uint32_t last, wraps;
static int64_t origin;

/* Interrupts off and on, as the processor has it; the pending ones run as soon as they are on. */
#if defined __arm__
#define IRQ_MASK() __asm__ volatile("cpsid i" ::: "memory")
#define IRQ_UNMASK() __asm__ volatile("cpsie i\n isb" ::: "memory")
#elif defined __riscv
#define IRQ_MASK() __asm__ volatile("csrci mstatus, 8" ::: "memory")
#define IRQ_UNMASK() __asm__ volatile("csrsi mstatus, 8" ::: "memory")
#elif defined __AVR__
#define IRQ_MASK() __asm__ volatile("cli" ::: "memory")
#define IRQ_UNMASK() __asm__ volatile("sei\n nop" ::: "memory")
#endif

static int64_t clock_now(struct co_driver *driver)
{
    uint32_t ticks = board_ticks() + MCU_START;

    (void)driver;
    wraps += ticks < last;
    last = ticks;
    return (int64_t)(((uint64_t)wraps << 32 | ticks) * board_tick_ns);
}

/* Masked from the question to the sleep, so that no interrupt comes between them unseen. */
static void sleep_until(struct co_driver *driver, int64_t until)
{
    int64_t left;

    IRQ_MASK();
    while (!co_isr_pending() && (left = until - clock_now(driver)) > 0) {
        uint32_t ns = left < LONGEST ? (uint32_t)left : LONGEST;

        board_sleep((ns - 1) / board_tick_ns + 1);
        IRQ_UNMASK();                           /* here the handler runs */
        IRQ_MASK();
    }
    IRQ_UNMASK();
}

static struct co_driver driver = { clock_now, sleep_until, NULL };

int64_t mcu_now(void)
{
    return clock_now(&driver) - origin;
}

/* Input for the demos where there is no hand to press a button: script.c has one. */
void script_start(void);
__attribute__((weak)) void script_start(void) { }

void mcu_init(struct co_timer_slot *timers, uint32_t room)
{
    last = MCU_START;
    board_init();
    origin = clock_now(&driver);
    co_scheduler_init(&scheduler, &driver, timers, room);
    script_start();
}

void mcu_run(void)
{
    while (scheduler.count > 0) {
        int64_t next;

        co_isr_deliver();
        co_scheduler_turn(&scheduler);
        next = co_scheduler_next(&scheduler);
        (void)clock_now(&driver);               /* also where nobody sleeps: it may wrap */
        if (next > 0 && scheduler.count > 0)
            sleep_until(&driver, next);
    }
}
