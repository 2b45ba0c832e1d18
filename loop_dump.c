/* SPDX-License-Identifier: BSD-2-Clause
 * loop_dump.c: co_loop_dump: every task of a loop, and what it awaits; and under CO_DEBUG the place
 * of a task that dies by a signal. */
#define _GNU_SOURCE
#include "loop_impl.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The op of a site's text "lvalue, op". */
static const char *op_text(const char *text)
{
    int depth = 0;

    for (const char *p = text; *p; p++) {
        depth += (*p == '(' || *p == '{' || *p == '[') - (*p == ')' || *p == '}' || *p == ']');
        if (*p == ',' && depth == 0)
            return p + 1 + (p[1] == ' ');
    }
    return text;
}

static void task_dump(struct co_task *task, FILE *to)
{
    static const char *const steps[] = { "ready", "running", "waiting", "ended" };

    fprintf(to, "task %p %s: %s", (void *)task, co_task_name(task), steps[task->step]);
    if (task->wait && task->step == 2)
        fprintf(to, " in %s", task->wait->name);
    fputc('\n', to);
    for (struct co_head *co = task->chain.top; co; co = co->caller) {
        const struct co_site *site = co_where(co);
        if (site)
            fprintf(to, "    %s:%d  %s  %s\n", site->file, site->line, site->name,
                    op_text(site->text));
    }
}

void co_loop_dump(struct co_loop *loop, FILE *to)
{
    struct co_scheduler *here = co_scheduler_get();

    if (loop)
        co_scheduler_set(&loop->scheduler);     /* whose tasks co_task_next goes through */
    for (struct co_task *task = NULL; (task = co_task_next(task)) != NULL; )
        task_dump(task, to);
    co_scheduler_set(here);
}

/* ---- Crashes ---------------------------------------------------------------------------------
 * A wild pointer is mostly a local that did not survive an await. The handler runs once, so that
 * what it reads may be broken, too; then the fault comes again, and kills as usual. It has a stack
 * of its own, for the fault may be that there is no more of the other one. */

#if defined CO_DEBUG && !defined CO_TINY
enum { NULL_PAGE = 4096 };
enum { DEEP = 64 << 10, DEEPEST = 256 << 20 };      /* bytes below the loop's own frame */

/* Whether the fault at [address] is that of a frame for which the C stack has no room. */
static int is_overflow(const void *address)
{
    uintptr_t depth = co_loop_this_ ? co_loop_this_->stack - (uintptr_t)address : 0;

    return depth > DEEP && depth < DEEPEST;
}

/* An address that no machine can have comes as 0, too, but by another code. */
static int is_null(const siginfo_t *info)
{
    return info->si_signo == SIGSEGV && info->si_code == SEGV_MAPERR
        && (uintptr_t)info->si_addr < NULL_PAGE;
}

static void on_crash(int signo, siginfo_t *info, void *context)
{
    struct co_task *task = co_current();
    const struct co_site *site = NULL;
    char text[400];

    (void)context;
    if (task && is_overflow(info->si_addr)) {       /* nor has it for co_where, which enters it */
        union { co_body *body; void *address; } at = { task->chain.top->body };

        snprintf(text, sizeof text, "%s: no more room on the C stack for the body at %p, which "
                 "your debugger or addr2line can name: without optimisation co_call() makes the "
                 "new frame there, so keep large buffers out of frames\n", strsignal(signo),
                 at.address);
    } else if (task && (site = co_user_site_(task->chain.top)) != NULL) {
        snprintf(text, sizeof text, "%s:%d: %s: in %s, behind this await or above the first: %s\n",
                 site->file, site->line, strsignal(signo), site->name,
                 is_null(info) ? "it used a null pointer"
                 : "a local that was set before an await is rubbish after it; make it a member of "
                   "the frame");
    } else {
        snprintf(text, sizeof text, "%s: outside of tasks\n", strsignal(signo));
    }
    if (write(STDERR_FILENO, text, strlen(text)) < 0 || info->si_code <= 0)
        raise(signo);                   /* somebody sent it: it does not come again by itself */
}

static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
enum { CRASHES = sizeof crashes / sizeof *crashes };
static int loops;                       /* of all threads */

static int is_handler(int signo, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction now;

    if (sigaction(signo, NULL, &now) < 0)
        return 0;
    return now.sa_flags & SA_SIGINFO ? now.sa_sigaction == handler
                                     : !handler && now.sa_handler == SIG_DFL;
}

void co_loop_tell_crashes_(void)
{
    static char room[64 << 10];
    stack_t stack = { .ss_sp = room, .ss_size = sizeof room }, old;
    struct sigaction action = { .sa_sigaction = on_crash };

    __atomic_add_fetch(&loops, 1, __ATOMIC_RELAXED);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND | SA_NODEFER;
    for (int i = 0; i < CRASHES; i++)
        if (is_handler(crashes[i], NULL))
            (void)sigaction(crashes[i], &action, NULL);
    if (sigaltstack(NULL, &old) == 0 && old.ss_flags & SS_DISABLE)
        (void)sigaltstack(&stack, NULL);
}

void co_loop_tell_no_crashes_(void)
{
    if (__atomic_sub_fetch(&loops, 1, __ATOMIC_RELAXED) > 0)
        return;
    for (int i = 0; i < CRASHES; i++)
        if (is_handler(crashes[i], on_crash))
            (void)signal(crashes[i], SIG_DFL);
}
#endif
