/* You will see a bell wait for all papers, with co_pause for one, and with co_thread for none. */
#include "options.h"
#include "thread.h"

enum { PAPERS = 8 };
enum way { ALONE, PAUSING, ON_THREADS };
static const char *const ways[] = { "alone", "with co_pause", "on co_thread" };
static double scale;

/* This works and does not wait. It has no await, so no other task of this thread runs meanwhile. */
static intptr_t correct(void *name)
{
    volatile unsigned mark = 1;

    for (long i = (long)(1e8 * scale); i > 0; i--)
        mark = mark * 1103515245 + 12345;
    return name ? 0 : (intptr_t)(mark >> 16);
}

/* Rings every 0.02 s, and keeps the longest that it was made to wait. */
struct bell { co_frame; double due, longest; };
co_define(bell) {
    co_begin;
    for (;;) {
        self->due = co_time() + 0.02 * scale;
        co_try(co_sleep_until(self->due));
        if (co_time() - self->due > self->longest)
            self->longest = co_time() - self->due;
    }
    co_end;
}

/* The cure: a thread of the pool corrects it, while this task waits as for any other op. */
struct paper { co_frame; intptr_t mark; };
co_define(paper) {
    co_begin;
    co_try(self->mark, co_thread(correct, NULL));
    co_end;
}

struct teacher {
    co_frame;
    enum way way;                       /* the argument */
    int i;
    double start;
    struct co_group papers;
    struct bell bell;
    struct co_task ringing;                /* in storage of ours, to read how long it waited */
};
co_define(teacher) {
    co_begin;
    co_task_init(&self->ringing, &self->bell, bell);
    co_group_init(&self->papers, NULL);
    co_try(co_sleep(0));                /* the bell is heard from now on */
    self->start = co_time();
    for (self->i = 0; self->i < PAPERS; self->i++)
        if (self->way == ON_THREADS)
            co_try(co_done(co_group_go(&self->papers, paper)));
        else if (correct(NULL), self->way == PAUSING)
            co_pause;
    co_try(co_group_wait(&self->papers));
    printf("Cost time: %.2f, %s; ", co_time() - self->start, ways[self->way]);
    co_try(co_sleep(0.03 * scale));
    printf("the bell waited up to %.3f s\n", self->bell.longest);
    co_finally;
    co_group_cancel(&self->papers);
    co_await(co_group_wait(&self->papers));
    co_cancel(&self->ringing);
    co_await(co_join(&self->ringing));
    co_end;
}
int main(int argc, char **argv)
{
    scale = options_read(argc, argv, "[--scale FACTOR]").scale;
    for (int way = ALONE; way <= ON_THREADS; way++)
        if (co_main(teacher, .way = (enum way)way) < 0)
            return 1;
    return 0;
}
