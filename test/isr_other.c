/* SPDX-License-Identifier: BSD-2-Clause
 * isr_other.c: for isr.c: coroutines as a microcontroller has them: CO_TINY, and a stop hook. */
#include <setjmp.h>

static _Noreturn void stop_hook(void);
#undef CO_STOP
#define CO_STOP(file, line, text) stop_hook()
#ifndef CO_TINY
#define CO_TINY
#endif
#undef CO_LABELS                    /* there an await in a switch is fine */
#include "../coro.h"

int tiny_resumed_after_its_end(void);
int tiny_awaits_in_a_switch(void);

static jmp_buf stopped;

static _Noreturn void stop_hook(void)
{
    longjmp(stopped, 1);
}

struct brief { co_frame; };
static co_define(brief) {
    co_begin;
    co_end;
}

struct in_switch { co_frame; int n; };
static co_define(in_switch) {
    co_begin;
    switch (self->n) {
    case 100:
        co_pause;       /* co-lint: off(co-await-in-switch), since it must stop here */
    }
    co_end;
}

/* 1: the hook was called. */
int tiny_resumed_after_its_end(void)
{
    static struct brief frame;
    static struct co_chain chain;

    co_start(&chain, &frame, brief);
    if (co_resume(&chain) != CO_RETURNED)
        return 0;
    if (setjmp(stopped))
        return 1;
    co_resume(&chain);
    return 0;
}

int tiny_awaits_in_a_switch(void)
{
    static struct in_switch frame;
    static struct co_chain chain;

    co_start(&chain, &frame, in_switch, .n = 100);
    if (co_resume(&chain) != CO_PAUSED)
        return 0;
    if (setjmp(stopped))
        return 1;
    co_resume(&chain);
    return 0;
}
