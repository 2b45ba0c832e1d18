/* SPDX-License-Identifier: BSD-2-Clause
 * say.h: text and numbers to the UART, without printf. */
#ifndef SAY_H
#define SAY_H

#include "board.h"

static inline void say(const char *text)
{
    while (*text)
        board_put(*text++);
}

static inline void say_number(uint32_t number)
{
    char digits[10];
    uint8_t n = 0;

    do
        digits[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n > 0)
        board_put(digits[--n]);
}

static inline void say_hex(uint8_t byte)
{
    board_put("0123456789ABCDEF"[byte >> 4]);
    board_put("0123456789ABCDEF"[byte & 15]);
}

#endif
