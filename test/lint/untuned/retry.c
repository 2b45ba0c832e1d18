/* Tries again until it works, or somebody cancels: right. */
#include "net.h"
#include "task.h"
#include <stdio.h>
#include <string.h>

struct dial { co_frame; int port, fd, attempt; double wait; struct co_connect slot; intptr_t r; };
static co_define(dial) {
    const char *const host = "127.0.0.1";
    co_begin;
    for (self->wait = 0.1;; self->wait *= 2) {
        co_await(self->r, co_connect(&self->slot, host, self->port));
        if (self->r >= 0 || self->r == -ECANCELED)
            co_return(self->r);
        if (++self->attempt == 5)
            break;
        co_try(co_sleep(self->wait));
    }
    co_return(self->r);
    co_end;
}

struct poll_it { co_frame; int fd; intptr_t n; char c; int open; };
static co_define(poll_it) {
    int was_open;
    co_begin;
    self->open = 1;
    while (self->open) {
        was_open = self->open;
        co_await(self->n, co_recv(self->fd, &self->c, 1));
        was_open = self->open;
        self->open = self->n > 0;
        if (was_open && !self->open)
            printf("it closed\n");
    }
    co_return(self->n);
    co_end;
}

struct top { co_frame; int fd; struct dial dial; struct poll_it poll; };
static co_define(top) {
    co_begin;
    co_try(self->fd, co_call(&self->dial, dial, .port = 7003));
    {
        int one = 1;
        printf("set %d\n", one);
    }
    co_await(co_call(&self->poll, poll_it, .fd = self->fd));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

int main(void) { return co_main(top) < 0; }
