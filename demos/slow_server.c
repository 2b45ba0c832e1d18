/* You will see an HTTP server that takes 3 s for an answer, and no longer for fifty at once. */
#define _POSIX_C_SOURCE 200809L
#include "http/http.h"
#include "options.h"
#include "pages.h"
#include "term.h"

#include <string.h>
#include <sys/socket.h>

enum { IDLE = 60, LINGER = 1, BODY_MAX = 1 << 20 };     /* seconds, seconds, bytes */

struct connection {
    co_frame;
    int fd;                             /* the arguments */
    const struct options *options;
    struct co_stream stream;
    struct http_head request;
    struct http_drop drop;
    struct co_within deadline;
    intptr_t n;
    char buf[HTTP_HEAD_MAX], answer[512];
};
co_define(connection) {
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    do {
        co_await(self->n, co_within(&self->deadline, IDLE,
                                    http_read_request(&self->request, &self->stream)));
        if (self->n > 0 && self->request.length > BODY_MAX)
            self->n = -EFBIG;
        if (!http_status(self->n))
            co_return(self->n);
        if (self->n > 0) {
            co_try(co_within(&self->deadline, IDLE,
                             http_drop(&self->drop, &self->stream, self->request.length)));
            co_try(co_sleep(self->options->delay));
        }
        answer_write(self->answer, sizeof self->answer, &self->request, self->n,
                     self->options->pages);
        co_try(co_send_all(self->fd, self->answer, strlen(self->answer)));
    } while (self->n > 0 && !self->request.close);
    shutdown(self->fd, SHUT_WR);        /* to close with input unread would take the answer back */
    co_await(co_within(&self->deadline, LINGER, http_drop(&self->drop, &self->stream, INT64_MAX)));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct server { co_frame; const struct options *options; int listener, fd; ev_signal term; };
co_define(server) {
    co_begin;
    term_start(&self->term);
    co_try(self->listener, co_done(co_tcp_listen("127.0.0.1", self->options->port, 0)));
    printf("Serving on http://127.0.0.1:%d/\n", co_tcp_port(self->listener));
    fflush(stdout);
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_go(connection, .fd = self->fd, .options = self->options) < 0)
            co_fd_close(self->fd);
    }
    co_finally;
    term_stop(&self->term);
    co_fd_close(self->listener);
    co_end;
}

int main(int argc, char **argv)
{
    struct options options = options_read(argc, argv, "[--port N] [--delay SECONDS] [--pages N]");
    intptr_t result = co_main(server, .options = &options);

    if (result != -ECANCELED)           /* which is Ctrl-C or SIGTERM */
        fprintf(stderr, "slow_server: port %d: %s: try another --port\n", options.port,
                strerror((int)-result));
    return result != -ECANCELED;
}
