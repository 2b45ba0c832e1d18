/* SPDX-License-Identifier: BSD-2-Clause
 * battery_net.h: programs of the battery on fds: TCP, unix sockets, pipes, files, datagrams,
 * streams. What is received is compared with what was sent. */
#ifndef BATTERY_NET_H
#define BATTERY_NET_H
#include "battery_sync.h"

/* The byte at place [i] of everything that is sent. */
static char byte_at(size_t i)
{
    return (char)(i * 7 + i / 256);
}

static void bytes_make(char *to, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = byte_at(from + i);
}

static bool bytes_are(const char *bytes, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != byte_at(from + i))
            return false;
    return true;
}

static void end_fd(int *fd)
{
    if (*fd >= 0)
        co_fd_close(*fd);
    *fd = -1;
}

/* ---- echo: a server, its sessions and its clients, by TCP and by a unix socket --------------- */

enum { MESSAGE = 3000 };

struct session { co_frame; int fd; struct co_within slot; intptr_t n; char buf[512]; };
static co_define(session)
{
    co_begin;
    enters;
    for (;;) {
        co_try(self->n, co_within(&self->slot, LONG,
                                  co_recv(self->fd, self->buf, sizeof self->buf)));
        if (self->n == 0)
            break;
        co_try(co_send_all(self->fd, self->buf, (size_t)self->n));
    }
    co_finally;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

struct server { co_frame; struct co_group sessions; int listener, fd; };
static co_define(server)
{
    co_begin;
    enters;
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_group_go(&self->sessions, session, .fd = self->fd) < 0)
            co_fd_close(self->fd);
    }
    co_finally;
    co_fd_close(self->listener);
    co_group_cancel(&self->sessions);
    co_await(co_group_wait(&self->sessions));
    leaves;
    co_end;
}

/* Sends messages of several sizes, and gets each back. */
struct client {
    co_frame;
    int port;
    const char *path;
    int fd;
    union { struct co_connect tcp; struct co_connect_unix unix_; } connect;
    struct co_within slot;
    size_t size;
    intptr_t n;
    char out[MESSAGE], in[MESSAGE];
};
static co_define(client)
{
    co_begin;
    enters;
    self->fd = -1;
    if (self->path)
        co_try(self->fd, co_connect_unix(&self->connect.unix_, self->path));
    else
        co_try(self->fd, co_connect(&self->connect.tcp, "127.0.0.1", self->port));
    bytes_make(self->out, 0, MESSAGE);
    for (self->size = 3; self->size <= MESSAGE; self->size *= 10) {
        co_try(self->n, co_send_all(self->fd, self->out, self->size));
        check_equal(self->n, self->size);
        co_try(self->n, co_within(&self->slot, LONG,
                                  co_recv_exact(self->fd, self->in, self->size)));
        check_equal(self->n, self->size);
        check(bytes_are(self->in, 0, self->size));
    }
    co_finally;
    end_fd(&self->fd);
    leaves;
    co_end;
}

static char socket_path[64];            /* in a directory that main() makes */

/* Clients of one server, which is cancelled when they are done. The server closes its listener. */
struct echo { co_frame; int is_unix, fd, port; struct co_task *tasks[3]; struct crew crew; int i; };
static co_define(echo)
{
    co_begin;
    enters;
    self->fd = self->is_unix ? co_unix_listen(socket_path) : co_tcp_listen(NULL, 0, 0);
    co_try(co_done(self->fd));
    self->port = self->is_unix ? 0 : co_tcp_port(self->fd);
    self->tasks[0] = co_spawn(server, .listener = self->fd);
    if (!self->tasks[0])
        co_return(-ENOMEM);
    self->fd = -1;
    for (self->i = 1; self->i < 3; self->i++)
        self->tasks[self->i] = co_spawn(client, .port = self->port,
                                        .path = self->is_unix ? socket_path : NULL);
    co_try(co_gather(self->tasks + 1, 2));
    co_finally;
    end_fd(&self->fd);
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 3));
    if (self->is_unix)
        unlink(socket_path);
    leaves;
    co_end;
}
MAIN(echo);

struct unix_echo { co_frame; struct echo echo; };
static co_define(unix_echo)
{
    co_begin;
    co_try(co_call(&self->echo, echo, .is_unix = 1));
    co_end;
}
MAIN(unix_echo);

/* ---- pipes: read, write, readable, writable -------------------------------------------------- */

enum { PIPED = 20000 };
static struct account piped;

struct pipe_in { co_frame; int fd; size_t done; intptr_t n; char buf[1024]; };
static co_define(pipe_in)
{
    co_begin;
    enters;
    while (self->done < PIPED) {
        co_try(co_writable(self->fd));
        bytes_make(self->buf, self->done, sizeof self->buf);
        co_try(self->n, co_write(self->fd, self->buf,
                                 PIPED - self->done < sizeof self->buf ? PIPED - self->done
                                                                       : sizeof self->buf));
        self->done += (size_t)self->n;
        piped.made += self->n;
    }
    co_finally;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

struct pipe_out {
    co_frame;
    int fd;
    size_t done;
    struct co_within slot;
    intptr_t n;
    char buf[700];
};
static co_define(pipe_out)
{
    co_begin;
    enters;
    for (;;) {
        co_try(co_within(&self->slot, LONG, co_readable(self->fd)));
        co_try(self->n, co_read(self->fd, self->buf, sizeof self->buf));
        if (self->n == 0)
            break;
        check(bytes_are(self->buf, self->done, (size_t)self->n));
        self->done += (size_t)self->n;
        piped.used += self->n;
        if (self->done % 3 == 0)
            co_try(co_sleep(0.01));
    }
    co_finally;
    while ((self->n = read(self->fd, self->buf, sizeof self->buf)) > 0)
        piped.wasted += self->n;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

/* What is in the pipe when its reader goes is counted there; what comes after that, cannot. */
struct pipes { co_frame; int fds[2]; struct co_task *tasks[2]; struct crew crew; };
static co_define(pipes)
{
    co_begin;
    enters;
    piped = (struct account){ .made = 0 };
    self->fds[0] = self->fds[1] = -1;
    co_try(co_done(co_fd_pipe(self->fds)));
    self->tasks[0] = co_spawn(pipe_in, .fd = self->fds[1]);
    self->fds[1] = self->tasks[0] ? -1 : self->fds[1];
    self->tasks[1] = co_spawn(pipe_out, .fd = self->fds[0]);
    self->fds[0] = self->tasks[1] ? -1 : self->fds[0];
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    co_try(co_gather(self->tasks, 2));
    check_equal(piped.used, PIPED);
    co_finally;
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 2));
    if (self->tasks[1])
        check_account(piped);
    leaves;
    co_end;
}
MAIN(pipes);

/* ---- files: sendfile, recv, send: in parts --------------------------------------------------- */

enum { FILED = 50000 };
static int file_fd;                     /* of FILED such bytes; main() makes it */

struct file_in { co_frame; int fd; struct co_sendfile slot; intptr_t n; };
static co_define(file_in)
{
    co_begin;
    enters;
    co_try(self->n, co_sendfile(self->fd, &self->slot, file_fd, 100, FILED));
    check_equal(self->n, FILED - 100);
    co_try(self->n, co_send(self->fd, ".", 1));
    co_finally;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

struct file_out {
    co_frame;
    int fd;
    size_t done;
    struct co_within slot;
    intptr_t n;
    char buf[3000];
};
static co_define(file_out)
{
    co_begin;
    enters;
    for (;;) {
        co_try(self->n, co_within(&self->slot, LONG,
                                  co_recv(self->fd, self->buf, sizeof self->buf)));
        if (self->n == 0)
            break;
        if (self->done + (size_t)self->n == FILED - 100 + 1)
            check_equal(self->buf[self->n - 1], '.');
        check(bytes_are(self->buf, 100 + self->done,
                        (size_t)self->n - (self->done + (size_t)self->n > FILED - 100)));
        self->done += (size_t)self->n;
    }
    co_return(self->done == FILED - 100 + 1 ? 0 : -ENODATA);
    co_finally;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

struct files { co_frame; int fds[2]; struct co_task *tasks[2]; struct crew crew; };
static co_define(files)
{
    co_begin;
    enters;
    self->fds[0] = self->fds[1] = -1;
    co_try(co_done(co_fd_pair(self->fds)));
    self->tasks[0] = co_spawn(file_in, .fd = self->fds[1]);
    self->fds[1] = self->tasks[0] ? -1 : self->fds[1];
    self->tasks[1] = co_spawn(file_out, .fd = self->fds[0]);
    self->fds[0] = self->tasks[1] ? -1 : self->fds[0];
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    co_try(co_gather(self->tasks, 2));
    co_finally;
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 2));
    leaves;
    co_end;
}
MAIN(files);

/* ---- datagrams: one by one, and many at once ------------------------------------------------- */

enum { SENT = 6, LETTER = 200 };

/* A datagram may be lost where its sender was cancelled, so the receiver waits a bounded time. */
struct post {
    co_frame;
    int fd, port, at_once;
    size_t i;
    intptr_t n;
    struct co_datagram mail[SENT];
    char bytes[SENT][LETTER];
};
static co_define(post)
{
    co_begin;
    enters;
    for (self->i = 0; self->i < SENT; self->i++) {
        bytes_make(self->bytes[self->i], self->i, LETTER);
        self->mail[self->i] = (struct co_datagram){ .data = self->bytes[self->i], .size = LETTER };
        check_equal(co_datagram_to(&self->mail[self->i], NULL, self->port), 0);
    }
    if (self->at_once) {
        co_try(self->n, co_sendmmsg(self->fd, self->mail, SENT));
        check_equal(self->n, SENT);
        co_return(0);
    }
    for (self->i = 0; self->i < SENT; self->i++) {
        co_try(self->n, co_sendto(self->fd, &self->mail[self->i]));
        check_equal(self->n, LETTER);
        co_try(co_sleep(0.25));
    }
    co_finally;
    leaves;
    co_end;
}

struct box {
    co_frame;
    int fd, at_once;
    size_t got;
    intptr_t n;
    struct co_within slot;
    struct co_datagram mail[SENT];
    char bytes[SENT][LETTER];
};
static co_define(box)
{
    co_begin;
    enters;
    for (self->got = 0; self->got < SENT; self->got++)
        self->mail[self->got] =
            (struct co_datagram){ .data = self->bytes[self->got], .size = LETTER };
    for (self->got = 0; self->got < SENT; self->got += (size_t)self->n) {
        if (self->at_once)
            co_try(self->n, co_within(&self->slot, 20, co_recvmmsg(self->fd,
                                      self->mail + self->got, SENT - self->got)));
        else
            co_try(self->n, co_within(&self->slot, 20, co_recvfrom(self->fd,
                                      &self->mail[self->got])));
        self->n = self->at_once ? self->n : 1;
    }
    for (self->got = 0; self->got < SENT; self->got++)
        check(self->mail[self->got].length == LETTER
              && bytes_are(self->bytes[self->got], self->got, LETTER));
    co_finally;
    leaves;
    co_end;
}

struct datagrams { co_frame; int fds[2], i; struct co_task *tasks[2]; struct crew crew; };
static co_define(datagrams)
{
    co_begin;
    enters;
    self->fds[0] = self->fds[1] = -1;
    for (self->i = 0; self->i < 2; self->i++) {
        self->fds[0] = co_udp_open(NULL, 0, 0);
        self->fds[1] = self->fds[0] < 0 ? self->fds[0] : co_udp_open(NULL, 0, 0);
        co_try(co_done(self->fds[1]));
        self->tasks[0] = co_spawn(post, .fd = self->fds[0], .port = co_tcp_port(self->fds[1]),
                                  .at_once = self->i);
        self->tasks[1] = co_spawn(box, .fd = self->fds[1], .at_once = self->i);
        co_try(co_gather(self->tasks, 2));
        end_fd(&self->fds[0]);
        end_fd(&self->fds[1]);
        co_task_free(self->tasks[0]);
        co_task_free(self->tasks[1]);
        self->tasks[0] = self->tasks[1] = NULL;
    }
    co_finally;
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 2));
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    leaves;
    co_end;
}
MAIN(datagrams);

/* ---- lines: streams, both ways --------------------------------------------------------------- */

/* Answers "add A B\n" by the sum, "echo N\n" and N bytes by these, "quit\n" by the end. */
struct calculator {
    co_frame;
    int fd;
    struct co_stream stream;
    struct co_within slot;
    char *line;
    long a, b;
    intptr_t n;
    char in[128], out[128], data[64];
};
static co_define(calculator)
{
    co_begin;
    enters;
    co_stream_init(&self->stream, self->fd, self->in, sizeof self->in);
    co_stream_output(&self->stream, self->out, sizeof self->out);
    for (;;) {
        co_try(self->n, co_within(&self->slot, LONG, co_read_line(&self->stream, &self->line)));
        if (self->n == 0 || strcmp(self->line, "quit") == 0)
            break;
        if (sscanf(self->line, "add %ld %ld", &self->a, &self->b) == 2) {
            self->n = snprintf(self->data, sizeof self->data, "%ld;", self->a + self->b);
        } else if (sscanf(self->line, "echo %ld", &self->a) == 1
                   && self->a <= (long)sizeof self->data) {
            co_try(self->n, co_read_exact(&self->stream, self->data, (size_t)self->a));
        } else {
            co_return(-EPROTO);
        }
        check_equal(co_stream_write(&self->stream, self->data, (size_t)self->n), 0);
        co_try(co_flush(&self->stream));
    }
    co_finally;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

struct pupil {
    co_frame;
    int fd;
    struct co_stream stream;
    char *text;
    struct co_within slot;
    int i;
    intptr_t n, done;
    char in[64], out[128], data[64];
};
static co_define(pupil)
{
    co_begin;
    enters;
    co_stream_init(&self->stream, self->fd, self->in, sizeof self->in);
    co_stream_output(&self->stream, self->out, sizeof self->out);
    for (self->i = 0; self->i < 4; self->i++) {
        self->n = snprintf(self->data, sizeof self->data, "add %d 1000\necho 20\n", self->i);
        check_equal(co_stream_write(&self->stream, self->data, (size_t)self->n), 0);
        bytes_make(self->data, 0, 20);
        check_equal(co_stream_write(&self->stream, self->data, 20), 0);
        co_try(co_flush(&self->stream));
        co_try(self->n, co_read_until(&self->stream, ";", &self->text));
        if ((size_t)self->n == self->stream.length)     /* the end came before the ";" */
            co_return(-ENODATA);
        check_equal(atol(self->text), self->i + 1000);
        for (self->done = 0; self->done < 20; self->done += self->n) {
            co_try(self->n, co_within(&self->slot, LONG, co_read_some(
                                &self->stream, self->data, (size_t)(20 - self->done))));
            if (self->n == 0)
                co_return(-ENODATA);
            check(bytes_are(self->data, (size_t)self->done, (size_t)self->n));
        }
    }
    co_try(co_send_all(self->fd, "quit\n", 5));
    co_finally;
    co_fd_close(self->fd);
    leaves;
    co_end;
}

struct lines { co_frame; int fds[2]; struct co_task *tasks[2]; struct crew crew; };
static co_define(lines)
{
    co_begin;
    enters;
    self->fds[0] = self->fds[1] = -1;
    co_try(co_done(co_fd_pair(self->fds)));
    self->tasks[0] = co_spawn(calculator, .fd = self->fds[1]);
    self->fds[1] = self->tasks[0] ? -1 : self->fds[1];
    self->tasks[1] = co_spawn(pupil, .fd = self->fds[0]);
    self->fds[0] = self->tasks[1] ? -1 : self->fds[0];
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    co_try(co_gather(self->tasks, 2));
    co_finally;
    end_fd(&self->fds[0]);
    end_fd(&self->fds[1]);
    co_await(co_call(&self->crew, crew, .tasks = self->tasks, .n = 2));
    leaves;
    co_end;
}
MAIN(lines);

#endif
