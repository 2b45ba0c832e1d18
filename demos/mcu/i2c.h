/* SPDX-License-Identifier: BSD-2-Clause
 * i2c.h: a transfer on an I2C bus that ends by an interrupt, or never. i2c_sim.c simulates a
 * thermometer; a board's own bus has the same two calls. */
#ifndef I2C_H
#define I2C_H

#include <stdint.h>

/* Starts to read [n] bytes from register [reg] of [device] into [to]. [done] is called in an
 * interrupt handler: with 0, or negative: the device does not answer. */
void i2c_read(uint8_t device, uint8_t reg, uint8_t *to, uint8_t n, void (*done)(int8_t result));
void i2c_reset(void);                           /* gives up: done is not called any more */

#endif
