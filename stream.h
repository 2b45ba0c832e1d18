/* SPDX-License-Identifier: BSD-2-Clause
 * stream.h: reads lines and exact amounts, and writes, through buffers of yours.
 *
 *     co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
 *     co_try(self->n, co_read_line(&self->stream, &self->line));
 *     if (self->n == 0)
 *         co_return(0);                                // the end of the stream
 *     puts(self->line);
 *
 * The fd may be anything that co_read takes, such as a socket, a pipe or a terminal. A regular file
 * is refused with -EPERM, since it never waits: use read(), on co_thread if it may take long. One
 * read and one flush may be in progress at a time; a second one returns -EBUSY. All ops return
 * negative errno on failure, and -ECANCELED if the task was cancelled; but an op that needs no more
 * than what is in the buffer completes, and the next one that waits fails with -ECANCELED. */
#ifndef CO_STREAM_H
#define CO_STREAM_H

#include "loop.h"

#ifdef __cplusplus
extern "C" {
#endif

struct co_stream_line_ {           /* private */
    co_frame;
    struct co_stream *stream;
    char **line;
    const char *end;
    size_t end_size, seen;
    intptr_t n;
};
struct co_stream_exact_ {          /* private */
    co_frame;
    struct co_stream *stream;
    char *to;
    size_t size, done;
    intptr_t n;
};
struct co_stream_flush_ {          /* private */
    co_frame;
    struct co_stream *stream;
    intptr_t n;
};

struct co_stream {
    int fd;                     /* ro */
    char *buf;                  /* private: yours, but read it by these calls only */
    size_t size;                /* ro: of buf; a line must fit, with its end and one byte more */
    size_t start, end;          /* private: what was received and not yet read */
    size_t length;              /* ro: of the last line without its end, for it may hold NULs */
    char *out;                  /* private: yours, for co_stream_write */
    size_t out_size, out_start, out_end;        /* private */
    union {                     /* private: the read in progress */
        struct co_stream_line_ line;
        struct co_stream_exact_ exact;
    } read;
    struct co_stream_flush_ flush; /* private: the flush in progress */
};

/* Makes [stream] read [fd] through [buf]. asyncio: StreamReader */
void co_stream_init(struct co_stream *stream, int fd, char *buf, size_t size);

/* Makes [stream] write through [out], for co_stream_write. asyncio: StreamWriter */
void co_stream_output(struct co_stream *stream, char *out, size_t size);

/* Reads a line. *line lies in the buffer until the next read, without its "\n" or "\r\n" and with a
 * NUL behind it. Returns the number of bytes that it took, with its end, and 0 at the end of the
 * stream. A last line without an end is returned as it is. -EMSGSIZE: the line is longer than the
 * buffer; nothing is consumed, and co_read_some or co_read_exact can read past it. If the task is
 * cancelled, nothing is lost, and the next read goes on. asyncio: StreamReader.readline() */
CO_OP co_read_line(struct co_stream *stream, char **line);

/* Reads up to the string [end] in the same way. [end] is not part of the data, and must stay until
 * the await is over. -EINVAL: it is empty. asyncio: StreamReader.readuntil() */
CO_OP co_read_until(struct co_stream *stream, const char *end, char **data);

/* Reads [size] bytes into [to]. Returns size, or -ENODATA if the stream ended before. If it fails
 * or is cancelled, the bytes that it had read are lost. asyncio: StreamReader.readexactly() */
CO_OP co_read_exact(struct co_stream *stream, void *to, size_t size);

/* Reads what is there, at most [size] bytes, and waits for the first one. Returns the number of
 * bytes, 0 at the end of the stream. asyncio: StreamReader.read(n) */
CO_OP co_read_some(struct co_stream *stream, void *to, size_t size);

/* Puts bytes into the output buffer, all of them or none. Returns 0, or -ENOBUFS if there is no
 * room; then await co_flush and try again. asyncio: StreamWriter.write() */
int co_stream_write(struct co_stream *stream, const void *data, size_t size);

/* Writes out what co_stream_write has put into the buffer, and returns 0. If it is cancelled,
 * nothing is lost, and the next flush goes on. asyncio: StreamWriter.drain() */
CO_OP co_flush(struct co_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
