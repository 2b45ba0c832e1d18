/* SPDX-License-Identifier: BSD-2-Clause
 * scripts.c: the input of each demo in an emulator; SCRIPT_NAME is the demo. */
#include "script.h"

#define BYTES(text) sizeof text - 1, text

const struct script script[] = {
#if defined SCRIPT_blinky
    { .wait = 1600 }
#elif defined SCRIPT_sensor
    { .wait = 4500 }
#elif defined SCRIPT_button
    { 50, 1, 0, 0 },                                        /* a click that bounces */
    { 3, 0, 0, 0 }, { 2, 1, 0, 0 }, { 3, 0, 0, 0 }, { 4, 1, 0, 0 },
    { 100, 0, 0, 0 }, { 3, 1, 0, 0 }, { 4, 0, 0, 0 },
    { 500, 1, 0, 0 }, { 80, 0, 0, 0 }, { 120, 1, 0, 0 }, { 80, 0, 0, 0 },       /* two clicks */
    { 500, 1, 0, 0 }, { 1000, 0, 0, 0 },                    /* held */
    { 500, 1, 0, 0 }, { 7, 0, 0, 0 },                       /* too short to be anything */
    { 500, 1, 0, 0 }, { 80, 0, 0, 0 },                      /* a click */
    { 500, 0, 0, 0 }
#elif defined SCRIPT_modbus
    { 10, 0, BYTES("\x11\x03\x00\x00\x00\x02\xC6\x9B") },    /* read two registers */
    { 10, 0, BYTES("\x11\x06\x00\x01\x12\x34\xD7\xED") },    /* write one */
    { 10, 0, BYTES("\x11\x10\x00\x02\x00\x02\x04\xAB\xCD\x00\x55\x57\x52") },
    /* write two */
    { 10, 0, BYTES("\x11\x03\x00\x01\x00\x03\x56\x9B") },    /* read all three */
    { 10, 0, BYTES("\x11\x03\x00\x0F\x00\x02\xF6\x98") },    /* beyond the end: exception 2 */
    { 10, 0, BYTES("\x11\x03\x00\x00\x00\x00\x47\x5A") },    /* none: exception 3 */
    { 10, 0, BYTES("\x11\x05\x00\x00\xFF\x00\x8E\xAA") },    /* no such function: exception 1 */
    { 10, 0, BYTES("\x11\x10\x00\x00\x00\x02\x03\x00\x01\x00\x95\x83") },
    /* a wrong count: exception 3 */
    { 10, 0, BYTES("\x12\x03\x00\x00\x00\x01\x86\xA9") },    /* for another slave */
    { 10, 0, BYTES("\x00\x06\x00\x00\x07\x77\xCA\x0D") },    /* a broadcast is not answered */
    { 10, 0, BYTES("\x11\x03\x00\x00\x00\x01\x86\x9A") },    /* but it was done */
    { 10, 0, BYTES("\x11\x03\x00\x00\x00\x01\x87\x9A") },    /* a wrong CRC */
    { 10, 0, BYTES("\x11\x03\x00") },    /* one frame with a silence */
    { 10, 0, BYTES("\x00\x00\x01\x86\x9A") },    /* inside is none */
    { 10, 0, BYTES("\x11\x03\x00\x00\x00\x01\x86\x9A") },    /* and again */
    { 10, 0, 0, 0 }
#endif
};
const uint8_t script_length = sizeof script / sizeof *script;
