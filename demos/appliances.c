/* You will see three machines run while you do the chores, in 60 minutes and not in 135. */
#define _POSIX_C_SOURCE 200809L
#include "clock.h"
#include "loop.h"
#include "options.h"

struct job { const char *name; int minutes; };

/* What runs by itself can be asynchronous; what needs your hands is done one after the other. */
static const struct job machines[] = {
    { "the washing machine", 60 }, { "the rice cooker", 40 }, { "the kettle", 5 } };
static const struct job chores[] = { { "sweeping", 15 }, { "cooking", 15 } };
enum { MACHINES = 3, CHORES = 2 };

static double minute, start;            /* seconds that a minute takes here; when it began */

static void say(const char *what, const struct job *job)
{
    printf("%4.0f min: %s %s\n", minute > 0 ? (co_time() - start) / minute : 0, what, job->name);
}

/* One after the other: you stand before each machine until it is done. */
static void wait_sync(const char *what, const struct job *job)
{
    say(what, job);
    clock_nap(job->minutes * minute);
    say("done:", job);
}

/* As tasks: each machine is started, and waits without you. */
struct machine { co_frame; const struct job *job; };
co_define(machine) {
    co_begin;
    say("start", self->job);
    co_try(co_sleep(self->job->minutes * minute));
    say("done:", self->job);
    co_end;
}

struct you { co_frame; int i; struct co_group running; };
co_define(you) {
    co_begin;
    co_group_init(&self->running, NULL);
    for (self->i = 0; self->i < MACHINES; self->i++)
        co_try(co_done(co_group_go(&self->running, machine, .job = &machines[self->i])));
    co_try(co_sleep(0));                /* they start now */
    for (self->i = 0; self->i < CHORES; self->i++) {
        say("begin", &chores[self->i]);
        co_try(co_sleep(chores[self->i].minutes * minute));
        say("done:", &chores[self->i]);
    }
    co_try(co_group_wait(&self->running));
    co_finally;
    co_group_cancel(&self->running);       /* Ctrl-C: no machine is left on */
    co_await(co_group_wait(&self->running));
    co_end;
}

int main(int argc, char **argv)
{
    minute = 0.05 * options_read(argc, argv, "[--scale FACTOR]").scale;
    start = co_time();
    for (int i = 0; i < MACHINES; i++)
        wait_sync("start", &machines[i]);
    for (int i = 0; i < CHORES; i++)
        wait_sync("begin", &chores[i]);
    printf("Cost time: %.2f, one after the other\n", co_time() - start);

    start = co_time();
    if (co_main(you) < 0)
        return 1;
    printf("Cost time: %.2f, as tasks\n", co_time() - start);
    return 0;
}
