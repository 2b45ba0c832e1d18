/* SPDX-License-Identifier: BSD-2-Clause
 * stream.c: the buffered reads and writes of stream.h, on co_read and co_write of loop.h. */
#define _GNU_SOURCE             /* memmem */
#include "stream.h"

#include <string.h>

void co_stream_init(struct co_stream *stream, int fd, char *buf, size_t size)
{
    *stream = (struct co_stream){ .fd = fd, .buf = buf, .size = size };
}

/* Returns the room behind what was received, which is moved to the front of the buffer if need be.
 * */
static size_t stream_room(struct co_stream *s)
{
    if (s->start > 0 && (s->start == s->end || s->end + 1 >= s->size)) {
        memmove(s->buf, s->buf + s->start, s->end - s->start);
        s->end -= s->start;
        s->start = 0;
    }
    return s->end + 1 < s->size ? s->size - 1 - s->end : 0;     /* one byte for the NUL */
}

/* Takes the first [n] bytes as a line and cuts its end off. */
static intptr_t stream_line(struct co_stream *s, size_t n, char **line)
{
    char *end = s->buf + s->start + n;

    *line = s->buf + s->start;
    s->start += n;
    if (n > 0 && end[-1] == '\n') {
        end--;
        if (n > 1 && end[-1] == '\r')
            end--;
    }
    *end = '\0';
    s->length = (size_t)(end - *line);
    return (intptr_t)n;
}

/* Takes the first [n] bytes and cuts off the last [end_size] of them, which are the end. */
static intptr_t stream_part(struct co_stream *s, size_t n, size_t end_size, char **data)
{
    *data = s->buf + s->start;
    s->start += n;
    s->length = n - end_size;
    (*data)[s->length] = '\0';
    return (intptr_t)n;
}

/* Returns where the end that [r] searches for begins in what was received, or NULL. */
static char *stream_find(struct co_stream_line_ *r)
{
    struct co_stream *s = r->stream;
    size_t n = s->end - s->start - r->seen;
    char *from;

    if (n == 0)                 /* the buffer may be NULL */
        return NULL;
    from = s->buf + s->start + r->seen;
    return r->end ? memmem(from, n, r->end, r->end_size) : memchr(from, '\n', n);
}

/* The last line may have no end. Its NUL goes into the byte that stream_room keeps free. */
static co_define(co_stream_line_)
{
    struct co_stream *s = self->stream;
    char *end;
    size_t n;

    co_begin;
    for (;;) {
        end = stream_find(self);
        if (end && self->end) {
            n = (size_t)(end - s->buf) - s->start + self->end_size;
            co_return(stream_part(s, n, self->end_size, self->line));
        }
        if (end)
            co_return(stream_line(s, (size_t)(end + 1 - s->buf) - s->start, self->line));
        n = s->end - s->start;                  /* an end may have begun in the last bytes */
        self->seen = self->end_size <= 1 ? n : n < self->end_size ? 0 : n - self->end_size + 1;
        if (stream_room(s) == 0)
            co_return(-EMSGSIZE);
        co_try(self->n, co_read(s->fd, s->buf + s->end, stream_room(s)));
        if (self->n == 0 && self->end)
            co_return(stream_part(s, s->end - s->start, 0, self->line));
        if (self->n == 0)
            co_return(stream_line(s, s->end - s->start, self->line));
        s->end += (size_t)self->n;
    }
    co_end;
}

/* Returns whether a read is in progress; then its frame, of either kind, has a caller. */
static int stream_busy(const struct co_stream *s)
{
    return s->read.line.co.caller != NULL;
}

co_op co_read_line(struct co_stream *stream, char **line)
{
    if (stream_busy(stream))
        return co_op_done(-EBUSY);
    return co_call(&stream->read.line, co_stream_line_, .stream = stream, .line = line);
}

/* Takes what is in the buffer first, and reads the rest to where it is wanted, without a copy. */
static co_define(co_stream_exact_)
{
    struct co_stream *s = self->stream;

    co_begin;
    self->done = s->end - s->start < self->size ? s->end - s->start : self->size;
    if (self->done > 0)
        memcpy(self->to, s->buf + s->start, self->done);
    s->start += self->done;
    while (self->done < self->size) {
        co_try(self->n, co_read(s->fd, self->to + self->done, self->size - self->done));
        if (self->n == 0)
            co_return(-ENODATA);
        self->done += (size_t)self->n;
    }
    co_return(self->size);
    co_end;
}

co_op co_read_exact(struct co_stream *stream, void *to, size_t size)
{
    if (stream_busy(stream))
        return co_op_done(-EBUSY);
    return co_call(&stream->read.exact, co_stream_exact_, .stream = stream, .to = to, .size = size);
}

co_op co_read_until(struct co_stream *stream, const char *end, char **data)
{
    if (stream_busy(stream))
        return co_op_done(-EBUSY);
    if (!*end)
        return co_op_done(-EINVAL);
    return co_call(&stream->read.line, co_stream_line_, .stream = stream, .line = data, .end = end,
                   .end_size = strlen(end));
}

co_op co_read_some(struct co_stream *stream, void *to, size_t size)
{
    size_t n = stream->end - stream->start;

    if (stream_busy(stream))
        return co_op_done(-EBUSY);
    if (n == 0)
        return co_read(stream->fd, to, size);
    if (co_op_take_cancel("co_read_some"))
        return co_done(-ECANCELED);
    n = n < size ? n : size;
    memcpy(to, stream->buf + stream->start, n);
    stream->start += n;
    return co_op_done((intptr_t)n);
}

/* ---- Output ---------------------------------------------------------------------------------- */

void co_stream_output(struct co_stream *stream, char *out, size_t size)
{
    stream->out = out;
    stream->out_size = size;
    stream->out_start = stream->out_end = 0;
}

int co_stream_write(struct co_stream *stream, const void *data, size_t size)
{
    size_t n = stream->out_end - stream->out_start;

    if (size == 0)
        return 0;
    if (size > stream->out_size - n)
        return -ENOBUFS;
    if (size > stream->out_size - stream->out_end) {
        if (stream->flush.co.caller)            /* it writes from where they lie now */
            return -ENOBUFS;
        memmove(stream->out, stream->out + stream->out_start, n);
        stream->out_start = 0;
        stream->out_end = n;
    }
    memcpy(stream->out + stream->out_end, data, size);
    stream->out_end += size;
    return 0;
}

static co_define(co_stream_flush_)
{
    struct co_stream *s = self->stream;

    co_begin;
    while (s->out_start < s->out_end) {
        co_try(self->n, co_write(s->fd, s->out + s->out_start, s->out_end - s->out_start));
        s->out_start += (size_t)self->n;
    }
    s->out_start = s->out_end = 0;
    co_end;
}

co_op co_flush(struct co_stream *stream)
{
    if (stream->flush.co.caller)
        return co_op_done(-EBUSY);
    return co_call(&stream->flush, co_stream_flush_, .stream = stream);
}
