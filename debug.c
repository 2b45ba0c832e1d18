/* SPDX-License-Identifier: BSD-2-Clause
 * debug.c: what CO_DEBUG sees of tasks: addresses of the C stack that are given to a wait, storage
 * that is used twice, requests that are swallowed, failures that nobody looked at. Empty without
 * that switch. What it sees of frames is in coro.h. */
#include "task_impl.h"

#if defined CO_DEBUG && !defined CO_TINY

#if __STDC_HOSTED__
#include <string.h>
#endif

/* ---- The C stack -----------------------------------------------------------------------------
 * What lies between the frame of step() and this one is gone when the body returns. */

CO_ATTRIBUTE_(noinline) static uintptr_t stack_here(void)
{
#if defined __GNUC__ && !defined __TINYC__
    return (uintptr_t)__builtin_frame_address(0);
#else
    return 0;
#endif
}

void co_debug_enter_(struct co_scheduler *s)
{
    s->debug.stack = stack_here();
    s->debug.dead = NULL;
}

/* A program may run its bodies on several stacks by means of its own: then the distance is that of
 * two mappings, and nothing is known. */
static int is_on_stack(const struct co_scheduler *s, const void *address)
{
    uintptr_t here = stack_here(), top = s->debug.stack;

    return s->current && here && top - here < 8U << 20 && (uintptr_t)address - here < top - here;
}

void co_debug_keeps_(const char *call, const void *address)
{
    struct co_scheduler *s = co_scheduler_;

    if (s && !s->debug.dead && is_on_stack(s, address))
        s->debug.dead = call;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

/* That the first bytes of some storage look like a living task says nothing: it may be fresh. */
static int is_alive(struct co_task *task)
{
    struct co_task *other = NULL;

    if (task->debug.self != task)
        return 0;
    while ((other = co_task_next(other)) != NULL && other != task) { }
    return other != NULL;
}

/* The task that runs the coroutine in [frame], among the eldest ones, or NULL. */
static struct co_task *runs_in(const struct co_head *frame)
{
    struct co_task *task = NULL;

    for (int i = 0; i < 100 && (task = co_task_next(task)) != NULL; i++)
        for (struct co_head *co = task->chain.top; co; co = co->caller)
            if (co == frame)
                return task;
    return NULL;
}

/* The place is that of the running task, or else that of [other]. */
static void stop_twice(const char *words, struct co_task *other)
{
    struct co_task *task = co_current() ? co_current() : other;
    char text[300];

    (void)co_words_(text, sizeof text, words, co_user_site_(other->chain.top), "");
    co_stop_(task, text, ": give each task storage of its own", "");
}

void co_debug_init_(struct co_task *task, const struct co_head *root)
{
    struct co_task *other;

    co_debug_keeps_("co_task_init", task);
    co_debug_keeps_("co_task_init", root);
    if (is_alive(task))
        stop_twice("co_task_init() of a task that has not ended, and stands at ", task);
    else if ((other = runs_in(root)) != NULL)
        stop_twice("co_task_init() with the frame of a task that has not ended, and stands at ",
                   other);
}

/* ---- Swallowed requests ----------------------------------------------------------------------
 * A task whose request was delivered is to end, after a clean-up that may await. It is told of when
 * it has gone on for long; or, when the program ends, when it comes back to where it waited. What
 * it awaits in co_finally does not count, nor do waits of the library's own coroutines. */

enum { MANY_WAITS = 100, ROUNDS_AT_END = 2 };

void co_debug_met_(struct co_task *task)
{
    if (task->debug.waits == 0)
        task->debug.waits = 1;
}

/* Whether a coroutine of this name is one of the library's; co_within waits for what the user's
 * coroutine awaits, and so it is not. */
static int is_library(const char *name)
{
    static const char within[] = "co_within";
    size_t i = 0;

    while (name[i] && name[i] == within[i])
        i++;
    return i >= 3 && i + 1 < sizeof within;
}

static int is_cleaning(struct co_head *co)
{
    const struct co_site *site = co_where(co);

    if (site && is_library(site->name))
        return 1;
    for (; co; co = co->caller) {
        site = co_where(co);
        if (site && site->cleans)
            return 1;
    }
    return 0;
}

static void tell_swallowed(struct co_task *task)
{
    const struct co_site *site = co_user_site_(task->chain.top);
    char text[200];

    task->debug.waits = UINT8_MAX;
    if (!site)
        return;
    co_words_(text, sizeof text, site->name, NULL, " was cancelled and goes on: leave when an "
              "await returns -ECANCELED, as co_try does");
    CO_WARN(site->file, site->line, text);
}

void co_debug_suspended_(struct co_scheduler *s, struct co_task *task)
{
    struct co_head *top = task->chain.top;

    if (CO_RARELY_(s->debug.dead != NULL))
        co_stop_(task, s->debug.dead, "() was given what lies on the C stack, which is gone when "
                 "the await suspends: make it a member of the frame", "");
    if (task->debug.waits == 0 || task->debug.waits == UINT8_MAX || is_cleaning(top))
        return;
    if (++task->debug.waits == 2) {
        task->debug.place = top->at.word;
        task->debug.frame = top;
    } else if (task->debug.place == top->at.word && task->debug.frame == top) {
        task->debug.rounds++;
    }
    if (task->debug.waits > MANY_WAITS || (s->debug.ends && task->debug.rounds >= ROUNDS_AT_END))
        tell_swallowed(task);
}

/* ---- Failures that nobody saw ---------------------------------------------------------------- */

/* With these the sessions of a server end, which nobody awaits, because the other side went away or
 * said what it should not. */
static int may_come_from_peer(intptr_t error)
{
#if __STDC_HOSTED__
    static const int errors[] = {
        EPIPE, ECONNRESET, ECONNABORTED, ETIMEDOUT, EPROTO, EBADMSG, ENOTCONN, EHOSTUNREACH,
        ENETUNREACH, ENETDOWN, EMSGSIZE, EILSEQ,
#ifdef ENODATA
        ENODATA,
#endif
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (error == -errors[i])
            return 1;
#endif
    return error == -ETIMEDOUT;
}

/* Adds two words behind the first [n] bytes of [text]. Returns how many it has now. */
static size_t add(char *text, size_t size, size_t n, const char *first, const char *second)
{
    (void)co_words_(text + n, size - n, first, NULL, second);
    while (text[n])
        n++;
    return n;
}

void co_debug_freed_(struct co_task *task)
{
    intptr_t result = task->chain.result;
    const struct co_site *site;
    char text[200], number[24] = "", *digit = number + sizeof number - 1;
    const char *error = "";
    size_t n;

    task->debug.self = NULL;
    if (result >= 0 || result == -ECANCELED || task->debug.seen
        || (task->flags & CO_TASK_GO_ && may_come_from_peer(result)))
        return;
    task->debug.seen = 1;
    site = co_user_site_(task->chain.top);
    if (!site)
        return;
    for (uintptr_t left = (uintptr_t)-result; left > 0; left /= 10)
        *--digit = (char)('0' + left % 10);
    *--digit = '-';
#if __STDC_HOSTED__
    if (result > -4096)
        error = strerror((int)-result);
#endif
    n = add(text, sizeof text, 0, "task ", site->name);
    n = add(text, sizeof text, n, " failed with ", digit);
    n = add(text, sizeof text, n, *error ? " (" : "", error);
    (void)add(text, sizeof text, n, *error ? ")" : "", " and nobody looked");
    CO_WARN(site->file, site->line, text);
}

#endif
