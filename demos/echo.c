/* You will see an echo server, which returns the lines of any number of `nc 127.0.0.1 PORT`. */
#include "net.h"
#include "options.h"
#include "term.h"

#include <string.h>

struct session {
    co_frame;
    int fd;                     /* the argument */
    intptr_t n;
    char buf[4096];
};
co_define(session) {
    co_begin;
    for (;;) {
        co_try(self->n, co_recv(self->fd, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        co_try(co_send_all(self->fd, self->buf, (size_t)self->n));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct server { co_frame; int port, listener, fd; ev_signal term; };
co_define(server) {
    co_begin;
    term_start(&self->term);
    co_try(self->listener, co_done(co_tcp_listen("127.0.0.1", self->port, 0)));
    printf("Echoing on 127.0.0.1:%d\n", co_tcp_port(self->listener));
    fflush(stdout);
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_go(session, .fd = self->fd) < 0)
            co_fd_close(self->fd); /* no memory: the session that was not made owns nothing */
    }
    co_finally;
    term_stop(&self->term);
    co_fd_close(self->listener);
    co_end;
}

int main(int argc, char **argv)
{
    int port = options_read(argc, argv, "[--port N]").port;
    intptr_t result = co_main(server, .port = port);

    if (result != -ECANCELED)           /* which is Ctrl-C or SIGTERM */
        fprintf(stderr, "echo: port %d: %s: try another --port\n", port,
                strerror((int)-result));
    return result != -ECANCELED;
}
