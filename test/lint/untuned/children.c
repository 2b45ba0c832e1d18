/* Runs programs, waits for them with and without the loop. */
#define _POSIX_C_SOURCE 200809L
#include "loop.h"
#include "process.h"
#include "thread.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static intptr_t heavy(void *arg)
{
    sleep(1);
    return *(int *)arg + 1;
}

struct old_way { co_frame; pid_t pid; int status, ready; struct pollfd p; };
co_define(old_way) {
    co_begin;
    self->pid = fork();
    if (self->pid == 0)
        _exit(3);
    while (waitpid(self->pid, &self->status, WNOHANG) == 0)
        co_try(co_sleep(0.01));
    self->pid = fork();
    if (self->pid == 0)
        _exit(4);
    waitpid(self->pid, &self->status, 0);
    self->p.events = POLLIN;
    self->ready = poll(&self->p, 1, 0);
    if (!self->ready)
        self->ready = poll(&self->p, 1, 1000);
    co_end;
}

struct new_way { co_frame; int number; intptr_t r; };
co_define(new_way) {
    int arg;
    co_begin;
    self->number = 41;
    co_try(self->r, co_thread(heavy, &self->number));
    arg = 5;
    co_try(self->r, co_thread(heavy, &arg));
    while (self->r > 0) {
        int step = (int)self->r / 2 + 1;
        if (step > 3)
            co_await(co_sleep(0.1));
        else
            step = 1;
        self->r -= step;
    }
    co_end;
}

struct ticker { co_frame; int n; };
co_define(ticker) {
    co_begin;
    do
        co_await(co_sleep(0.5));
    while (1);
    co_end;
}

struct run { co_frame; struct old_way old; struct new_way new; struct co_task *ticker; };
co_define(run) {
    co_begin;
    if (!(self->ticker = co_spawn(ticker)))
        co_return(-ENOMEM);
    co_try(co_call(&self->old, old_way));
    co_try(co_call(&self->new, new_way));
    co_finally;
    co_cancel(self->ticker);
    co_await(co_join(self->ticker));
    co_task_free(self->ticker);
    co_end;
}

int main(void) { return co_main(run) < 0; }
