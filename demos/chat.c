/* You will see a chat, in which each line of one `nc 127.0.0.1 PORT` goes to all the others. */
#include "net.h"
#include "options.h"
#include "outbox.h"
#include "term.h"

#include <string.h>

/* What a client is to get waits in an outbox of its own, so that nobody waits for a slow one; and
 * if that is full, the client is disconnected, so that no line is lost silently. */
enum { CLIENTS = OUTBOX_ROOM };

struct session {
    co_frame;
    int fd, number;                     /* the argument; its index below */
    struct co_task *task;
    struct outbox outbox;
    struct co_stream stream;
    intptr_t n;
    char *text, buf[OUTBOX_LINE - 16];
};
static struct session *sessions[CLIENTS];
CO_TASK_POOL(pool, session, CLIENTS);
co_define(session) {
    co_begin;
    outbox_start(&self->outbox, self->fd);
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    while (sessions[self->number])
        self->number++;
    sessions[self->number] = self;
    self->task = co_current();
    outbox_put(&self->outbox, self->number, "that is you");
    for (;;) {
        co_try(self->n, co_read_line(&self->stream, &self->text));
        if (self->n == 0)
            break;
        for (int i = 0; i < CLIENTS; i++)
            if (sessions[i] && i != self->number
                && outbox_put(&sessions[i]->outbox, self->number, self->text) < 0)
                co_cancel(sessions[i]->task);
        co_pause;                       /* the outboxes send after each line */
    }
    co_finally;
    sessions[self->number] = NULL;
    co_await(outbox_end(&self->outbox));
    co_fd_close(self->fd);
    co_end;
}

struct server { co_frame; int port, listener, fd; ev_signal term; struct co_group sessions; };
co_define(server) {
    co_begin;
    term_start(&self->term);
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1, .pool = &pool });
    co_try(self->listener, co_done(co_tcp_listen("127.0.0.1", self->port, 0)));
    printf("Chatting on 127.0.0.1:%d\n", co_tcp_port(self->listener));
    fflush(stdout);
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_group_go(&self->sessions, session, .fd = self->fd) < 0)
            co_fd_close(self->fd);         /* the pool is used up */
    }
    co_finally;
    term_stop(&self->term);
    co_group_cancel(&self->sessions);
    co_await(co_group_wait(&self->sessions));
    co_fd_close(self->listener);
    co_end;
}

int main(int argc, char **argv)
{
    int port = options_read(argc, argv, "[--port N]").port;
    intptr_t result = co_main(server, .port = port);

    if (result != -ECANCELED)           /* which is Ctrl-C or SIGTERM */
        fprintf(stderr, "chat: port %d: %s: try another --port\n", port, strerror((int)-result));
    return result != -ECANCELED;
}
