/* SPDX-License-Identifier: BSD-2-Clause
 * stop.h: on a machine without processes, misuse calls bare.h, which expects it or fails the test.
 * Every file is compiled with -include stop.h. Under CO_TINY the file's name is left out, since it
 * would cost RAM on AVR. */
#ifndef TARGETS_STOP_H
#define TARGETS_STOP_H

__attribute__((noreturn)) void target_stop(const char *file, int line, const char *text);
#ifdef CO_TINY
#define CO_STOP(file, line, text) ((void)(file), target_stop("", line, text))
#else
#define CO_STOP(file, line, text) target_stop(file, line, text)
#endif

#endif
