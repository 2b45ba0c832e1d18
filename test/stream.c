/* SPDX-License-Identifier: BSD-2-Clause
 * stream.c: tests of struct co_stream: lines of all kinds, through small buffers and in small
 * pieces, and exact reads behind them; parts with ends of their own; and output. */
#include "loop_test.h"

#include <errno.h>

/* Writes [size] bytes of [text] in pieces, some turns apart, and closes. */
struct pieces { co_frame; int fd; const char *text; size_t size, piece, done; intptr_t n; };
static co_define(pieces)
{
    co_begin;
    while (self->done < self->size) {
        if (self->piece > self->size - self->done)
            self->piece = self->size - self->done;
        co_await(self->n, co_write(self->fd, self->text + self->done, self->piece));
        if (self->n < 0)                        /* the reader had enough */
            break;
        self->done += (size_t)self->n;
        co_try(co_sleep(0));
        co_try(co_sleep(0));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* Reads lines to the end or a failure; log holds "result:line|" for each. */
struct lines {
    co_frame;
    int fd;
    size_t size;
    struct co_stream stream;
    char *line;
    intptr_t n;
    char buf[200], log[400];
};
static co_define(lines)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, self->size);
    do {
        self->line = NULL;
        co_await(self->n, co_read_line(&self->stream, &self->line));
        snprintf(self->log + strlen(self->log), sizeof self->log - strlen(self->log), "%d:%s|",
                 (int)self->n, self->line ? self->line : "-");
    } while (self->n > 0);
    co_return(self->n);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* What a stream with a buffer of [size] bytes makes of [text], in one piece and in many. */
static void gives(const char *text, size_t length, size_t size, const char *log)
{
    for (size_t piece = 1; piece <= length + 1; piece += piece < 4 ? 1 : length) {
        int fds[2];
        struct co_task *reader;

        pair(fds);
        assert_int_equal(co_go(pieces, .fd = fds[1], .text = text, .size = length,
                               .piece = piece), 0);
        reader = co_spawn(lines, .fd = fds[0], .size = size);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
        assert_string_equal(CO_TASK_FRAME(reader, lines)->log, log);
        co_task_free(reader);
    }
    assert_int_equal(failures_, 0);
}

/* In a buffer with room, and in one that just holds [longest], a line with its end. */
static void text_gives(const char *text, size_t longest, const char *log)
{
    gives(text, strlen(text), 200, log);
    gives(text, strlen(text), longest + 1, log);
    gives(text, strlen(text), longest + 2, log);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void a_line_ends_with_newline(void **state)
{
    (void)state;
    text_gives("hello\n", 6, "6:hello|0:|");
    text_gives("a\nbcd\nefghi\n", 6, "2:a|4:bcd|6:efghi|0:|");
}

static void or_with_carriage_return_and_newline(void **state)
{
    (void)state;
    text_gives("hello\r\n", 7, "7:hello|0:|");
    text_gives("a\r\nbcd\r\ne\n", 5, "3:a|5:bcd|2:e|0:|");
}

static void a_carriage_return_elsewhere_is_part_of_the_line(void **state)
{
    (void)state;
    text_gives("a\rb\n", 4, "4:a\rb|0:|");
    text_gives("\r\r\n", 3, "3:\r|0:|");
    text_gives("\n\r", 2, "1:|1:\r|0:|");
}

static void an_empty_line_is_a_line(void **state)
{
    (void)state;
    text_gives("\n", 1, "1:|0:|");
    text_gives("\n\r\n\n\na\n", 2, "1:|2:|1:|1:|2:a|0:|");
}

static void a_last_line_may_have_no_end(void **state)
{
    (void)state;
    text_gives("hello", 6, "5:hello|0:|");
    text_gives("a\nhello", 6, "2:a|5:hello|0:|");
}

static void nothing_is_the_end(void **state)
{
    (void)state;
    text_gives("", 1, "0:|");
}

static void a_line_longer_than_the_buffer_is_EMSGSIZE(void **state)
{
    (void)state;
    char log[40];

    snprintf(log, sizeof log, "7:123456|%d:-|", -EMSGSIZE);
    gives("123456\n1234567\n", 15, 8, log);
    gives("123456\n1234567", 14, 8, log);       /* without an end it may go on */
    gives("123456\n123456", 13, 8, "7:123456|6:123456|0:|");
}

static void NUL_bytes_are_bytes(void **state)
{
    (void)state;
    gives("a\0b\n\0\n", 6, 20, "4:a|2:|0:|");
    gives("a\0b\n\0\n", 6, 5, "4:a|2:|0:|");
}

struct with_nul {
    co_frame; int fd; struct co_stream stream; char *line; intptr_t n; char buf[20];
};
static co_define(with_nul)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 5);
    check(memcmp(self->line, "a\0b\0", 4) == 0);
    co_end;
}

static void what_is_behind_a_NUL_byte_is_there(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    assert_int_equal(write(fds[1], "a\0b\r\n", 5), 5);
    run(with_nul, .fd = fds[0]);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

/* [around] is what lies on both sides of the buffer. */
struct bounded {
    co_frame;
    int fd;
    struct co_stream stream;
    char *line;
    intptr_t n;
    char around[1 + 8 + 1];
};
static co_define(bounded)
{
    co_begin;
    self->around[0] = self->around[9] = '\r';
    co_stream_init(&self->stream, self->fd, self->around + 1, 8);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 1);
    check(self->line == self->around + 1 && *self->line == '\0');
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 7);
    check(strcmp(self->line, "123456") == 0);
    co_await(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, -EMSGSIZE);
    check(self->around[0] == '\r' && self->around[9] == '\r');
    co_end;
}

static void nothing_outside_of_the_buffer_is_seen_or_touched(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    put(fds[1], "\n123456\n0123456789");
    run(bounded, .fd = fds[0]);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

static void no_buffer_is_too_small_to_say_so(void **state)
{
    (void)state;
    char log[40];

    snprintf(log, sizeof log, "%d:-|", -EMSGSIZE);
    gives("a\n", 2, 0, log);
    gives("a\n", 2, 1, log);
    gives("a\n", 2, 2, log);
    gives("a\n", 2, 3, "2:a|0:|");
}

/* Lines of all lengths through a small buffer, in pieces that fit nothing: line k is k % 60 times
 * the same letter. */
static size_t many_lines(char *to, int count)
{
    char *at = to;

    for (int k = 0; k < count; k++) {
        memset(at, 'a' + k % 26, (size_t)k % 60);
        at += k % 60;
        *at++ = '\n';
    }
    return (size_t)(at - to);
}

struct counts {
    co_frame; int fd, k; struct co_stream stream; char *line; intptr_t n; char buf[61];
};
static co_define(counts)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    for (;;) {
        co_try(self->n, co_read_line(&self->stream, &self->line));
        if (self->n == 0)
            break;
        check_equal(self->n, self->k % 60 + 1);
        check_equal(strlen(self->line), self->k % 60);
        check_equal(strspn(self->line, (char[]){ (char)('a' + self->k % 26), 0 }), self->k % 60);
        self->k++;
    }
    co_return(self->k);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void thousands_of_lines_go_through_a_small_buffer(void **state)
{
    (void)state;
    int fds[2], count = sized(5000, 300);
    char *text = malloc((size_t)count * 60);
    size_t size = many_lines(text, count);

    for (size_t piece = 7; piece < 5000; piece = piece * 3 + 1) {
        pair(fds);
        assert_int_equal(co_go(pieces, .fd = fds[1], .text = text, .size = size,
                               .piece = piece), 0);
        assert_int_equal(run(counts, .fd = fds[0]), count);
    }
    free(text);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

struct in_parts {
    co_frame;
    int fds[2];
    struct co_stream stream;
    struct co_within slot;
    char *line;
    intptr_t n;
    char buf[20];
};
static co_define(in_parts)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    put(self->fds[1], "first\nhe");
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 6);
    co_await(self->n, co_within(&self->slot, 0.01, co_read_line(&self->stream, &self->line)));
    check_equal(self->n, -ETIMEDOUT);
    put(self->fds[1], "ll");
    co_await(self->n, co_within(&self->slot, 0.01, co_read_line(&self->stream, &self->line)));
    check_equal(self->n, -ETIMEDOUT);
    put(self->fds[1], "o\nmore\n");
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 6);
    check(strcmp(self->line, "hello") == 0);
    co_await(self->n, co_within(&self->slot, 0, co_read_line(&self->stream, &self->line)));
    check_equal(self->n, 5);                    /* it was in the buffer: nothing was awaited */
    check(strcmp(self->line, "more") == 0);
    co_end;
}

static void a_read_that_is_cancelled_in_mid_line_loses_nothing(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(in_parts, .fds = { fds[0], fds[1] });
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

/* ---- Exact reads ----------------------------------------------------------------------------- */

struct body {
    co_frame;
    int fds[2];
    struct co_stream stream;
    char *line;
    intptr_t n;
    char buf[20], to[40];
};
static co_define(body)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    put(self->fds[1], "Length: 30\r\n\r\nabcdefghijklmnopqrstuvwxyz");
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check(strcmp(self->line, "Length: 30") == 0);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 2);
    co_try(self->n, co_read_exact(&self->stream, self->to, 3));         /* in the buffer */
    check_equal(self->n, 3);
    co_try(self->n, co_read_exact(&self->stream, self->to + 3, 0));
    check_equal(self->n, 0);
    put(self->fds[1], "0123the next\nand its end");
    co_try(self->n, co_read_exact(&self->stream, self->to + 3, 27));    /* in it and beyond */
    check_equal(self->n, 27);
    check(memcmp(self->to, "abcdefghijklmnopqrstuvwxyz0123", 30) == 0);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check(strcmp(self->line, "the next") == 0);
    co_fd_close(self->fds[1]);
    co_await(self->n, co_read_exact(&self->stream, self->to, 12));
    check_equal(self->n, -ENODATA);
    co_await(self->n, co_read_exact(&self->stream, self->to, 1));
    check_equal(self->n, -ENODATA);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 0);
    co_finally;
    co_fd_close(self->fds[0]);
    co_end;
}

static void an_exact_read_takes_what_is_buffered_and_what_comes(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(body, .fds = { fds[0], fds[1] });
}

struct too_long {
    co_frame;
    int fds[2];
    struct co_stream stream;
    char *line;
    intptr_t n;
    char buf[8], to[12];
};
static co_define(too_long)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    put(self->fds[1], "0123456789\nnext\n");
    co_await(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, -EMSGSIZE);
    co_await(self->n, co_read_line(&self->stream, &self->line));        /* and nothing is lost */
    check_equal(self->n, -EMSGSIZE);
    co_try(self->n, co_read_exact(&self->stream, self->to, 11));
    check(memcmp(self->to, "0123456789\n", 11) == 0);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check(strcmp(self->line, "next") == 0);
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_line_that_was_too_long_can_be_read_exactly(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(too_long, .fds = { fds[0], fds[1] });
}

/* ---- co_read_until --------------------------------------------------------------------------- */

/* Reads up to [end] again and again, as struct lines does; log holds "result:length:data|". */
struct parts {
    co_frame;
    int fd;
    size_t size;
    const char *end;
    struct co_stream stream;
    char *data;
    intptr_t n;
    char buf[200], log[400];
};
static co_define(parts)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, self->size);
    do {
        self->data = NULL;
        co_await(self->n, co_read_until(&self->stream, self->end, &self->data));
        snprintf(self->log + strlen(self->log), sizeof self->log - strlen(self->log), "%d:%d:%s|",
                 (int)self->n, self->n < 0 ? 0 : (int)self->stream.length,
                 self->data ? self->data : "-");
    } while (self->n > 0);
    co_return(self->n);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* What comes of [text], in pieces of 1, 2, 3, ... bytes, through a buffer of [size]. */
static void parts_are(const char *text, const char *end, size_t size, const char *log)
{
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
        int fds[2];
        struct co_task *reader;

        pair(fds);
        assert_int_equal(co_go(pieces, .fd = fds[1], .text = text, .size = strlen(text),
                               .piece = piece), 0);
        reader = co_spawn(parts, .fd = fds[0], .size = size, .end = end);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
        assert_string_equal(CO_TASK_FRAME(reader, parts)->log, log);
        co_task_free(reader);
    }
    assert_int_equal(failures_, 0);
}

static void a_part_ends_where_its_end_is_wherever_it_is_torn(void **state)
{
    (void)state;
    parts_are("a;bc;;d", ";", 200, "2:1:a|3:2:bc|1:0:|1:1:d|0:0:|");
    parts_are("head\r\n\r\nbody\r\n\r\n", "\r\n\r\n", 200, "8:4:head|8:4:body|0:0:|");
    parts_are("head\r\n\r\nbody\r\n\r\n", "\r\n\r\n", 9, "8:4:head|8:4:body|0:0:|");
    parts_are("aabaaab", "aab", 8, "3:0:|4:1:a|0:0:|");             /* it begins more than once */
    parts_are("\n\nx\n\n\ny", "\n\n", 5, "2:0:|3:1:x|2:2:\ny|0:0:|");
}

static void an_end_longer_than_what_came_leaves_it_as_it_is(void **state)
{
    (void)state;
    parts_are("abc", "abcdef", 200, "3:3:abc|0:0:|");
    parts_are("", "abcdef", 200, "0:0:|");
    parts_are("xabcdabcde", "abcdef", 12, "10:10:xabcdabcde|0:0:|");
}

static void a_part_longer_than_the_buffer_is_EMSGSIZE(void **state)
{
    (void)state;
    char log[60];

    snprintf(log, sizeof log, "6:4:abcd|%d:0:-|", -EMSGSIZE);
    parts_are("abcd--abcde--", "--", 7, log);
    snprintf(log, sizeof log, "%d:0:-|", -EMSGSIZE);
    parts_are("abcd", "a long end", 4, log);
}

static void an_empty_end_is_EINVAL(void **state)
{
    (void)state;
    char log[20];

    snprintf(log, sizeof log, "%d:0:-|", -EINVAL);
    parts_are("", "", 20, log);
}

struct both_kinds {
    co_frame;
    int fds[2];
    struct co_stream stream;
    struct co_within slot;
    char *data;
    intptr_t n;
    char buf[30], to[30];
};
static co_define(both_kinds)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    put(self->fds[1], "one--");
    co_await(self->n, co_within(&self->slot, 0.01,
                                co_read_until(&self->stream, "---", &self->data)));
    check_equal(self->n, -ETIMEDOUT);                           /* nothing of it is lost */
    put(self->fds[1], "-two\nthree");
    co_try(self->n, co_read_until(&self->stream, "---", &self->data));
    check_equal(self->n, 6);
    check(strcmp(self->data, "one") == 0);
    co_try(self->n, co_read_line(&self->stream, &self->data));
    check(strcmp(self->data, "two") == 0);
    co_try(self->n, co_read_some(&self->stream, self->to, 2));
    check_equal(self->n, 2);
    co_try(self->n, co_read_some(&self->stream, self->to + 2, 20));     /* no more than there is */
    check_equal(self->n, 3);
    check(memcmp(self->to, "three", 5) == 0);
    co_await(self->n, co_within(&self->slot, 0.01, co_read_some(&self->stream, self->to, 20)));
    check_equal(self->n, -ETIMEDOUT);
    put(self->fds[1], "four");
    co_try(self->n, co_read_some(&self->stream, self->to, 20));         /* past the buffer */
    check_equal(self->n, 4);
    co_fd_close(self->fds[1]);
    co_await(self->n, co_read_some(&self->stream, self->to, 20));
    check_equal(self->n, 0);
    co_finally;
    co_fd_close(self->fds[0]);
    co_end;
}

static void all_kinds_of_reads_take_turns(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(both_kinds, .fds = { fds[0], fds[1] });
}

struct lengths { co_frame; int fd; struct co_stream stream; char *data; intptr_t n; char buf[20]; };
static co_define(lengths)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    co_try(self->n, co_read_line(&self->stream, &self->data));
    check_equal(self->n, 5);
    check_equal(self->stream.length, 3);
    check(memcmp(self->data, "a\0b\0", 4) == 0);
    co_try(self->n, co_read_line(&self->stream, &self->data));
    check_equal(self->stream.length, 1);
    check(memcmp(self->data, "\0\0", 2) == 0);
    co_try(self->n, co_read_until(&self->stream, "--", &self->data));
    check_equal(self->n, 5);
    check_equal(self->stream.length, 3);
    check(memcmp(self->data, "\0c\0\0", 4) == 0);
    co_try(self->n, co_read_line(&self->stream, &self->data));
    check_equal(self->n, 2);                    /* a last line, of NULs */
    check_equal(self->stream.length, 2);
    co_try(self->n, co_read_line(&self->stream, &self->data));
    check_equal(self->n, 0);
    check_equal(self->stream.length, 0);
    co_end;
}

static void length_tells_how_long_a_line_with_NUL_bytes_is(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    assert_int_equal(write(fds[1], "a\0b\r\n\0\n\0c\0--\0\0", 14), 14);
    co_fd_close(fds[1]);
    run(lengths, .fd = fds[0]);
    co_fd_close(fds[0]);
}

struct without { co_frame; int fd; struct co_stream stream; char *line; intptr_t n; char to[4]; };
static co_define(without)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, NULL, 0);
    co_try(self->n, co_read_exact(&self->stream, self->to, 4));
    check(memcmp(self->to, "abcd", 4) == 0);
    co_try(self->n, co_read_exact(&self->stream, NULL, 0));
    check_equal(self->n, 0);
    co_try(self->n, co_read_some(&self->stream, self->to, 4));
    check_equal(self->n, 2);
    co_await(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, -EMSGSIZE);
    co_await(self->n, co_read_until(&self->stream, "--", &self->line));
    check_equal(self->n, -EMSGSIZE);
    co_await(self->n, co_flush(&self->stream));
    check_equal(self->n, 0);
    co_end;
}

static void a_stream_without_a_buffer_reads_amounts_but_no_lines(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    put(fds[1], "abcdef");
    run(without, .fd = fds[0]);
    co_fd_close(fds[0]);
    co_fd_close(fds[1]);
}

/* ---- Output ---------------------------------------------------------------------------------- */

struct writer {
    co_frame;
    int fd, count, i, full;
    struct co_stream stream;
    intptr_t n;
    char line[20], out[100];
};
static co_define(writer)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, NULL, 0);
    co_stream_output(&self->stream, self->out, sizeof self->out);
    for (; self->i < self->count; self->i++) {
        snprintf(self->line, sizeof self->line, "%d\n", self->i);
        while (co_stream_write(&self->stream, self->line, strlen(self->line)) == -ENOBUFS) {
            self->full++;
            co_try(co_flush(&self->stream));
        }
    }
    co_try(co_flush(&self->stream));
    co_await(self->n, co_flush(&self->stream));         /* nothing: at once */
    check_equal(self->n, 0);
    co_return(self->full);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct slow { co_frame; int fd, i; struct co_stream stream; char *line; intptr_t n; char buf[64]; };
static co_define(slow)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    for (;; self->i++) {
        co_try(self->n, co_read_line(&self->stream, &self->line));
        if (self->n == 0)
            break;
        check_equal(atoi(self->line), self->i);
        if (self->i % 1000 == 0)
            co_try(co_sleep(0.001));
    }
    co_return(self->i);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void what_is_written_arrives_at_a_slow_reader(void **state)
{
    (void)state;
    int fds[2], count = sized(50000, 5000);
    struct co_task *task;

    for (int pipes = 0; pipes < 2; pipes++) {
        if (pipes)
            assert_int_equal(co_fd_pipe(fds), 0);
        else
            assert_int_equal(co_fd_pair(fds), 0);
        task = co_spawn(writer, .fd = fds[1], .count = count);
        assert_int_equal(run(slow, .fd = fds[0]), count);
        assert_true(co_task_result(task) > count / 100);
        co_task_free(task);
    }
}

static void a_write_puts_all_or_nothing(void **state)
{
    (void)state;
    struct co_stream stream;
    char out[10];

    co_stream_init(&stream, -1, NULL, 0);
    assert_int_equal(co_stream_write(&stream, "x", 1), -ENOBUFS);       /* it has no buffer */
    assert_int_equal(co_stream_write(&stream, "", 0), 0);
    co_stream_output(&stream, out, sizeof out);
    assert_int_equal(co_stream_write(&stream, "0123456789a", 11), -ENOBUFS);
    assert_int_equal(co_stream_write(&stream, "0123456", 7), 0);
    assert_int_equal(co_stream_write(&stream, "789a", 4), -ENOBUFS);
    assert_int_equal(co_stream_write(&stream, "789", 3), 0);
    assert_int_equal(co_stream_write(&stream, "a", 1), -ENOBUFS);
    assert_int_equal(co_stream_write(&stream, NULL, 0), 0);
    assert_memory_equal(out, "0123456789", 10);
}

struct flusher { co_frame; struct co_stream *stream; intptr_t n; };
static co_define(flusher)
{
    co_begin;
    co_await(self->n, co_flush(self->stream));
    co_return(self->n);
    co_end;
}

/* The peer takes nothing at first, so that a flush stands still, is cancelled, and goes on. */
struct held_up {
    co_frame;
    int fds[2];
    struct co_stream stream;
    struct co_within slot;
    struct co_task *task;
    size_t filled;
    intptr_t n;
    char out[8], got[20];
};
static co_define(held_up)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], NULL, 0);
    co_stream_output(&self->stream, self->out, sizeof self->out);
    self->filled = fill(self->fds[0]);
    check_equal(co_stream_write(&self->stream, "hello", 5), 0);
    co_await(self->n, co_within(&self->slot, 0.01, co_flush(&self->stream)));
    check_equal(self->n, -ETIMEDOUT);
    self->task = co_spawn(flusher, .stream = &self->stream);
    co_try(co_sleep(0.01));
    co_await(self->n, co_flush(&self->stream));
    check_equal(self->n, -EBUSY);
    check_equal(co_stream_write(&self->stream, " yo", 3), 0);   /* meanwhile there is room */
    check_equal(co_stream_write(&self->stream, "!", 1), -ENOBUFS);
    check_equal(empty(self->fds[1]), self->filled);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, 0);
    check_equal(read(self->fds[1], self->got, sizeof self->got), 8);
    check(memcmp(self->got, "hello yo", 8) == 0);
    check_equal(co_stream_write(&self->stream, "12345678", 8), 0);      /* all is free again */
    co_try(co_flush(&self->stream));
    check_equal(read(self->fds[1], self->got, sizeof self->got), 8);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_flush_that_is_cancelled_goes_on_with_the_next(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(co_fd_pair(fds), 0);
    assert_int_equal(run(held_up, .fds = { fds[0], fds[1] }), 0);
}

/* One stream of one socket, read by one task while another flushes. */
struct duplex {
    co_frame;
    int fds[2];
    struct co_stream stream;
    struct co_task *flush;
    size_t filled;
    char *line;
    intptr_t n;
    char buf[20], out[20];
};
static co_define(duplex)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    co_stream_output(&self->stream, self->out, sizeof self->out);
    self->filled = fill(self->fds[0]);
    check_equal(co_stream_write(&self->stream, "out\n", 4), 0);
    self->flush = co_spawn(flusher, .stream = &self->stream);
    co_try(co_sleep(0.01));
    put(self->fds[1], "in\n");
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check(strcmp(self->line, "in") == 0);
    check_equal(co_task_state(self->flush), CO_TASK_PENDING);
    check_equal(empty(self->fds[1]), self->filled);
    co_await(self->n, co_join(self->flush));
    check_equal(self->n, 0);
    check_equal(empty(self->fds[1]), 4);
    co_finally;
    co_task_free(self->flush);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_stream_is_read_and_flushed_at_once(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(co_fd_pair(fds), 0);
    assert_int_equal(run(duplex, .fds = { fds[0], fds[1] }), 0);
}

struct unread { co_frame; int fd; struct co_stream stream; intptr_t n; char out[8]; };
static co_define(unread)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, NULL, 0);
    co_stream_output(&self->stream, self->out, sizeof self->out);
    check_equal(co_stream_write(&self->stream, "gone", 4), 0);
    co_await(self->n, co_flush(&self->stream));
    co_return(self->n);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void a_flush_to_nobody_is_EPIPE(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(co_fd_pipe(fds), 0);
    co_fd_close(fds[0]);
    assert_int_equal(run(unread, .fd = fds[1]), -EPIPE);
    assert_int_equal(co_fd_pair(fds), 0);
    co_fd_close(fds[0]);
    assert_int_equal(run(unread, .fd = fds[1]), -EPIPE);
}

/* As a filter between stdin and stdout: it sends on each line in capitals, by a stream for each. */
struct filter {
    co_frame;
    int fds[2];
    struct co_stream in, out;
    char *line;
    intptr_t n;
    char buf[32], to[64];
};
static co_define(filter)
{
    co_begin;
    co_stream_init(&self->in, self->fds[0], self->buf, sizeof self->buf);
    co_stream_init(&self->out, self->fds[1], NULL, 0);
    co_stream_output(&self->out, self->to, sizeof self->to);
    for (;;) {
        co_try(self->n, co_read_line(&self->in, &self->line));
        if (self->n == 0)
            break;
        for (char *p = self->line; *p; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        check_equal(co_stream_write(&self->out, self->line, self->in.length), 0);
        check_equal(co_stream_write(&self->out, "\n", 1), 0);
        co_try(co_flush(&self->out));
    }
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void pipes_are_streams_as_stdin_and_stdout_are(void **state)
{
    (void)state;
    int in[2], out[2];
    struct co_task *reader;

    assert_int_equal(co_fd_pipe(in), 0);
    assert_int_equal(co_fd_pipe(out), 0);
    assert_int_equal(co_go(pieces, .fd = in[1], .text = "one\ntwo\nlast", .size = 12,
                           .piece = 5), 0);
    reader = co_spawn(lines, .fd = out[0], .size = 50);
    assert_int_equal(run(filter, .fds = { in[0], out[1] }), 0);
    assert_string_equal(CO_TASK_FRAME(reader, lines)->log, "4:ONE|4:TWO|5:LAST|0:|");
    co_task_free(reader);
}

/* ---- Misuse and failure ---------------------------------------------------------------------- */

struct reader {
    co_frame; struct co_stream *stream; int exact; char *line; intptr_t n; char to[4];
};
static co_define(reader)
{
    co_begin;
    if (self->exact)
        co_await(self->n, co_read_exact(self->stream, self->to, 4));
    else
        co_await(self->n, co_read_line(self->stream, &self->line));
    co_return(self->n);
    co_end;
}

struct two {
    co_frame;
    int fds[2], first;
    struct co_stream stream;
    struct co_task *tasks[3];
    intptr_t n;
    char buf[20];
};
static co_define(two)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    for (int i = 0; i < 3; i++)
        self->tasks[i] = co_spawn(reader, .stream = &self->stream,
                                  .exact = (i + self->first) % 2);
    co_try(co_sleep(0));
    co_await(self->n, co_recv(self->fds[0], self->buf, 1));
    check_equal(self->n, -EBUSY);
    put(self->fds[1], "abc\n");
    co_await(co_gather(self->tasks, 3));
    check_equal(co_task_result(self->tasks[0]), 4);
    check_equal(co_task_result(self->tasks[1]), -EBUSY);
    check_equal(co_task_result(self->tasks[2]), -EBUSY);
    put(self->fds[1], "def\n");
    co_task_free(self->tasks[1]);
    self->tasks[1] = co_spawn(reader, .stream = &self->stream);
    co_await(self->n, co_join(self->tasks[1]));
    check_equal(self->n, 4);
    co_finally;
    for (int i = 0; i < 3; i++)
        co_task_free(self->tasks[i]);
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_second_read_at_once_gets_EBUSY_and_disturbs_nobody(void **state)
{
    (void)state;
    int fds[2];

    for (int first = 0; first < 2; first++) {
        pair(fds);
        run(two, .fds = { fds[0], fds[1] }, .first = first);
    }
}

struct closes {
    co_frame;
    int fds[2];
    struct co_stream stream;
    struct co_task *task;
    intptr_t n;
    char buf[20];
};
static co_define(closes)
{
    co_begin;
    co_stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    put(self->fds[1], "half a li");
    self->task = co_spawn(reader, .stream = &self->stream);
    co_try(co_sleep(0.01));
    co_fd_close(self->fds[0]);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, -EBADF);
    co_finally;
    co_task_free(self->task);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_stream_whose_fd_is_closed_gives_EBADF(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(closes, .fds = { fds[0], fds[1] });
}

static const struct CMUnitTest tests[] = {
    TEST(a_line_ends_with_newline),
    TEST(or_with_carriage_return_and_newline),
    TEST(a_carriage_return_elsewhere_is_part_of_the_line),
    TEST(an_empty_line_is_a_line),
    TEST(a_last_line_may_have_no_end),
    TEST(nothing_is_the_end),
    TEST(a_line_longer_than_the_buffer_is_EMSGSIZE),
    TEST(NUL_bytes_are_bytes),
    TEST(what_is_behind_a_NUL_byte_is_there),
    TEST(nothing_outside_of_the_buffer_is_seen_or_touched),
    TEST(no_buffer_is_too_small_to_say_so),
    TEST(thousands_of_lines_go_through_a_small_buffer),
    TEST(a_read_that_is_cancelled_in_mid_line_loses_nothing),
    TEST(an_exact_read_takes_what_is_buffered_and_what_comes),
    TEST(a_line_that_was_too_long_can_be_read_exactly),
    TEST(a_part_ends_where_its_end_is_wherever_it_is_torn),
    TEST(an_end_longer_than_what_came_leaves_it_as_it_is),
    TEST(a_part_longer_than_the_buffer_is_EMSGSIZE),
    TEST(an_empty_end_is_EINVAL),
    TEST(all_kinds_of_reads_take_turns),
    TEST(length_tells_how_long_a_line_with_NUL_bytes_is),
    TEST(a_stream_without_a_buffer_reads_amounts_but_no_lines),
    TEST(what_is_written_arrives_at_a_slow_reader),
    TEST(a_write_puts_all_or_nothing),
    TEST(a_flush_that_is_cancelled_goes_on_with_the_next),
    TEST(a_stream_is_read_and_flushed_at_once),
    TEST(a_flush_to_nobody_is_EPIPE),
    TEST(pipes_are_streams_as_stdin_and_stdout_are),
    TEST(a_second_read_at_once_gets_EBUSY_and_disturbs_nobody),
    TEST(a_stream_whose_fd_is_closed_gives_EBADF),
};

TEST_MAIN(tests)
