/* SPDX-License-Identifier: BSD-2-Clause
 * loop.h: the program's own loop. */
#ifndef LOOP_H
#define LOOP_H
#include "task.h"

struct loop { struct scheduler scheduler; int stopped; };
struct loop_options { int unused; };

#ifdef __cplusplus
extern "C" {
#endif
struct loop *loop_new(void);
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
void loop_free(struct loop *loop);
int loop_main(void);
double loop_time(void);
int loop_post(struct loop *loop, void (*fn)(void *), void *arg);
int loop_dump(const struct loop *loop);
#ifdef __cplusplus
}
#endif
#endif
