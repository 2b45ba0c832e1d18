/* SPDX-License-Identifier: BSD-2-Clause
 * i2c_sim.c: a thermometer at address 0x48 that is faulty. Every second transfer fails, by turns
 * because it hangs and because it does not answer. */
#include "i2c.h"
#include "board.h"

static void (*on_done)(int8_t);
static int8_t result;
static uint8_t transfers;

static void transfer_over(void)
{
    if (on_done)
        on_done(result);
}

void i2c_read(uint8_t device, uint8_t reg, uint8_t *to, uint8_t n, void (*done)(int8_t))
{
    uint16_t value = (uint16_t)(0x1900 + 0x40 * transfers);     /* 25 degrees and rising */

    on_done = done;
    result = device == 0x48 && reg == 0 && n == 2 && transfers % 4 != 2 ? 0 : -1;
    if (result == 0) {
        to[0] = (uint8_t)(value >> 8);
        to[1] = (uint8_t)value;
    }
    if (transfers++ % 4 != 0)                   /* else the bus hangs */
        board_pend(transfer_over);
}

void i2c_reset(void)
{
    on_done = 0;
}
