/* SPDX-License-Identifier: BSD-2-Clause
 * coverage.h: included before all in the build of make coverage: a misuse that stops the program
 * counts as reached. Without system headers, which must see the macros of the files first. */
#ifndef COVERAGE_H
#define COVERAGE_H

#ifdef __cplusplus
extern "C" {
#endif
int dprintf(int fd, const char *format, ...);
void abort(void);
void __gcov_dump(void);
#ifdef __cplusplus
}
#endif
#define CO_STOP(file, line, text) \
    (dprintf(2, "%s:%d: %s\n", file, line, text), __gcov_dump(), abort())

#endif
