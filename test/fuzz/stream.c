/* SPDX-License-Identifier: BSD-2-Clause
 * stream.c: fuzz target: a stream over a pipe or a socket. The input decides on the buffer, the
 * pieces, the reads, which of them are cancelled, and the seed of the disorder. The reads must
 * return what a plain search in all of the bytes returns. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "net.h"
#include "trial.h"

enum { OPS = 24, SIZE_MAX_ = 300 };
enum op { LINE, UNTIL, EXACT, SOME, CANCELLED_LINE, CANCELLED_UNTIL, KINDS };
static const char *const ends[] = { "\n", "\r\n", "ab", "aab", "aaaa", "\xff", "\r\n\r\n", "a" };

struct plan {
    const uint8_t *data;                /* what is sent */
    size_t size;
    size_t buf_size, out_size;
    unsigned op_count;
    uint8_t ops[OPS];
    struct fuzz_cuts cuts;
};

/* ---- What a plain search gives --------------------------------------------------------------- */

struct want { intptr_t result; size_t length; };

/* The first [end] from [at] on, in a buffer of [room] bytes with the NUL. */
static struct want want(const struct plan *p, size_t at, const char *end, int is_line)
{
    const uint8_t *from = p->data + at;
    size_t left = p->size - at, most = p->buf_size > 0 ? p->buf_size - 1 : 0, n = strlen(end);
    const uint8_t *found = left > 0 ? memmem(from, left < most ? left : most, end, n) : NULL;
    size_t length = found ? (size_t)(found - from) : left;

    if (!found)
        return (struct want){ left >= most ? -EMSGSIZE : (intptr_t)left, left };
    if (is_line && length > 0 && from[length - 1] == '\r')
        return (struct want){ (intptr_t)(length + n), length - 1 };
    return (struct want){ (intptr_t)(length + n), length };
}

/* ---- The writer ------------------------------------------------------------------------------ */

struct writer {
    co_frame;
    struct plan *plan;
    int fd;
    struct co_stream stream;
    size_t at, n;
    intptr_t result;
    char out[SIZE_MAX_];
};
co_define(writer) {
    co_begin;
    co_stream_init(&self->stream, self->fd, NULL, 0);
    co_stream_output(&self->stream, self->out, self->plan->out_size);
    while (self->at < self->plan->size) {
        self->n = fuzz_cut(&self->plan->cuts, self->plan->size - self->at);
        if (self->n > self->plan->out_size)
            self->n = self->plan->out_size;
        self->result = co_stream_write(&self->stream, self->plan->data + self->at, self->n);
        CHECK(self->result == 0 || self->result == -ENOBUFS);
        if (self->result == 0)
            self->at += self->n;
        if (self->result < 0 || self->n % 3 > 0)
            co_try(co_flush(&self->stream));
        if (self->n % 2)
            co_pause;
    }
    co_try(co_flush(&self->stream));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* ---- The reader ------------------------------------------------------------------------------ */

struct reader {
    co_frame;
    struct plan *plan;
    int fd;
    struct co_stream stream;
    struct co_within deadline;
    unsigned step;
    enum op op;
    int cancelled;
    size_t at, size;
    const char *end;
    intptr_t n;
    char *text, *buf, to[64];
};

static void line_is_right(const struct reader *r)
{
    struct want w = want(r->plan, r->at, r->end, r->op == LINE || r->op == CANCELLED_LINE);

    if (r->cancelled && r->n == -ETIMEDOUT)
        return;
    CHECK(r->n == w.result);
    if (r->n < 0)
        return;
    CHECK(r->stream.length == w.length && r->text[w.length] == '\0');
    CHECK(w.length == 0 || memcmp(r->text, r->plan->data + r->at, w.length) == 0);
    CHECK(r->text >= r->buf && r->text + w.length < r->buf + r->plan->buf_size);
}

static void bytes_are_right(const struct reader *r)
{
    size_t left = r->plan->size - r->at;

    if (r->op == EXACT)
        CHECK(r->n == (left < r->size ? -ENODATA : (intptr_t)r->size));
    else
        CHECK(left == 0 ? r->n == 0 : r->n > 0 && (size_t)r->n <= r->size && (size_t)r->n <= left);
    CHECK(r->n <= 0 || memcmp(r->to, r->plan->data + r->at, (size_t)r->n) == 0);
}

/* The next read, a line after the last one; after one that was cancelled, the same once more. */
static void reader_next(struct reader *r)
{
    unsigned place = r->step++ % (r->plan->op_count + 1), byte = LINE;
    int again = r->cancelled;

    if (place < r->plan->op_count)
        byte = r->plan->ops[place];
    if (r->n == -EMSGSIZE)
        byte = SOME + KINDS * (byte / KINDS);   /* past what is too long */
    else if (again)
        byte = r->op == CANCELLED_LINE ? LINE : UNTIL;
    r->op = (enum op)(byte % KINDS);
    if (!again)
        r->end = r->op == LINE || r->op == CANCELLED_LINE ? "\n" : ends[byte / KINDS % 8];
    r->size = byte / KINDS + (r->op == SOME);
    r->cancelled = r->op == CANCELLED_LINE || r->op == CANCELLED_UNTIL;
}

co_define(reader) {
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, self->plan->buf_size);
    for (;;) {
        reader_next(self);
        memset(self->to, 0x5A, sizeof self->to);
        if (self->op == LINE)
            co_await(self->n, co_read_line(&self->stream, &self->text));
        else if (self->op == UNTIL)
            co_await(self->n, co_read_until(&self->stream, self->end, &self->text));
        else if (self->op == CANCELLED_LINE)
            co_await(self->n, co_within(&self->deadline, 0,
                                        co_read_line(&self->stream, &self->text)));
        else if (self->op == CANCELLED_UNTIL)
            co_await(self->n, co_within(&self->deadline, 0,
                                        co_read_until(&self->stream, self->end, &self->text)));
        else if (self->op == EXACT)
            co_await(self->n, co_read_exact(&self->stream, self->to, self->size));
        else
            co_await(self->n, co_read_some(&self->stream, self->to, self->size));
        if (self->op == EXACT || self->op == SOME)
            bytes_are_right(self);
        else
            line_is_right(self);
        if (self->n == -ENODATA || (self->n == 0 && self->op != EXACT))
            break;
        if (self->n > 0)
            self->at += (size_t)self->n;
        CHECK(self->at <= self->plan->size);
    }
    CHECK(self->n == -ENODATA || self->at == self->plan->size);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* ---------------------------------------------------------------------------------------------- */

static struct plan plan_read(struct fuzz *f)
{
    struct plan plan = { .buf_size = fuzz_byte(f) + 1, .out_size = fuzz_byte(f) + 1 };

    plan.op_count = fuzz_byte(f) % (OPS + 1);
    for (unsigned i = 0; i < plan.op_count; i++)
        plan.ops[i] = (uint8_t)fuzz_byte(f);
    plan.cuts = fuzz_cuts(f);
    plan.data = f->at;
    plan.size = f->left;
    return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { data, size };
    unsigned flags = fuzz_byte(&f);
    struct co_trial_options options = { .seed = flags >> 1, .wakes = -1 };
    struct plan plan = plan_read(&f);
    struct co_task reading, writing;
    struct reader reader;
    struct writer writer;
    struct co_loop *loop = co_loop_new_trial(NULL, &options);
    char *buf = malloc(plan.buf_size);
    int fds[2];

    CHECK(loop && buf && (flags & 1 ? co_fd_pair(fds) : co_fd_pipe(fds)) == 0);
    co_task_init(&reading, &reader, reader, .plan = &plan, .fd = fds[0], .buf = buf, .n = 1);
    co_task_init(&writing, &writer, writer, .plan = &plan, .fd = fds[1]);
    CHECK(co_loop_run(loop) == 0);
    CHECK(co_task_state(&reading) == CO_TASK_FINISHED);
    CHECK(co_task_state(&writing) == CO_TASK_FINISHED);
    CHECK(co_task_result(&reading) == 0 && co_task_result(&writing) == 0);
    co_loop_free(loop);
    free(buf);
    return 0;
}
