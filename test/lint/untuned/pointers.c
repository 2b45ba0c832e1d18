/* Pointers to locals, and pointers that survive in the frame. */
#include "net.h"
#include "stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct header { unsigned char type; unsigned char length; };

struct reader { co_frame; int fd; unsigned char *body; struct header header; intptr_t n; };
co_define(reader) {
    struct header *h = &self->header;
    unsigned char *p;
    size_t left;
    co_begin;
    co_try(co_recv_exact(self->fd, h, sizeof *h));
    p = malloc(h->length + 1u);
    if (!p)
        co_return(-ENOMEM);
    self->body = p;
    left = h->length;
    while (left > 0) {
        co_try(self->n, co_recv(self->fd, p, left));
        p += self->n;
        left -= (size_t)self->n;
    }
    co_return(h->type);
    co_finally;
    free(self->body);
    co_end;
}

struct sender { co_frame; int fd; struct header header; };
co_define(sender) {
    struct header local = { 1, 2 };
    struct header *h = &local;
    co_begin;
    self->header = *h;
    co_try(co_send_all(self->fd, &self->header, sizeof self->header));
    co_try(co_send_all(self->fd, h, sizeof *h));
    co_end;
}

struct child { co_frame; int *out; };
co_define(child) {
    co_begin;
    co_try(co_sleep(0.1));
    *self->out = 3;
    co_end;
}
struct parent { co_frame; struct child child; int answer; };
co_define(parent) {
    int answer = 0;
    struct child kid;
    co_begin;
    co_try(co_call(&self->child, child, .out = &self->answer));
    co_try(co_call(&self->child, child, .out = &answer));
    co_try(co_call(&kid, child, .out = &self->answer));
    printf("%d\n", answer + self->answer);
    co_end;
}

int main(void) { return co_main(parent) < 0; }
