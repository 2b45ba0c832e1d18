/* SPDX-License-Identifier: BSD-2-Clause
 * head.c: fuzz target: heads of HTTP messages that come in pieces through a stream, as slow_server
 * and the demos' client read them: the same as http_parse() makes of all of it; and what is behind
 * the head is left in the stream, each byte. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "demos/http/http.h"
#include "trial.h"

struct plan { const uint8_t *data; size_t size; int is_answer; struct fuzz_cuts cuts; };

struct writer { co_frame; struct plan *plan; int fd; size_t at, n; };
static co_define(writer)
{
    co_begin;
    while (self->at < self->plan->size) {
        self->n = fuzz_cut(&self->plan->cuts, self->plan->size - self->at);
        co_try(co_send_all(self->fd, self->plan->data + self->at, self->n));
        self->at += self->n;
        co_pause;
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct reader {
    co_frame;
    struct plan *plan;
    int fd;
    struct co_stream stream;
    struct http_head head;
    struct http_message whole;
    intptr_t want, n;
    size_t left;
    char buf[HTTP_HEAD_MAX], rest[HTTP_HEAD_MAX];
};

/* What must come of it. */
static intptr_t wanted(struct reader *r)
{
    char *copy = fuzz_copy(r->plan->data, r->plan->size);
    intptr_t n;

    r->whole.is_answer = r->plan->is_answer;
    n = http_parse(&r->whole, copy, r->plan->size);
    free(copy);
    if (n == 0)
        return r->plan->size == 0 && !r->plan->is_answer ? 0 : -ENODATA;
    if (n == -EPROTONOSUPPORT)
        return -EBADMSG;
    return n < 0 ? n : r->whole.is_coded ? -ENOTSUP : 1;
}

static void same(const struct reader *r)
{
    const struct http_message *a = &r->whole, *b = &r->head.message;
    size_t size = a->target.size < sizeof r->head.target ? a->target.size
        : sizeof r->head.target - 1;

    CHECK(a->size == b->size && a->lines == b->lines && a->is_coded == b->is_coded);
    CHECK(a->length == b->length && a->status == b->status && a->minor == b->minor);
    CHECK(r->head.length == (a->has_length ? a->length : -1) && r->head.status == a->status);
    CHECK(r->head.close == (a->close || a->minor == 0) && r->head.is_head == a->is_head);
    CHECK(strlen(r->head.target) == size);
    CHECK(memcmp(r->head.target, r->plan->data + a->target.at, size) == 0);
}

static co_define(reader)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    self->want = wanted(self);
    co_await(self->n, self->plan->is_answer ? http_read_answer(&self->head, &self->stream)
                                            : http_read_request(&self->head, &self->stream));
    CHECK(self->n == self->want);
    if (self->n != 1 && self->n != -ENOTSUP)
        co_return(0);
    same(self);
    self->left = self->plan->size - self->whole.size;
    co_await(self->n, co_read_exact(&self->stream, self->rest, self->left));
    CHECK(self->n == (intptr_t)self->left);
    CHECK(memcmp(self->rest, self->plan->data + self->whole.size, self->left) == 0);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { data, size };
    unsigned flags = fuzz_byte(&f);
    struct co_trial_options options = { .seed = flags >> 1 };
    struct plan plan = { .is_answer = flags & 1 };
    struct co_task reading, writing;
    static struct reader reader;
    struct writer writer;
    struct co_loop *loop = co_loop_new_trial(NULL, &options);
    int fds[2];

    plan.cuts = fuzz_cuts(&f);
    plan.data = f.at;
    plan.size = f.left < HTTP_HEAD_MAX - 1 ? f.left : HTTP_HEAD_MAX - 2;        /* no limit met */
    CHECK(loop && co_fd_pair(fds) == 0);
    co_task_init(&reading, &reader, reader, .plan = &plan, .fd = fds[0]);
    co_task_init(&writing, &writer, writer, .plan = &plan, .fd = fds[1]);
    CHECK(co_loop_run(loop) == 0);
    CHECK(co_task_result(&reading) == 0 && co_task_state(&writing) == CO_TASK_FINISHED);
    CHECK(co_task_result(&writing) == 0 || co_task_result(&writing) == -EPIPE
          || co_task_result(&writing) == -ECONNRESET);
    co_loop_free(loop);
    return 0;
}
