/* SPDX-License-Identifier: BSD-2-Clause
 * You will see a web server, which serves the files below DIR to curl, wrk, ab and browsers.
 *
 * A connection receives into one buffer, parses each request there in place, writes the answers to
 * all of them into another buffer, and sends it. So any number of requests takes two awaits. */
#define _GNU_SOURCE
#include "http/answer.h"
#include "net.h"
#include "options.h"
#include "term.h"

#include <stdatomic.h>

enum { BODY_MAX = 1 << 16, ROOM = 16384 };      /* bytes of a body to drop; of answers to send */
#define TICK 0.25                               /* seconds */
#define NAP 0.05
#define LINGER 2.0

/* What a connection does, each with a limit of its own: it waits for a request, receives the rest
 * of one, sends, has sent its last answer. */
enum state { IDLE, REQUEST, SEND, LAST, STATES };

struct ticker { co_frame; struct server *server; };
struct hello { char text[256]; size_t head, size; };

struct server {
    co_frame;
    const struct options *options;      /* the arguments */
    const int *listeners;               /* one a loop */
    int root, fd, naps;
    bool is_closing;
    ev_signal term;
    struct co_group tasks;            /* the connections */
    struct connection *connections;     /* those that have begun, in a list */
    struct co_task ticker_task;
    struct ticker ticker;
    int64_t ticks, limits[STATES];      /* the time, and the limits, in ticks */
    time_t time;
    char date[DATE_ROOM];
    struct hello hello[2];              /* hello[1] says close */
};

struct connection {
    co_frame;
    struct server *server;              /* the arguments */
    int fd;
    struct connection *next, **at;      /* in the server's list; who points here */
    struct co_task *task;
    enum state state;
    bool wants_more, is_last, is_late;
    int64_t due;                        /* the tick in which the state has lasted too long */
    intptr_t n;
    struct http_message request;
    size_t start, end;                  /* of what was received and is not used */
    size_t out_size;
    int64_t drop;                       /* bytes of a body that are to be dropped */
    int file;                           /* what follows the answers, or -1 */
    int64_t file_first;
    size_t file_size, file_seen;        /* how much of it was sent at the last look */
    struct co_sendfile sendfile;
    char in[HTTP_HEAD_MAX], out[ROOM];
};

/* Set when one loop ends: the others see it at their next tick. */
static atomic_bool stopping;

/* ---- Time: no clock is read, and no timer armed, for a request ------------------------------- *
 * A deadline is a store: the tick at which it ends. A task that wakes each TICK looks at all
 * connections, and cancels those that are late. It makes the Date as well. A co_within around each
 * receive and send would read the clock and use the timers' heap twice a request: 1 to 2 % of its
 * CPU time. Where that is nothing, it is simpler: see slow_server.c. */

static void connection_state(struct connection *c, enum state state)
{
    c->state = state;
    c->due = c->server->ticks + c->server->limits[state];
}

static void connection_look(struct connection *c)
{
    if (c->state == SEND && c->file >= 0 && c->sendfile.done != c->file_seen) {     /* progress */
        c->file_seen = c->sendfile.done;
        connection_state(c, SEND);
    }
    if (c->is_late || (c->due > c->server->ticks && !(c->state == IDLE && c->server->is_closing)))
        return;
    c->is_late = true;
    co_cancel(c->task);
}

static void hello_make(struct hello *h, const char *date, bool close)
{
    static const char body[] = "Hello!\n";
    struct answer a = { .status = 200, .type = "text/plain", .size = sizeof body - 1 };

    h->head = answer_write(h->text, &a, date, false, close);
    h->size = h->head + sizeof body - 1;
    memcpy(h->text + h->head, body, sizeof body - 1);
}

static void server_tick(struct server *server)
{
    time_t now = time(NULL);

    server->ticks++;
    if (now != server->time) {
        server->time = now;
        date_write(server->date, now);
        for (int close = 0; close < 2; close++)
            hello_make(&server->hello[close], server->date, close);
    }
    for (struct connection *c = server->connections; c; c = c->next)
        connection_look(c);
    if (atomic_load(&stopping) && !server->is_closing) {
        server->is_closing = true;
        co_fd_close(server->listeners[co_loop_index()]);      /* co_accept gives -EBADF */
    }
}

co_define(ticker) {
    co_begin;
    for (;;) {
        server_tick(self->server);
        co_try(co_sleep(TICK));
    }
    co_end;
}

/* ---- Connections ----------------------------------------------------------------------------- */

static void connection_open(struct connection *c)
{
    struct server *server = c->server;

    c->task = co_current();
    c->file = -1;
    c->at = &server->connections;
    c->next = server->connections;
    if (c->next)
        c->next->at = &c->next;
    server->connections = c;
    connection_state(c, IDLE);
}

static void connection_close(struct connection *c)
{
    struct linger reset = { .l_onoff = 1 };
    struct answer a = { .status = 408 };

    if (c->is_late && c->state == REQUEST)
        (void)send(c->fd, c->out, answer_write(c->out, &a, c->server->date, false, true),
                   MSG_DONTWAIT | MSG_NOSIGNAL);
    if (c->is_late && c->state == SEND)         /* nobody takes what the kernel still holds */
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (c->file >= 0)
        close(c->file);
    co_fd_close(c->fd);
    *c->at = c->next;
    if (c->next)
        c->next->at = c->at;
}

/* The body is in the open [file]: a short one is sent together with its head. A file that has
 * become shorter meanwhile ends the connection, for its size is told already. */
static void connection_file(struct connection *c, const struct answer *a)
{
    if (a->size > (int64_t)(ROOM - c->out_size)) {
        c->file = a->file;
        c->file_first = a->first;
        c->file_size = (size_t)a->size;
        c->file_seen = 0;
        c->sendfile.done = 0;
        return;
    }
    ssize_t n = pread(a->file, c->out + c->out_size, (size_t)a->size, (off_t)a->first);

    close(a->file);
    c->is_last |= n < a->size;
    c->out_size += n > 0 ? (size_t)n : 0;
}

/* Answers the request at [head], which is as long as [size] says; or failed, as that says. */
static void connection_respond(struct connection *c, const char *head, intptr_t size)
{
    const struct server *server = c->server;
    const struct http_message *m = &c->request;
    const struct hello *hello;
    char path[PATH_ROOM];
    struct answer a = { .status = answer_refusal(m, head, size, BODY_MAX), .file = -1,
                        .path = path };

    c->is_last = server->is_closing || answer_is_last(m, size, BODY_MAX);
    c->drop = m->length;
    if (a.status == 0 && server->options->hello) {
        hello = &server->hello[c->is_last];
        memcpy(c->out + c->out_size, hello->text, hello->size);
        c->out_size += m->is_head ? hello->head : hello->size;
        return;
    }
    if (a.status == 0)
        answer_find(&a, server->root, m, head, server->time);
    c->out_size += answer_write(c->out + c->out_size, &a, server->date, m->is_head, c->is_last);
    if (a.file >= 0)
        connection_file(c, &a);
}

/* Answers the requests that were received, until a file is to be sent first, or there is no room
 * for one more. Whether more must be received to go on. */
static bool connection_answer(struct connection *c)
{
    while (!c->is_last && c->file < 0 && ROOM - c->out_size >= ANSWER_MAX) {
        size_t left = c->end - c->start, drop = c->drop < (int64_t)left ? (size_t)c->drop : left;
        intptr_t n;

        c->start += drop;
        c->drop -= (int64_t)drop;
        n = http_parse(&c->request, c->in + c->start, left - drop);
        if (n == 0)
            return true;
        connection_respond(c, c->in + c->start, n);
        c->start += n > 0 ? (size_t)n : 0;
        c->request = (struct http_message){ .size = 0 };
    }
    return false;
}

/* Room for the next bytes, and the limit that holds until they come. */
static void connection_expect(struct connection *c)
{
    enum state state = c->end > c->start || c->drop > 0 ? REQUEST : IDLE;

    memmove(c->in, c->in + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
    if (state != c->state)              /* else the limit of the whole request goes on */
        connection_state(c, state);
}

co_define(connection) {
    co_begin;
    connection_open(self);
    while (!self->is_last) {
        self->wants_more = connection_answer(self);
        if (self->out_size > 0) {
            connection_state(self, SEND);
            co_try(co_send_all(self->fd, self->out, self->out_size));
            self->out_size = 0;
        }
        if (self->file >= 0) {
            co_try(self->n, co_sendfile(self->fd, &self->sendfile, self->file, self->file_first,
                                        self->file_size));
            self->is_last |= (size_t)self->n < self->file_size;         /* it became shorter */
            close(self->file);
            self->file = -1;
        }
        if (self->wants_more) {
            connection_expect(self);
            co_try(self->n, co_recv(self->fd, self->in + self->end, sizeof self->in - self->end));
            if (self->n == 0)
                co_return(0);
            self->end += (size_t)self->n;
        }
    }
    connection_state(self, LAST);
    shutdown(self->fd, SHUT_WR);        /* to close with input unread would take the answer back */
    do
        co_try(self->n, co_recv(self->fd, self->in, sizeof self->in));
    while (self->n > 0);
    co_finally;
    connection_close(self);
    co_end;
}

/* ---- The server ------------------------------------------------------------------------------ */

static void server_open(struct server *server)
{
    const struct options *o = server->options;
    const double limits[STATES] = { [IDLE] = o->idle_limit, [REQUEST] = o->head_limit,
                                    [SEND] = o->send_limit, [LAST] = LINGER };

    for (int i = 0; i < STATES; i++)
        server->limits[i] = (int64_t)(limits[i] / TICK) + 2;    /* never too early */
    co_group_init(&server->tasks, &(struct co_group_options){ .collect = 1 });
    co_task_init(&server->ticker_task, &server->ticker, ticker, .server = server);
    if (co_loop_index() > 0)
        return;
    term_start(&server->term);          /* libev wants a signal in one loop only */
    printf(strchr(o->host, ':') ? "Serving %s on http://[%s]:%d/\n"
                                : "Serving %s on http://%s:%d/\n",
           o->hello ? "a hello" : o->dir, o->host, co_tcp_port(server->listeners[0]));
    fflush(stdout);
}

static void server_close(struct server *server)
{
    if (co_loop_index() == 0)
        term_stop(&server->term);
    if (!server->is_closing)
        co_fd_close(server->listeners[co_loop_index()]);
    server->is_closing = true;
    atomic_store(&stopping, true);
    server_tick(server);                /* what is idle ends at once */
}

co_define(server) {
    co_begin;
    server_open(self);
    for (;;) {
        co_await(self->fd, co_accept(self->listeners[co_loop_index()]));
        if (self->fd < 0)
            co_return(self->is_closing ? 0 : self->fd);
        if (co_group_go(&self->tasks, connection, .server = self, .fd = self->fd) < 0)
            co_fd_close(self->fd);
    }
    co_finally;                         /* a cancel in here, by another loop, cuts one nap short */
    server_close(self);
    for (self->naps = 0; self->tasks.count > 0
         && self->naps * NAP < self->options->grace; self->naps++)
        co_await(co_sleep(NAP));
    co_group_cancel(&self->tasks);
    co_await(co_group_wait(&self->tasks));
    co_cancel(&self->ticker_task);
    co_await(co_join(&self->ticker_task));
    co_end;
}

/* ---- The program ----------------------------------------------------------------------------- */

static int fail(const char *what, int error, const char *advice)
{
    return fprintf(stderr, "httpd: %s: %s: %s\n", what, strerror(-error), advice), 1;
}

int main(int argc, char **argv)
{
    struct options options = options_read(argc, argv, "[--host ADDRESS] [--port N] [-j N] "
        "[--head-limit SECONDS] [--idle-limit SECONDS] [--send-limit SECONDS] [--grace SECONDS] "
        "--hello | DIR");
    int listeners[JOBS_MAX], root = -1, port = options.port;
    intptr_t result;

    if (!options.hello && (root = open(options.dir, O_DIRECTORY | O_CLOEXEC)) < 0)
        return fail(options.dir, -errno, "name the directory that has the files");
    for (int i = 0; i < options.jobs; i++) {
        listeners[i] = co_tcp_listen(options.host, port, options.jobs > 1 ? CO_TCP_REUSEPORT : 0);
        if (listeners[i] < 0)
            return fail(options.host, listeners[i], "try another --port or --host");
        port = co_tcp_port(listeners[i]);
    }
    result = co_loop_threads((unsigned)options.jobs, server, .options = &options, .root = root,
                          .listeners = listeners);
    if (root >= 0)
        close(root);
    if (result < 0 && result != -ECANCELED)     /* which is Ctrl-C or SIGTERM */
        return fail(options.host, (int)result, "it cannot go on");
    return 0;
}
