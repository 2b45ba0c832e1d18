/* You will see a key-value server, which redis-cli -p PORT and redis-benchmark -p PORT can use. It
 * has the commands on strings: GET SET MGET MSET DEL EXISTS INCR EXPIRE TTL and others, which
 * COMMAND lists. */
#define _POSIX_C_SOURCE 200809L
#include "kv/commands.h"
#include "net.h"
#include "options.h"
#include "kv/resp.h"
#include "term.h"

#include <stdlib.h>
#include <string.h>

enum { IN_ROOM = 16 << 10, FEW = 16, LINGER = 1 };      /* bytes, arguments, seconds */

/* ---- A connection ---------------------------------------------------------------------------- */

struct drain { co_frame; int fd; char *to; size_t size; intptr_t n; };
co_define(drain) {
    co_begin;
    do
        co_try(self->n, co_recv(self->fd, self->to, self->size));
    while (self->n > 0);
    co_end;
}

struct session {
    co_frame;
    int fd;                             /* the arguments */
    const struct options *options;
    struct kv *kv;
    intptr_t n;
    enum { READ, SEND, CLOSE } next;
    char *in;                           /* what was received; from start to end it is to be done */
    size_t start, end, room;
    struct resp resp;
    bool is_begun;                      /* a part of a request waits for the rest, until [due] */
    double due;
    struct resp_arg few[FEW];           /* its arguments, unless there are more */
    struct kv_reply reply;
    struct co_within deadline;
    struct drain drain;
};

static void args_few(struct session *s)
{
    if (s->resp.args != s->few)
        free(s->resp.args);
    s->resp.args = s->few;
    s->resp.room = FEW;
}

static int args_grow(struct session *s)
{
    bool is_few = s->resp.args == s->few;
    struct resp_arg *args = realloc(is_few ? NULL : s->resp.args,
                                    s->resp.room * 2 * sizeof *args);

    if (!args)
        return -ENOMEM;
    if (is_few)
        memcpy(args, s->few, sizeof s->few);
    s->resp.args = args;
    s->resp.room *= 2;
    return 0;
}

/* An array of arguments, a request and a reply are bounded by what one argument may be. */
static int session_open(struct session *s)
{
    uint32_t bulk = (uint32_t)s->options->max_bulk, request = 4 * bulk + (1 << 20);

    s->kv->connected++;
    s->kv->connections++;
    resp_init(&s->resp, (struct resp_limits){ bulk, request, 1 << 20 });
    args_few(s);
    s->reply.max = request;
    s->room = IN_ROOM;
    s->in = malloc(s->room);
    return s->in ? reply_make(&s->reply) : -ENOMEM;
}

static void session_close(struct session *s)
{
    s->kv->connected--;
    args_few(s);
    free(s->in);
    free(s->reply.bytes);
    co_fd_close(s->fd);
}

/* Makes room for the rest of a request, or for the next one: as little as before a large one. What
 * free() gets back it has at hand for the next large one; a realloc() to less would unmap it. */
static int in_make_room(struct session *s)
{
    char *in;

    if (s->start > 0)
        memmove(s->in, s->in + s->start, s->end - s->start);
    s->end -= s->start;
    s->start = 0;
    if (s->end == s->room) {
        if (!(in = realloc(s->in, s->room * 2)))
            return -ENOMEM;
        s->in = in;
        s->room *= 2;
    } else if (s->end == 0 && s->room > IN_ROOM && (in = malloc(IN_ROOM))) {
        free(s->in);
        s->in = in;
        s->room = IN_ROOM;
    }
    return 0;
}

static void session_execute(struct session *s)
{
    struct kv_call call = { s->kv, &s->reply, s->in + s->start, s->resp.args, s->resp.count,
                            false, NULL };

    if (call.count > 0)
        kv_execute(&call);
    s->is_begun = false;
    s->start += s->resp.used;
    if (s->resp.room > FEW && s->start == s->end)
        args_few(s);
    if (call.quit)
        s->next = CLOSE;
}

/* Executes the requests that are there; the replies are in one piece then. What to do next. */
static void session_run(struct session *s)
{
    int error = 0;

    s->next = READ;
    while (s->next == READ && error == 0) {
        if (s->reply.size > KV_REPLY_ROOM - KV_REPLY_SPARE) {
            s->next = SEND;             /* and then go on: what waits to be sent is bounded */
            return;
        }
        switch (resp_parse(&s->resp, s->in + s->start, s->end - s->start)) {
        case RESP_REQUEST:
            session_execute(s);
            break;
        case RESP_ARGS:
            error = args_grow(s);
            break;
        case RESP_BAD:
            reply_error(&s->reply, "ERR %s", s->resp.error);
            s->next = CLOSE;
            break;
        case RESP_MORE:
            error = in_make_room(s);
            if (error == 0)
                return;
        }
    }
    if (error < 0) {
        reply_error(&s->reply, "OOM out of memory for this request");
        s->next = CLOSE;
    }
}

/* More bytes. For a request to begin it waits as long as it takes; once one has begun, all of it
 * must come in time, or those who send it slowly, or never, would hold its memory for ever. */
static co_op session_recv(struct session *s)
{
    co_op op;

    if (s->end > 0 && !s->is_begun)
        s->due = co_time() + s->options->patience;
    s->is_begun = s->end > 0;
    op = co_recv(s->fd, s->in + s->end, s->room - s->end);
    return s->is_begun ? co_within(&s->deadline, s->due - co_time(), op) : op;
}

co_define(session) {
    co_begin;
    co_try(co_done(session_open(self)));
    do {
        co_try(self->n, session_recv(self));
        if (self->n == 0)
            co_return(0);
        self->end += (size_t)self->n;
        do {
            session_run(self);
            if (self->reply.size == 0)
                continue;
            co_try(co_within(&self->deadline, self->options->patience,
                             co_send_all(self->fd, self->reply.bytes, self->reply.size)));
            self->reply.size = 0;
            (void)reply_make(&self->reply);     /* without memory it stays as large as it is */
        } while (self->next == SEND);
    } while (self->next != CLOSE);
    shutdown(self->fd, SHUT_WR);        /* to close with input unread would take the reply back */
    co_await(co_within(&self->deadline, LINGER, co_call(&self->drain, drain, .fd = self->fd,
                                                        .to = self->in, .size = self->room)));
    co_finally;
    session_close(self);
    co_end;
}

/* ---- The server ------------------------------------------------------------------------------ */

struct server {
    co_frame;
    const struct options *options;      /* the argument */
    struct kv kv;
    int listener, fd;
    ev_signal term;
    struct co_group sessions;
};
co_define(server) {
    co_begin;
    term_start(&self->term);
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    kv_init(&self->kv.store, (size_t)self->options->max_memory);
    co_try(self->listener, co_done(co_tcp_listen("127.0.0.1", self->options->port, 0)));
    self->kv.port = co_tcp_port(self->listener);
    self->kv.max_bulk = (uint32_t)self->options->max_bulk;
    self->kv.started = kv_now();
    printf("Keeping keys on 127.0.0.1:%d\n", self->kv.port);
    fflush(stdout);
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_group_go(&self->sessions, session, .fd = self->fd, .options = self->options,
                     .kv = &self->kv) < 0)
            co_fd_close(self->fd); /* no memory: the session that was not made owns nothing */
    }
    co_finally;
    term_stop(&self->term);
    co_group_cancel(&self->sessions);
    co_await(co_group_wait(&self->sessions));
    kv_clear(&self->kv.store);
    co_fd_close(self->listener);
    co_end;
}

int main(int argc, char **argv)
{
    struct options options = options_read(argc, argv, "[--port N] [--max-bulk BYTES] "
                                          "[--max-memory BYTES] [--patience SECONDS]");
    intptr_t result;

    kv_commands_init();
    result = co_main(server, .options = &options);
    if (result != -ECANCELED)           /* which is Ctrl-C or SIGTERM */
        fprintf(stderr, "kv: port %d: %s: try another --port\n", options.port,
                strerror((int)-result));
    return result != -ECANCELED;
}
