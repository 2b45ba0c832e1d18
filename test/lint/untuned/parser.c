/* Reads "key=value" lines from a peer: locals that live between two awaits only. Right. */
#include "net.h"
#include "stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config { co_frame; int fd, count, bad; intptr_t n; char *line; char buf[512];
                struct co_stream stream; struct co_within deadline; };
co_define(config) {
    char *equals, *end;
    long number = 0;
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    for (;;) {
        co_await(self->n, co_within(&self->deadline, 5, co_read_line(&self->stream, &self->line)));
        if (self->n <= 0)
            break;
        equals = strchr(self->line, '=');
        if (!equals) {
            self->bad++;
            continue;
        }
        *equals = 0;
        number = strtol(equals + 1, &end, 10);
        if (*end)
            goto bad;
        printf("%s is %ld\n", self->line, number);
        self->count++;
        continue;
    bad:
        self->bad++;
        co_try(co_send_all(self->fd, "bad\n", 4));
    }
    co_return(self->n < 0 ? self->n : self->count);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct twice { co_frame; struct config config; struct co_connect slot; int fd, round; };
co_define(twice) {
    co_begin;
    do {
        co_try(self->fd, co_connect(&self->slot, "127.0.0.1", 7002));
        co_await(co_call(&self->config, config, .fd = self->fd));
    } while (++self->round < 2);
    co_end;
}

int main(void) { return co_main(twice) < 0; }
