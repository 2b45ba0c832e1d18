/* SPDX-License-Identifier: BSD-2-Clause
 * http.c: fuzz target: heads of HTTP messages, whole and in pieces; and what was accepted is looked
 * at by a second reader, which knows of nothing but lines: it must see one message only. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "demos/http/answer.h"

#include <ctype.h>

/* ---- The same in pieces ---------------------------------------------------------------------- */

static intptr_t parse_whole(struct http_message *m, const uint8_t *text, size_t size)
{
    char *copy = fuzz_copy(text, size);
    intptr_t result = http_parse(m, copy, size);

    free(copy);
    return result;
}

/* Each time elsewhere in memory. */
static intptr_t parse_pieces(struct http_message *m, const uint8_t *text, size_t size,
                             struct fuzz_cuts cuts)
{
    intptr_t result = 0;

    for (size_t n = 0; result == 0 && n < size; ) {
        n += fuzz_cut(&cuts, size - n);
        result = parse_whole(m, text, n);
    }
    return result;
}

static void same(const struct http_message *a, const struct http_message *b)
{
    CHECK(a->is_get == b->is_get && a->is_head == b->is_head && a->has_length == b->has_length);
    CHECK(a->is_coded == b->is_coded && a->close == b->close && a->keep_alive == b->keep_alive);
    CHECK(a->minor == b->minor && a->status == b->status && a->length == b->length);
    CHECK(a->size == b->size && a->lines == b->lines);
    CHECK(memcmp(&a->method, &b->method, sizeof a->method) == 0);
    CHECK(memcmp(&a->target, &b->target, sizeof a->target) == 0);
    CHECK(memcmp(a->field, b->field, sizeof a->field) == 0);
}

/* ---- A second reader ------------------------------------------------------------------------- */

struct reader { int lines, lengths, codings, hosts; int64_t length; ptrdiff_t line_end; };

static int names(const char *line, const char *colon, const char *name)
{
    return (size_t)(colon - line) == strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

static int64_t number(const char *text, const char *end)
{
    int64_t n = 0;

    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    CHECK(text < end);
    for (; text < end; text++) {
        CHECK(isdigit((unsigned char)*text) && n < INT64_MAX / 10 - 1);
        n = n * 10 + (*text - '0');
    }
    return n;
}

static void read_field(struct reader *r, const char *line, const char *end)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));

    CHECK(colon && colon > line && *line != ' ' && *line != '\t');
    for (const char *p = line; p < colon; p++)
        CHECK(*p > ' ' && *p < 0x7F && !strchr("\"(),/:;<=>?@[\\]{}", *p));
    r->hosts += names(line, colon, "Host");
    r->codings += names(line, colon, "Transfer-Encoding");
    if (names(line, colon, "Content-Length")) {
        r->lengths++;
        r->length = number(colon + 1, end);
    }
}

/* Lines end in CRLF or LF; in them there is neither, and no NUL. */
static struct reader read_head(const char *head, size_t size, int is_answer)
{
    struct reader r = { .lines = 0 };
    const char *line = head, *end, *next = head;

    for (; line < head + size; line = next) {
        end = memchr(line, '\n', (size_t)(head + size - line));
        CHECK(end != NULL);
        next = end + 1;
        end -= end > line && end[-1] == '\r';
        CHECK(line == head || next - end == r.line_end);
        r.line_end = next - end;
        for (const char *p = line; p < end; p++)
            CHECK(*p != '\r' && *p != '\0');
        if (end == line && r.lines == 0 && line == head && !is_answer)
            continue;                   /* the one that may come before a request */
        if (end == line)
            break;
        if (r.lines++ > 0)
            read_field(&r, line, end);
    }
    CHECK(r.lines > 0 && line < head + size && next == head + size);
    return r;
}

static void accepted(const struct http_message *m, const char *head, size_t size)
{
    struct reader r = read_head(head, size, m->is_answer);
    const char *target = head + m->target.at, *method = head + m->method.at;

    CHECK(r.lengths <= 1 && r.lengths == m->has_length);
    CHECK(!m->has_length || r.length == m->length);
    CHECK((r.codings > 0) == m->is_coded);
    if (m->is_answer) {
        CHECK(m->status >= 100 && m->status <= 599);
        return;
    }
    CHECK(r.hosts <= 1 && (r.hosts == 1 || m->minor == 0));
    CHECK(!m->is_coded || !m->has_length);
    CHECK(m->method.size > 0 && m->target.size > 0 && target == method + m->method.size + 1);
    CHECK(m->is_get == (m->method.size == 3 && memcmp(method, "GET", 3) == 0));
    CHECK(memcmp(target + m->target.size, " HTTP/1.", 8) == 0);
    for (size_t i = 0; i < m->target.size; i++)
        CHECK(target[i] > ' ' && target[i] < 0x7F);
    /* What a server does then: where a body of unknown size follows, it is the last request. */
    CHECK(!m->is_coded || answer_is_last(m, (intptr_t)size, 1 << 16));
    CHECK(!m->is_coded || answer_refusal(m, head, (intptr_t)size, 1 << 16) != 0);
}

static void parts_lie_inside(const struct http_message *m, size_t size)
{
    CHECK(m->size <= size && m->size <= HTTP_HEAD_MAX);
    CHECK((size_t)m->method.at + m->method.size <= size);
    CHECK((size_t)m->target.at + m->target.size <= size);
    for (int i = 0; i < HTTP_FIELDS; i++)
        CHECK((size_t)m->field[i].at + m->field[i].size <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { data, size };
    unsigned flags = fuzz_byte(&f);
    struct fuzz_cuts cuts = fuzz_cuts(&f), each = { .count = 1, .sizes = { 0 } };
    struct http_message whole = { .is_answer = flags & 1 }, pieces = whole, bytes = whole;
    intptr_t result = parse_whole(&whole, f.at, f.left);

    CHECK(result <= (intptr_t)f.left && result <= HTTP_HEAD_MAX);
    parts_lie_inside(&whole, f.left);
    CHECK(parse_pieces(&pieces, f.at, f.left, cuts) == result);
    same(&whole, &pieces);
    if (f.left < 512) {
        CHECK(parse_pieces(&bytes, f.at, f.left, each) == result);
        same(&whole, &bytes);
    }
    if (result > 0)
        accepted(&whole, (const char *)f.at, (size_t)result);
    return 0;
}
