/* SPDX-License-Identifier: BSD-2-Clause
 * frame_other.h: a coroutine of another file, as a library would export it. */
#ifndef FRAME_OTHER_H
#define FRAME_OTHER_H
#include "../coro.h"

/* Gives a + b, [pauses] resumes later. */
struct add { co_frame; int pauses, a, b; };
co_declare(add);

/* The same, so that a forgotten argument does not compile. */
co_op add_two(struct add *frame, int a, int b);

#endif
