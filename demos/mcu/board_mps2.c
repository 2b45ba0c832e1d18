/* SPDX-License-Identifier: BSD-2-Clause
 * board_mps2.c: Arm MPS2 with the images AN385 (Cortex-M3) and AN386 (Cortex-M4), 25 MHz. The plain
 * way: SysTick interrupts each millisecond. */
#include "board.h"
#include "cortex_m.h"

#define SYSTICK(offset) REG(0xE000E010 + (offset))
#define UART(offset)    REG(0x40004000 + (offset))
#define FPGAIO(offset)  REG(0x40028000 + (offset))
enum { UART_IRQ = 0, SPARE_IRQ = 31 };

const uint32_t board_tick_ns = 1000000;
static volatile uint32_t ticks_now;
static void (*on_byte)(uint8_t);
static void (*on_pend)(void);

void board_init(void)
{
    UART(0x10) = 217;                           /* 25 MHz / 115200 baud */
    UART(0x08) = 1;                             /* sends */
    SYSTICK(4) = 25000 - 1;
    SYSTICK(8) = 0;
    SYSTICK(0) = 7;                             /* the core's clock, interrupt, on */
    NVIC_ENABLE(SPARE_IRQ);
}

void systick_handler(void);
void systick_handler(void)
{
    ticks_now++;
}

uint32_t board_ticks(void)
{
    return ticks_now;
}

void board_sleep(uint32_t ticks)
{
    (void)ticks;
    __asm__ volatile("wfi");
}

void board_led(int led, int on)
{
    uint32_t bit = 1U << led;

    FPGAIO(0) = on ? FPGAIO(0) | bit : FPGAIO(0) & ~bit;
}

__attribute__((weak)) int board_button(void)
{
    return (int)(FPGAIO(8) & 1);
}

void board_put(char byte)
{
    while (UART(4) & 1) { }
    UART(0) = (uint8_t)byte;
}

__attribute__((weak)) void board_on_byte(void (*handler)(uint8_t))
{
    on_byte = handler;
    UART(0x08) = 3 | 8;                         /* receives as well, and interrupts then */
    NVIC_ENABLE(UART_IRQ);
}

void uart_handler(void);
void uart_handler(void)
{
    UART(0x0C) = 2;
    while (UART(4) & 2)
        on_byte((uint8_t)UART(0));
}

void board_pend(void (*handler)(void))
{
    on_pend = handler;
    NVIC_PEND(SPARE_IRQ);
}

void spare_handler(void);
void spare_handler(void)
{
    on_pend();
}

_Noreturn void board_stop(int status)
{
    cortex_stop(status);
}

#define FAULTS10 FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT
VECTORS((uintptr_t)systick_handler, (uintptr_t)uart_handler, FAULTS10, FAULTS10, FAULTS10,
        (uintptr_t)spare_handler);
