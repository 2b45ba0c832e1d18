/* You will see 20 items pass a queue with room for 4, each once, in 0.8 s and not in 3 s. */
#define _POSIX_C_SOURCE 200809L
#include "clock.h"
#include "loop.h"
#include "options.h"

enum { PRODUCERS = 2, CONSUMERS = 3, EACH = 10, ITEMS = PRODUCERS * EACH, ROOM = 4 };

static double scale;
static struct co_queue queue;
static int room[ROOM], producing, times[ITEMS + 1];     /* how often each item was consumed */

/* As tasks: a producer waits while the queue is full, a consumer while it is empty. */
struct producer { co_frame; int item, i; };
co_define(producer) {
    co_begin;
    for (; self->i < EACH; self->i++) {
        co_try(co_sleep(0.05 * scale));
        self->item++;
        co_try(co_queue_put(&queue, &self->item));
    }
    co_finally;
    if (--producing == 0)
        co_queue_shutdown(&queue);            /* no more can be put; what is in can be got */
    co_end;
}

struct consumer { co_frame; int number, item, count; intptr_t n; };
co_define(consumer) {
    co_begin;
    for (;; self->count++) {
        co_await(self->n, co_queue_get(&queue, &self->item));
        if (self->n < 0)                /* -EPIPE: closed, and empty: that is the end */
            co_return(self->n == -EPIPE ? 0 : self->n);
        co_try(co_sleep(0.1 * scale));
        times[self->item]++;
    }
    co_finally;
    printf("consumer %d had %d items\n", self->number, self->count);
    co_end;
}

struct market { co_frame; int i; struct co_group all; };
co_define(market) {
    co_begin;
    co_queue_init(&queue, room, ROOM, sizeof *room);
    co_group_init(&self->all, NULL);
    for (producing = 0; producing < PRODUCERS; producing++)
        co_try(co_done(co_group_go(&self->all, producer, .item = producing * EACH)));
    for (self->i = 1; self->i <= CONSUMERS; self->i++)
        co_try(co_done(co_group_go(&self->all, consumer, .number = self->i)));
    co_finally;
    co_try(co_group_wait(&self->all));       /* nothing outlives it; its failure is ours */
    co_end;
}

static void prove(double start, const char *form)
{
    int sum = 0, once = 0;

    for (int i = 1; i <= ITEMS; times[i++] = 0)
        sum += times[i] * i, once += times[i] == 1;
    printf("Cost time: %.2f, %s: %d of %d items once, their sum is %d of %d\n",
           co_time() - start, form, once, ITEMS, sum, ITEMS * (ITEMS + 1) / 2);
}

int main(int argc, char **argv)
{
    double start = co_time();
    scale = options_read(argc, argv, "[--scale FACTOR]").scale;
    for (int i = 1; i <= ITEMS; i++)
        clock_nap((0.05 + 0.1) * scale), times[i]++;            /* makes it, consumes it */
    prove(start, "one after the other");
    start = co_time();
    if (co_main(market) < 0)
        return 1;
    prove(start, "as tasks");
    return 0;
}
