/* SPDX-License-Identifier: BSD-2-Clause
 * stop.h: what misuse does on a board: the port's stop. Given to every file with -include. */
#ifndef STOP_H
#define STOP_H

_Noreturn void board_stop(int status);
#define CO_STOP(file, line, text) board_stop(1)

#endif
