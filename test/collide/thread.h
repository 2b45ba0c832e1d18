/* SPDX-License-Identifier: BSD-2-Clause
 * thread.h: the program's own threads. */
#ifndef THREAD_H
#define THREAD_H
struct thread { int number; };

#ifdef __cplusplus
extern "C" {
#endif
int thread_limit(int limit);
int loop_threads(int n);
#ifdef __cplusplus
}
#endif
#endif
