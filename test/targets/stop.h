/* SPDX-License-Identifier: BSD-2-Clause
 * stop.h: what misuse does on a machine without processes: it is told to bare.h, which expects it
 * or fails the test. Given to every file with -include. Under CO_TINY without the file's name, for
 * the RAM that it would cost on AVR. */
#ifndef TARGETS_STOP_H
#define TARGETS_STOP_H

__attribute__((noreturn)) void target_stop(const char *file, int line, const char *text);
#ifdef CO_TINY
#define CO_STOP(file, line, text) ((void)(file), target_stop("", line, text))
#else
#define CO_STOP(file, line, text) target_stop(file, line, text)
#endif

#endif
