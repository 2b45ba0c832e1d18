/* You will see five hellos take 5 s one after the other, then 1 s as tasks, all at once. */
#define _POSIX_C_SOURCE 200809L
#include "clock.h"
#include "loop.h"
#include "options.h"

enum { HELLOS = 5 };

/* The synchronous form: each nap stops the whole program. */
static void hello_sync(int number, double seconds)
{
    clock_print("hello %d", number);
    clock_nap(seconds);
}

/* The same as a coroutine: co_sleep lets the others run. */
struct hello { co_frame; int number; double seconds; };
co_define(hello) {
    co_begin;
    clock_print("hello %d", self->number);
    co_try(co_sleep(self->seconds));
    co_end;
}

struct hellos {
    co_frame;
    double seconds;                     /* the argument */
    struct hello frames[HELLOS];        /* tasks in storage of our own: no allocation */
    struct co_task tasks[HELLOS], *all[HELLOS];
};

co_define(hellos) {
    co_begin;
    for (int i = 0; i < HELLOS; i++) {
        self->all[i] = &self->tasks[i];
        co_task_init(self->all[i], &self->frames[i], hello, .number = i + 1,
                     .seconds = self->seconds);
    }
    co_try(co_gather(self->all, HELLOS));
    co_end;
}

int main(int argc, char **argv)
{
    double seconds = options_read(argc, argv, "[--scale FACTOR]").scale;
    double start = co_time();

    for (int i = 0; i < HELLOS; i++)
        hello_sync(i + 1, seconds);
    printf("Cost time: %.2f, one after the other\n", co_time() - start);

    start = co_time();
    if (co_main(hellos, .seconds = seconds) < 0)
        return 1;
    printf("Cost time: %.2f, as tasks\n", co_time() - start);
    return 0;
}
