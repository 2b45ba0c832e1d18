/* SPDX-License-Identifier: BSD-2-Clause
 * cortex_m.h: how a program starts on a Cortex-M, and ends. For a board_NAME.c. */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define NVIC_ENABLE(irq) (REG(0xE000E100) = 1U << (irq))
#define NVIC_PEND(irq) (REG(0xE000E200) = 1U << (irq))

extern uint32_t ld_data_load[], ld_data[], ld_data_end[], ld_bss[], ld_bss_end[], ld_stack[];
int main(void);
void reset_handler(void);
void fault_handler(void);

void fault_handler(void)
{
    board_stop(1);
}

void reset_handler(void)
{
    for (uint32_t *to = ld_data, *from = ld_data_load; to < ld_data_end; )
        *to++ = *from++;
    for (uint32_t *to = ld_bss; to < ld_bss_end; )
        *to++ = 0;
    main();
    board_stop(0);
}

/* What ends a program: the debugger, or emulator, is told by semihosting. */
static inline _Noreturn void cortex_stop(int status)
{
#ifdef EMULATED
    register uint32_t call __asm__("r0") = 0x18;
    register uint32_t why __asm__("r1") = status ? 0x20023 : 0x20026;

    __asm__ volatile("bkpt 0xAB" : : "r"(call), "r"(why) : "memory");
#endif
    (void)status;
    __asm__ volatile("cpsid i");
    for (;;)
        __asm__ volatile("wfi");
}

/* The first words of flash: the stack's top, the core's handlers, then the board's interrupts. */
#define FAULT (uintptr_t)fault_handler
#define VECTORS(systick, ...)                                                                     \
    __attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {              \
        (uintptr_t)ld_stack, (uintptr_t)reset_handler, FAULT, FAULT, FAULT, FAULT, FAULT, 0, 0,   \
        0, 0, FAULT, FAULT, 0, FAULT, systick, __VA_ARGS__ }

#endif
