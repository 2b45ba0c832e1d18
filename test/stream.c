/* SPDX-License-Identifier: BSD-2-Clause
 * stream.c: tests of struct stream: lines of all kinds, through small buffers and in small pieces,
 * and exact reads behind them. */
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
    fd_close(self->fd);
    co_end;
}

/* Reads lines to the end or a failure; log holds "result:line|" for each. */
struct lines {
    co_frame;
    int fd;
    size_t size;
    struct stream stream;
    char *line;
    intptr_t n;
    char buf[200], log[400];
};
static co_define(lines)
{
    co_begin;
    stream_init(&self->stream, self->fd, self->buf, self->size);
    do {
        self->line = NULL;
        co_await(self->n, co_read_line(&self->stream, &self->line));
        snprintf(self->log + strlen(self->log), sizeof self->log - strlen(self->log), "%d:%s|",
                 (int)self->n, self->line ? self->line : "-");
    } while (self->n > 0);
    co_return(self->n);
    co_finally;
    fd_close(self->fd);
    co_end;
}

/* What a stream with a buffer of [size] bytes makes of [text], in one piece and in many. */
static void gives(const char *text, size_t length, size_t size, const char *log)
{
    for (size_t piece = 1; piece <= length + 1; piece += piece < 4 ? 1 : length) {
        int fds[2];
        struct task *reader;

        pair(fds);
        assert_int_equal(task_go(pieces, .fd = fds[1], .text = text, .size = length,
                                 .piece = piece), 0);
        reader = task_spawn(lines, .fd = fds[0], .size = size);
        assert_int_equal(loop_run(loop_current()), 0);
        assert_string_equal(TASK_FRAME(reader, lines)->log, log);
        task_free(reader);
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

struct with_nul { co_frame; int fd; struct stream stream; char *line; intptr_t n; char buf[20]; };
static co_define(with_nul)
{
    co_begin;
    stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
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
    fd_close(fds[0]);
    fd_close(fds[1]);
}

/* [around] is what lies on both sides of the buffer. */
struct bounded {
    co_frame;
    int fd;
    struct stream stream;
    char *line;
    intptr_t n;
    char around[1 + 8 + 1];
};
static co_define(bounded)
{
    co_begin;
    self->around[0] = self->around[9] = '\r';
    stream_init(&self->stream, self->fd, self->around + 1, 8);
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
    fd_close(fds[0]);
    fd_close(fds[1]);
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

struct counts { co_frame; int fd, k; struct stream stream; char *line; intptr_t n; char buf[61]; };
static co_define(counts)
{
    co_begin;
    stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
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
    fd_close(self->fd);
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
        assert_int_equal(task_go(pieces, .fd = fds[1], .text = text, .size = size,
                                 .piece = piece), 0);
        assert_int_equal(run(counts, .fd = fds[0]), count);
    }
    free(text);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

struct in_parts {
    co_frame;
    int fds[2];
    struct stream stream;
    struct co_within slot;
    char *line;
    intptr_t n;
    char buf[20];
};
static co_define(in_parts)
{
    co_begin;
    stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
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
    fd_close(fds[0]);
    fd_close(fds[1]);
}

/* ---- Exact reads ----------------------------------------------------------------------------- */

struct body {
    co_frame;
    int fds[2];
    struct stream stream;
    char *line;
    intptr_t n;
    char buf[20], to[40];
};
static co_define(body)
{
    co_begin;
    stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
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
    fd_close(self->fds[1]);
    co_await(self->n, co_read_exact(&self->stream, self->to, 12));
    check_equal(self->n, -ENODATA);
    co_await(self->n, co_read_exact(&self->stream, self->to, 1));
    check_equal(self->n, -ENODATA);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 0);
    co_finally;
    fd_close(self->fds[0]);
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
    struct stream stream;
    char *line;
    intptr_t n;
    char buf[8], to[12];
};
static co_define(too_long)
{
    co_begin;
    stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
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
    fd_close(self->fds[0]);
    fd_close(self->fds[1]);
    co_end;
}

static void a_line_that_was_too_long_can_be_read_exactly(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(too_long, .fds = { fds[0], fds[1] });
}

/* ---- Misuse and failure ---------------------------------------------------------------------- */

struct reader { co_frame; struct stream *stream; int exact; char *line; intptr_t n; char to[4]; };
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
    struct stream stream;
    struct task *tasks[3];
    intptr_t n;
    char buf[20];
};
static co_define(two)
{
    co_begin;
    stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    for (int i = 0; i < 3; i++)
        self->tasks[i] = task_spawn(reader, .stream = &self->stream,
                                    .exact = (i + self->first) % 2);
    co_try(co_sleep(0));
    co_await(self->n, co_recv(self->fds[0], self->buf, 1));
    check_equal(self->n, -EBUSY);
    put(self->fds[1], "abc\n");
    co_await(co_gather(self->tasks, 3));
    check_equal(task_result(self->tasks[0]), 4);
    check_equal(task_result(self->tasks[1]), -EBUSY);
    check_equal(task_result(self->tasks[2]), -EBUSY);
    put(self->fds[1], "def\n");
    task_free(self->tasks[1]);
    self->tasks[1] = task_spawn(reader, .stream = &self->stream);
    co_await(self->n, co_join(self->tasks[1]));
    check_equal(self->n, 4);
    co_finally;
    for (int i = 0; i < 3; i++)
        task_free(self->tasks[i]);
    fd_close(self->fds[0]);
    fd_close(self->fds[1]);
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
    struct stream stream;
    struct task *task;
    intptr_t n;
    char buf[20];
};
static co_define(closes)
{
    co_begin;
    stream_init(&self->stream, self->fds[0], self->buf, sizeof self->buf);
    put(self->fds[1], "half a li");
    self->task = task_spawn(reader, .stream = &self->stream);
    co_try(co_sleep(0.01));
    fd_close(self->fds[0]);
    co_await(self->n, co_join(self->task));
    check_equal(self->n, -EBADF);
    co_finally;
    task_free(self->task);
    fd_close(self->fds[1]);
    co_end;
}

static void a_stream_whose_fd_is_closed_gives_EBADF(void **state)
{
    (void)state;
    int fds[2];

    pair(fds);
    run(closes, .fds = { fds[0], fds[1] });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        TEST(a_second_read_at_once_gets_EBUSY_and_disturbs_nobody),
        TEST(a_stream_whose_fd_is_closed_gives_EBADF),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
