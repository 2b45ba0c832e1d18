/* SPDX-License-Identifier: BSD-2-Clause
 * loop_dump.c: co_loop_dump: every task of a loop, and what it awaits. */
#include "loop_impl.h"

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
