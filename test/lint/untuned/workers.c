/* A pool of workers behind a semaphore. */
#include "loop.h"
#include "group.h"
#include "sync.h"
#include <stdio.h>

static struct co_semaphore slots;

struct work { co_frame; int number; intptr_t r; };
co_define(work) {
    co_begin;
    co_try(co_semaphore_acquire(&slots));
    printf("%d works\n", self->number);
    co_try(co_sleep(0.5));
    co_finally;
    co_semaphore_release(&slots);
    co_end;
}

struct careful { co_frame; int number, inside; };
co_define(careful) {
    co_begin;
    co_try(co_semaphore_acquire(&slots));
    self->inside = 1;
    co_try(co_sleep(0.5));
    co_finally;
    if (self->inside)
        co_semaphore_release(&slots);
    co_end;
}

struct heartbeat { co_frame; int beats; };
co_define(heartbeat) {
    co_begin;
    while (1) {
        co_await(co_sleep(1));
        printf("beat %d\n", ++self->beats);
    }
    co_end;
}

struct boss { co_frame; struct co_group group; int i; };
co_define(boss) {
    co_begin;
    co_semaphore_init(&slots, 2, 0);
    co_group_init(&self->group, NULL);
    for (int i = 0; i < 10; i++)
        co_group_go(&self->group, work, .number = i);
    if (co_group_go(&self->group, careful, .number = 10) < 0)
        printf("no room\n");
    co_go(heartbeat);
    co_await(co_group_wait(&self->group));
    co_finally;
    co_group_cancel(&self->group);
    co_await(co_group_wait(&self->group));
    co_end;
}

int main(void) { return co_main(boss) < 0; }
