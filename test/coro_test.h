/* SPDX-License-Identifier: BSD-2-Clause
 * coro_test.h: what the tests of coro.h share. */
#ifndef CORO_TEST_H
#define CORO_TEST_H
#include "test.h"
#include "../coro.h"

/* Resumes [chain] to its end. How often it had to. */
static inline int finish(struct co_chain *chain)
{
    int resumes = 1;

    while (co_resume(chain) != CO_RETURNED)
        if (++resumes > 1000)
            fail_msg("this chain does not end");
    return resumes;
}

/* The child of most tests: pauses [pauses] times, then gives [value]. */
struct steps { co_frame; int pauses; intptr_t value; };
static co_define(steps) {
    co_begin;
    while (self->pauses > 0) {
        self->pauses--;
        co_pause;
    }
    co_return(self->value);
    co_end;
}

#endif
