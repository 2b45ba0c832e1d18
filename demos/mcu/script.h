/* SPDX-License-Identifier: BSD-2-Clause
 * script.h: the tables of script.c: what comes from outside while a demo runs in an emulator. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdint.h>

/* Waits, then sets the button or sends the bytes, one each millisecond, as an interrupt of a UART
 * would; length 0: the level alone. The script ends the program. */
struct script {
    uint16_t wait;                  /* ms */
    uint8_t level;                  /* of the button, from then on */
    uint8_t length;
    const char *bytes;
};

extern const struct script script[];
extern const uint8_t script_length;

#endif
