/* You will see jobs of 5 s and 10 s take 15 s in turn, and 10 s as threads or as tasks. */
#define _POSIX_C_SOURCE 200809L
#include "clock.h"
#include "loop.h"
#include "options.h"

#include <pthread.h>
#include <string.h>

static const int lengths[] = { 5, 10 };     /* seconds */
static double scale;

/* One after the other. */
static void job_sync(int length)
{
    clock_print("start the job of %d s", length);
    clock_nap(length * scale);
    clock_print("stop the job of %d s", length);
}

static int jobs_sync(void) { return job_sync(lengths[0]), job_sync(lengths[1]), 0; }

/* Threads: a stack for each, and the kernel decides who runs. */
static void *job_thread(void *length) { return job_sync(*(const int *)length), NULL; }

static int jobs_threads(void)
{
    pthread_t threads[2];
    int n = 0;

    while (n < 2 && pthread_create(&threads[n], NULL, job_thread, (void *)&lengths[n]) == 0)
        n++;
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return n == 2 ? 0 : -1;
}

/* Tasks: a frame for each, and only an await lets another one run. */
struct job { co_frame; int length; };
co_define(job) {
    co_begin;
    clock_print("start the job of %d s", self->length);
    co_try(co_sleep(self->length * scale));
    clock_print("stop the job of %d s", self->length);
    co_end;
}

struct jobs { co_frame; struct co_task *tasks[2]; };
co_define(jobs) {
    co_begin;
    for (int i = 0; i < 2; i++)
        self->tasks[i] = co_spawn(job, .length = lengths[i]);
    co_try(co_gather(self->tasks, 2));
    co_finally;
    for (int i = 0; i < 2; i++)
        co_task_free(self->tasks[i]);
    co_end;
}

static int jobs_tasks(void) { return co_main(jobs) < 0 ? -1 : 0; }

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*run)(void); } forms[] = {
        { "sync", jobs_sync }, { "threads", jobs_threads }, { "tasks", jobs_tasks } };
    struct options options =
        options_read(argc, argv, "[--scale FACTOR] [--form sync|threads|tasks]");

    scale = options.scale;
    for (int i = 0; i < 3; i++) {
        double start = co_time();
        if (options.form && strcmp(options.form, forms[i].name) != 0)
            continue;
        if (forms[i].run() < 0)
            return fputs("durations: no thread or no loop could be made, or Ctrl-C\n", stderr), 1;
        printf("Cost time: %.2f, as %s\n", co_time() - start, forms[i].name);
    }
    return 0;
}
