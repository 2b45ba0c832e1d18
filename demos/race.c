/* You will see the fastest of three mirrors win, and the others cancelled, in 0.5 s and not 4.5. */
#include "net.h"
#include "options.h"

enum { MIRRORS = 3 };
static const double delays[MIRRORS] = { 2.5, 0.5, 1.5 };        /* seconds to the answer */
static double scale;
static int ports[MIRRORS];

/* A server, one connection at a time. */
struct mirror { co_frame; int number, listener, fd; };
co_define(mirror) {
    co_begin;
    co_try(self->listener, co_done(co_tcp_listen("127.0.0.1", 0, 0)));
    ports[self->number] = co_tcp_port(self->listener);
    for (;; co_fd_close(self->fd), self->fd = -1) {
        co_try(self->fd, co_accept(self->listener));
        co_try(co_sleep(delays[self->number] * scale));
        co_await(co_send_all(self->fd, "Hello!", 6));   /* fails if the client has gone */
    }
    co_finally;
    co_fd_close(self->fd);
    co_fd_close(self->listener);
    co_end;
}

/* A client of one mirror. However it ends, its co_finally runs, and the connection is closed. */
struct fetch { co_frame; int mirror, fd; intptr_t n; struct co_connect connect; char text[7]; };
co_define(fetch) {
    co_begin;
    co_try(self->fd, co_connect(&self->connect, "127.0.0.1", ports[self->mirror]));
    co_try(self->n, co_recv_exact(self->fd, self->text, 6));
    co_finally;
    printf("mirror %d: %s\n", self->mirror, self->n > 0 ? self->text : "no answer, closed");
    co_fd_close(self->fd);
    co_end;
}

/* The index of the first that succeeds; a mirror that fails first has not won. */
struct race {
    co_frame;
    int i;
    intptr_t n;
    struct co_as_completed each;
    struct co_task *all[MIRRORS];
};
co_define(race) {
    co_begin;
    for (int i = 0; i < MIRRORS; i++)
        self->all[i] = co_spawn(fetch, .mirror = i);
    co_as_completed_init(&self->each, self->all, MIRRORS);
    co_for_each(self->n, &self->each)
        if (co_task_result(self->each.task) >= 0)
            co_return(CO_TASK_FRAME(self->each.task, fetch)->mirror);
    co_return(self->n < 0 ? self->n : -EHOSTUNREACH);
    co_finally;
    co_await(co_gen_close(&self->each));
    for (int i = 0; i < MIRRORS; i++)
        co_cancel(self->all[i]);                      /* the losers */
    co_await(co_gather(self->all, MIRRORS));            /* and their clean-up */
    for (int i = 0; i < MIRRORS; i++)
        co_task_free(self->all[i]);
    co_end;
}

struct demo { co_frame; int i; double start; struct fetch fetch; struct race race; };
co_define(demo) {
    co_begin;
    for (int i = 0; i < MIRRORS; i++)
        if (co_go(mirror, .number = i, .fd = -1) < 0)
            co_return(-ENOMEM);
    co_try(co_sleep(0));                                /* they listen now */
    for (self->start = co_time(); self->i < MIRRORS; self->i++)
        co_try(co_call(&self->fetch, fetch, .mirror = self->i));
    printf("Cost time: %.2f, one after the other\n", co_time() - self->start);

    self->start = co_time();
    co_try(self->i, co_call(&self->race, race));
    printf("Cost time: %.2f, mirror %d has won\n", co_time() - self->start, self->i);
    co_end;
}
int main(int argc, char **argv)
{
    scale = options_read(argc, argv, "[--scale FACTOR]").scale;
    return co_main(demo) < 0;
}
