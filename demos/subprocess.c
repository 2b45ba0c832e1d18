/* You will see three children work at once, and a deadline kill a fourth, in 0.9 s and not 2.4. */
#include "net.h"
#include "options.h"
#include "process.h"
#include <sys/wait.h>

/* A child that says three lines, [nap] seconds before each. */
static int speaker_spawn(struct co_process *child, double nap)
{
    char seconds[32];
    char *argv[] = { "sh", "-c", "for i in 1 2 3; do sleep $0; echo line $i; done", seconds, NULL };

    snprintf(seconds, sizeof seconds, "%.3f", nap);
    return co_process_spawn(child, argv, &(struct co_process_options){ .out = CO_PROCESS_PIPE });
}

/* Prints what a child says, line by line as it comes. */
struct follow {
    co_frame;
    const char *name;           /* the arguments */
    double nap;
    intptr_t n;
    struct co_process child;
    struct co_stream lines;
    char *line, buf[256];
};
co_define(follow) {
    co_begin;
    co_try(co_done(speaker_spawn(&self->child, self->nap)));
    co_stream_init(&self->lines, self->child.out, self->buf, sizeof self->buf);
    for (;;) {
        co_try(self->n, co_read_line(&self->lines, &self->line));
        if (self->n == 0)
            break;
        printf("%s: %s\n", self->name, self->line);
    }
    co_try(self->n, co_child(&self->child));
    printf("%s has ended with %d\n", self->name, (int)self->n);
    co_finally;
    co_process_close(&self->child);
    co_end;
}

struct sleeper { co_frame; double seconds; struct co_process child; struct co_within deadline; };
co_define(sleeper) {
    static char *const argv[] = { "sleep", "1000", NULL };
    co_begin;
    co_try(co_done(co_process_spawn(&self->child, argv, NULL)));
    co_try(co_within(&self->deadline, self->seconds, co_child(&self->child)));
    co_finally;
    if (WIFSIGNALED(self->child.status))
        printf("sleeper was killed by signal %d\n", WTERMSIG(self->child.status));
    co_process_close(&self->child);
    co_end;
}

struct parent { co_frame; double scale, start; struct co_task *tasks[4]; intptr_t n; };
co_define(parent) {
    co_begin;
    self->start = co_time();
    self->tasks[0] = co_spawn(follow, .name = "hare", .nap = 0.1 * self->scale);
    self->tasks[1] = co_spawn(follow, .name = "fox", .nap = 0.2 * self->scale);
    self->tasks[2] = co_spawn(follow, .name = "tortoise", .nap = 0.3 * self->scale);
    self->tasks[3] = co_spawn(sleeper, .seconds = 0.6 * self->scale);
    co_await(self->n, co_gather(self->tasks, 4));
    if (self->n != -ETIMEDOUT)          /* which is the sleeper's */
        co_return(self->n);
    printf("Cost time: %.2f, one after the other it would be %.2f\n",
           co_time() - self->start, 2.4 * self->scale);
    co_finally;
    for (int i = 0; i < 4; i++)
        co_task_free(self->tasks[i]);
    co_end;
}

int main(int argc, char **argv)
{
    return co_main(parent, .scale = options_read(argc, argv, "[--scale FACTOR]").scale) < 0;
}
