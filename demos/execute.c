/* You will see that nothing of a coroutine or a task runs before the loop does. */
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
    struct co_loop *loop;
    struct co_task *task;

    options_read(argc, argv, "");
    co_init(&frame, work, .x = 1);
    printf("A coroutine was made: nothing has run\n");

    loop = co_loop_new(NULL);
    task = loop ? co_spawn(work, .x = 1) : NULL;
    if (!task) {
        perror("execute: no loop or no task");
        co_loop_free(loop);
        return 1;
    }
    printf("A task was made: %s\n", co_task_state_name(task));
    co_loop_run(loop);
    printf("The loop has run: %s, result %d\n", co_task_state_name(task),
           (int)co_task_result(task));
    co_task_free(task);
    co_loop_free(loop);
    return 0;
}
