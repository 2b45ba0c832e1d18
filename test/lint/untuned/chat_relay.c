/* Relays lines between two clients that connect to one port. */
#include "net.h"
#include <stdio.h>
#include <string.h>

struct pump { co_frame; int from, to; intptr_t n; long total; };
co_define(pump) {
    char buf[1024];
    co_begin;
    for (;;) {
        co_try(self->n, co_recv(self->from, buf, sizeof buf));
        if (self->n == 0)
            break;
        self->total += self->n;
        co_try(co_send_all(self->to, buf, (size_t)self->n));
    }
    printf("%ld bytes\n", self->total);
    co_end;
}

struct relay { co_frame; int listener, a, b; struct pump left, right; struct co_task tasks[2]; };
co_define(relay) {
    struct co_task *both[2];
    co_begin;
    co_try(self->listener, co_done(co_tcp_listen("127.0.0.1", 7001, 0)));
    co_try(self->a, co_accept(self->listener));
    co_try(self->b, co_accept(self->listener));
    co_task_init(&self->tasks[0], &self->left, pump, .from = self->a, .to = self->b);
    co_task_init(&self->tasks[1], &self->right, pump, .from = self->b, .to = self->a);
    both[0] = &self->tasks[0];
    both[1] = &self->tasks[1];
    co_try(co_gather(both, 2));
    co_finally;
    co_fd_close(self->a);
    co_fd_close(self->b);
    co_fd_close(self->listener);
    co_end;
}

int main(void) { return co_main(relay) < 0; }
