/* SPDX-License-Identifier: BSD-2-Clause
 * board.h: what the demos need of a board, which board_NAME.c has. A port is one such file. Tasks
 * need the first three functions, and demos use the rest. The file also starts the program, with
 * its vectors, .data, .bss and main(). */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* ---- What mcu.c needs ------------------------------------------------------------------------ */

/* Starts the clock, and what else there is to set up. Interrupts are on when it returns. */
void board_init(void);

/* The time: a counter of 32 bits that wraps, of ticks of so many nanoseconds. */
uint32_t board_ticks(void);
extern const uint32_t board_tick_ns;

/* Called with interrupts masked: sleeps until an interrupt is pending, at most for [ticks]. A
 * board whose tick interrupts it anyway, periodically, may ignore [ticks]. It may return early. On
 * return interrupts are masked or not; mcu.c unmasks them. */
void board_sleep(uint32_t ticks);

/* ---- What the demos need --------------------------------------------------------------------- */

void board_led(int led, int on);                        /* two, or three; 0 or 1 */
int board_button(void);                                 /* 1: it is pressed */
void board_put(char byte);                              /* to the UART; waits for room */
void board_on_byte(void (*handler)(uint8_t byte));      /* called in the interrupt of each byte */

/* Calls [handler] in an interrupt handler, soon: what stands for a device that is simulated. */
void board_pend(void (*handler)(void));

/* The end of the program: 0 is well. On a board it stays here; emulators exit. */
_Noreturn void board_stop(int status);

#endif
