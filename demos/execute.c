/* You will see that a coroutine does nothing until a loop runs it, and a task before and after. */
#include "loop.h"
#include "options.h"

#include <stdio.h>

struct work { co_frame; int x; };
co_define(work) {
    co_begin;
    printf("The coroutine runs with %d\n", self->x);
    co_try(co_sleep(0.1));
    co_return(self->x);
    co_end;
}

int main(int argc, char **argv)
{
    struct work frame;
    struct loop *loop;
    struct task *task;

    options_read(argc, argv, "");
    co_init(&frame, work, .x = 1);
    printf("A coroutine was made: nothing has run\n");

    loop = loop_new(NULL);
    task = loop ? task_spawn(work, .x = 1) : NULL;
    if (!task) {
        perror("execute: no loop or no task");
        loop_free(loop);
        return 1;
    }
    printf("A task was made: %s\n", task_state_name(task));
    loop_run(loop);
    printf("The loop has run: %s, result %d\n", task_state_name(task), (int)task_result(task));
    task_free(task);
    loop_free(loop);
    return 0;
}
