/* SPDX-License-Identifier: BSD-2-Clause
 * board_microbit.c: BBC micro:bit 1: nRF51822, Cortex-M0, 16 MHz. Tickless: TIMER0 counts
 * microseconds and interrupts only when a sleep is over. */
#include "board.h"
#include "cortex_m.h"

#define GPIO(offset)  REG(0x50000000 + (offset))
#define UART(offset)  REG(0x40002000 + (offset))
#define TIMER(offset) REG(0x40008000 + (offset))
enum { UART_IRQ = 2, TIMER_IRQ = 8, SWI_IRQ = 20 };
enum { ROW = 13, COLUMN = 4, BUTTON_A = 17, TX = 24, RX = 25 };

const uint32_t board_tick_ns = 1000;
static void (*on_byte)(uint8_t);
static void (*on_pend)(void);

void board_init(void)
{
    TIMER(0x508) = 3;                           /* 32 bits */
    TIMER(0x510) = 4;                           /* 16 MHz / 2^4 */
    TIMER(0x304) = 1U << 16;                    /* COMPARE[0] interrupts */
    TIMER(0x000) = 1;                           /* start */
    GPIO(0x518) = 1U << ROW | 7U << COLUMN | 1U << TX;
    GPIO(0x50C) = 7U << COLUMN;
    GPIO(0x504) = 1U << ROW | 7U << COLUMN | 1U << TX;
    GPIO(0x700 + 4 * BUTTON_A) = 0;             /* inputs, connected */
    GPIO(0x700 + 4 * RX) = 0;
    UART(0x50C) = TX;
    UART(0x514) = RX;
    UART(0x524) = 0x01D7E000;                   /* 115200 baud */
    UART(0x500) = 4;                            /* on */
    UART(0x008) = 1;                            /* sends */
    NVIC_ENABLE(TIMER_IRQ);
    NVIC_ENABLE(SWI_IRQ);
}

uint32_t board_ticks(void)
{
    TIMER(0x044) = 1;                           /* capture into CC[1] */
    return TIMER(0x544);
}

void board_sleep(uint32_t ticks)
{
    TIMER(0x140) = 0;
    TIMER(0x540) = board_ticks() + (ticks > 2 ? ticks : 3);
    __asm__ volatile("wfi");
}

void timer_handler(void);
void timer_handler(void)
{
    TIMER(0x140) = 0;                           /* that it woke us is all */
}

void board_led(int led, int on)
{
    GPIO(on ? 0x50C : 0x508) = 1U << (COLUMN + led);
}

__attribute__((weak)) int board_button(void)
{
    return !(GPIO(0x510) & 1U << BUTTON_A);
}

void board_put(char byte)
{
    UART(0x11C) = 0;
    UART(0x51C) = (uint8_t)byte;
    while (!UART(0x11C)) { }
}

__attribute__((weak)) void board_on_byte(void (*handler)(uint8_t))
{
    on_byte = handler;
    UART(0x304) = 1U << 2;                      /* RXDRDY interrupts */
    NVIC_ENABLE(UART_IRQ);
    UART(0x000) = 1;                            /* receives */
}

void uart_handler(void);
void uart_handler(void)
{
    while (UART(0x108)) {
        UART(0x108) = 0;
        on_byte((uint8_t)UART(0x518));
    }
}

void board_pend(void (*handler)(void))
{
    on_pend = handler;
    NVIC_PEND(SWI_IRQ);
}

void swi_handler(void);
void swi_handler(void)
{
    on_pend();
}

_Noreturn void board_stop(int status)
{
    cortex_stop(status);
}

#define IRQ(handler) (uintptr_t)(handler)
VECTORS(FAULT, FAULT, FAULT, IRQ(uart_handler), FAULT, FAULT, FAULT, FAULT, FAULT,
        IRQ(timer_handler), FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        FAULT, IRQ(swi_handler));
