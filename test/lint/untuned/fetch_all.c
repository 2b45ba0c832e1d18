/* Fetches from several ports at once, and sums what came. */
#include "net.h"
#include "group.h"
#include <stdio.h>
#include <string.h>

struct one { co_frame; int port, fd; char text[16]; };
co_define(one) {
    struct co_connect slot;
    struct co_within deadline = { .ns = 0 };
    co_begin;
    co_try(self->fd, co_within(&deadline, 1, co_connect(&slot, "127.0.0.1", self->port)));
    co_try(co_recv_exact(self->fd, self->text, 15));
    co_return(strlen(self->text));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct all { co_frame; struct co_task *tasks[4]; intptr_t n; long sum; struct one frames[4]; };
co_define(all) {
    co_begin;
    int ports[4] = { 9001, 9002, 9003, 9004 };
    for (int i = 0; i < 4; i++)
        self->tasks[i] = co_spawn(one, .port = ports[i]);
    for (int i = 0; i < 4; i++) {
        co_await(self->n, co_join(self->tasks[i]));
        if (self->n > 0)
            self->sum += self->n;
    }
    printf("%ld from %d and others\n", self->sum, ports[0]);
    co_spawn(one, .port = 9005);
    co_finally;
    for (int i = 0; i < 4; i++)
        co_task_free(self->tasks[i]);
    co_end;
}

int main(void) { return co_main(all) < 0; }
