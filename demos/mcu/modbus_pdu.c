/* SPDX-License-Identifier: BSD-2-Clause
 * modbus_pdu.c: functions 3 (read holding registers), 6 (write one) and 16 (write several). */
#include "modbus_pdu.h"

enum { READ = 3, WRITE = 6, WRITE_MANY = 16, HEAD = 6, CRC = 2 };
enum { FINE, ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE };

static uint16_t crc_of(const uint8_t *bytes, uint8_t n)
{
    uint16_t crc = 0xFFFF;

    while (n-- > 0) {
        crc ^= *bytes++;
        for (uint8_t bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return crc;
}

static uint16_t word(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Both give an exception's code, or FINE; [n] is the length without the CRC, and of the answer. */
static uint8_t read_registers(uint8_t *frame, uint8_t *n, const uint16_t *registers, uint16_t count)
{
    uint16_t first = word(frame + 2), many = word(frame + 4);

    if (*n != HEAD || many == 0 || 3 + 2 * many + CRC > MODBUS_SIZE)
        return ILLEGAL_VALUE;
    if (first >= count || many > count - first)
        return ILLEGAL_ADDRESS;
    frame[2] = (uint8_t)(2 * many);
    for (uint8_t i = 0; i < many; i++) {
        frame[3 + 2 * i] = (uint8_t)(registers[first + i] >> 8);
        frame[4 + 2 * i] = (uint8_t)registers[first + i];
    }
    *n = (uint8_t)(3 + 2 * many);
    return FINE;
}

static uint8_t write_registers(const uint8_t *frame, uint8_t *n, uint16_t *registers,
                               uint16_t count)
{
    uint16_t first = word(frame + 2), many = word(frame + 4);

    if (*n < HEAD + 1 || many == 0 || frame[HEAD] != 2 * many || *n != HEAD + 1 + 2 * many)
        return ILLEGAL_VALUE;
    if (first >= count || many > count - first)
        return ILLEGAL_ADDRESS;
    for (uint16_t i = 0; i < many; i++)
        registers[first + i] = word(frame + HEAD + 1 + 2 * i);
    *n = HEAD;
    return FINE;
}

static uint8_t answer(uint8_t *frame, uint8_t *n, uint16_t *registers, uint16_t count)
{
    switch (frame[1]) {
    case READ:
        return *n < HEAD ? ILLEGAL_VALUE : read_registers(frame, n, registers, count);
    case WRITE:
        if (*n != HEAD)
            return ILLEGAL_VALUE;
        if (word(frame + 2) >= count)
            return ILLEGAL_ADDRESS;
        registers[word(frame + 2)] = word(frame + 4);
        return FINE;
    case WRITE_MANY:
        return *n < HEAD ? ILLEGAL_VALUE : write_registers(frame, n, registers, count);
    default:
        return ILLEGAL_FUNCTION;
    }
}

uint8_t modbus_answer(uint8_t *frame, uint8_t n, uint8_t address, uint16_t *registers,
                      uint16_t count)
{
    uint8_t error, to = frame[0];
    uint16_t crc;

    if (n < 2 + CRC || crc_of(frame, n) != 0 || (to != address && to != 0))
        return 0;
    n = (uint8_t)(n - CRC);
    error = answer(frame, &n, registers, count);
    if (to == 0)
        return 0;
    if (error) {
        frame[1] |= 0x80;
        frame[2] = error;
        n = 3;
    }
    crc = crc_of(frame, n);
    frame[n] = (uint8_t)crc;
    frame[n + 1] = (uint8_t)(crc >> 8);
    return (uint8_t)(n + CRC);
}
