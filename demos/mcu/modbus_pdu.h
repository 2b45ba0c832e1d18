/* SPDX-License-Identifier: BSD-2-Clause
 * modbus_pdu.h: makes the answer of a Modbus RTU slave to a frame, without waiting or I/O. */
#ifndef MODBUS_PDU_H
#define MODBUS_PDU_H

#include <stdint.h>

enum { MODBUS_SIZE = 48 };                      /* of a frame; the standard has up to 256 */

/* Answers the frame of [n] bytes in [frame], in place, for the slave [address] with [count] holding
 * registers. The length of the answer; 0: none (not for us, broken, or a broadcast). */
uint8_t modbus_answer(uint8_t *frame, uint8_t n, uint8_t address, uint16_t *registers,
                      uint16_t count);

#endif
