/* SPDX-License-Identifier: BSD-2-Clause
 * stream.h: lines and exact amounts, read and written through buffers of yours.
 *
 *     co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
 *     co_try(self->n, co_read_line(&self->stream, &self->line));
 *     if (self->n == 0)
 *         co_return(0);                                // the end of the stream
 *     puts(self->line);
 *
 * The fd may be a socket, a pipe, a terminal: what co_read takes. A regular file is -EPERM: it
 * never waits, so read() it, or on co_thread. One read at a time, one writer and one flush: a
 * second one gives -EBUSY. All ops give a negative errno on failure, -ECANCELED if the task
 * was cancelled. */
#ifndef CO_STREAM_H
#define CO_STREAM_H

#include "loop.h"

#ifdef __cplusplus
extern "C" {
#endif

struct co_stream_line_ {        /* private */
    co_frame;
    struct co_stream *stream;
    char **line;
    const char *end;
    size_t end_size, seen;
    intptr_t n;
};
struct co_stream_exact_ {       /* private */
    co_frame;
    struct co_stream *stream;
    char *to;
    size_t size, done;
    intptr_t n;
};
struct co_stream_flush_ {       /* private */
    co_frame;
    struct co_stream *stream;
    intptr_t n;
};

struct co_stream {
    int fd;                     /* ro */
    char *buf;                  /* private: yours, read through this only */
    size_t size;                /* ro: of buf: the longest line, with its end, and one byte more */
    size_t start, end;          /* private: what was received and not yet read */
    size_t length;              /* ro: of the last line, without its end: it may hold NULs */
    char *out;                  /* private: yours, for co_stream_write */
    size_t out_size, out_start, out_end;        /* private */
    union {                     /* private: the read in progress */
        struct co_stream_line_ line;
        struct co_stream_exact_ exact;
    } read;
    struct co_stream_flush_ flush; /* private: the flush in progress */
};

/* Reads [fd] through [buf] from now on. asyncio: StreamReader */
void co_stream_init(struct co_stream *stream, int fd, char *buf, size_t size);

/* Writes it through [out] from now on, for co_stream_write. asyncio: StreamWriter */
void co_stream_output(struct co_stream *stream, char *out, size_t size);

/* Reads a line: *line is in the buffer, until the next read, without its "\n" or "\r\n" and with a
 * NUL. The number of bytes it took, its end included; 0 at the end of the stream; a last line
 * without an end is given as it is. -EMSGSIZE: longer than the buffer; nothing is taken, and
 * co_read_some or co_read_exact goes past it. Cancelled, nothing is lost: the next read goes on.
 * asyncio: StreamReader.readline() */
CO_OP co_read_line(struct co_stream *stream, char **line);

/* The same up to the string [end], which is left away and must stay until the await is over.
 * asyncio: StreamReader.readuntil() */
CO_OP co_read_until(struct co_stream *stream, const char *end, char **data);

/* Reads [size] bytes into [to]: size, or -ENODATA if the end came before. Cancelled or failed, what
 * had come is lost. asyncio: StreamReader.readexactly() */
CO_OP co_read_exact(struct co_stream *stream, void *to, size_t size);

/* Reads what there is, at most [size] bytes, waiting for the first: bytes, 0 at the end.
 * asyncio: StreamReader.read(n) */
CO_OP co_read_some(struct co_stream *stream, void *to, size_t size);

/* Puts bytes into the output buffer: all of them, or none. 0; -ENOBUFS: no room: flush, then again.
 * asyncio: StreamWriter.write() */
int co_stream_write(struct co_stream *stream, const void *data, size_t size);

/* Writes out what co_stream_write has put. 0. Cancelled, nothing is lost: the next one goes on.
 * asyncio: StreamWriter.drain() */
CO_OP co_flush(struct co_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
