/* SPDX-License-Identifier: BSD-2-Clause
 * ring.h: a ring of bytes, which an interrupt handler writes and a task reads, without a lock. */
#ifndef RING_H
#define RING_H

#include "mcu.h"

enum { RING_SIZE = 64 };                        /* a power of two, at most 128 */

struct ring {
    struct co_isr_event filled;
    volatile uint8_t put, got;                  /* counts that wrap: each has one writer */
    volatile uint8_t lost;                      /* bytes that found no room */
    volatile uint8_t bytes[RING_SIZE];
};

/* From the handler. */
static inline void ring_put(struct ring *ring, uint8_t byte)
{
    uint8_t put = ring->put;

    if ((uint8_t)(put - ring->got) < RING_SIZE) {
        ring->bytes[put % RING_SIZE] = byte;
        ring->put = (uint8_t)(put + 1);
    } else {
        ring->lost = (uint8_t)(ring->lost + 1);
    }
    co_isr_event_set(&ring->filled);
}

/* From the task: the next byte, or -1. */
static inline int ring_get(struct ring *ring)
{
    uint8_t got = ring->got;
    int byte;

    if (got == ring->put)
        return -1;
    byte = ring->bytes[got % RING_SIZE];
    ring->got = (uint8_t)(got + 1);
    return byte;
}

#endif
