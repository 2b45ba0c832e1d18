/* SPDX-License-Identifier: BSD-2-Clause
 * resp.c: the parser of RESP2 requests. See resp.h. */
#include "resp.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 20 };       /* characters of the longest number: -9223372036854775808 */

void resp_init(struct resp *resp, struct resp_limits limits)
{
    *resp = (struct resp){ .limits = limits, .bulk = -1 };
}

bool resp_integer(const char *text, size_t size, int64_t *value)
{
    bool negative = size > 0 && text[0] == '-';
    size_t i = negative;
    uint64_t n = 0, most = (uint64_t)INT64_MAX + negative;

    if (i == size || size > NUMBER_MAX || (text[i] == '0' && size > 1))
        return false;
    for (; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';

        if (digit > 9 || (i > 17 && n > (most - digit) / 10))   /* 18 digits fit in any case */
            return false;
        n = n * 10 + digit;
    }
    *value = negative ? (int64_t)-n : (int64_t)n;
    return true;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum resp_result bad(struct resp *resp, const char *what)
{
    snprintf(resp->error, sizeof resp->error, "Protocol error: %s", what);
    return RESP_BAD;
}

/* The number between the byte at [used], which was seen, and "\r\n": RESP_REQUEST if it is there,
 * and [used] is behind it then. */
static enum resp_result number(struct resp *resp, const char *bytes, size_t size,
                               int64_t *value, const char *what)
{
    const char *text = bytes + resp->used + 1;
    size_t n = 0, there = size - resp->used - 1;

    if (there > 2 && is_digit(text[0]) && text[1] == '\r' && text[2] == '\n') {
        *value = text[0] - '0';                 /* most have one digit */
        resp->used += 4;
        return RESP_REQUEST;
    }
    while (n < there && n <= NUMBER_MAX && text[n] != '\r')
        n++;
    if (n > NUMBER_MAX)
        return bad(resp, what);
    if (n + 2 > there)
        return RESP_MORE;
    if (text[n + 1] != '\n' || !resp_integer(text, n, value))
        return bad(resp, what);
    resp->used += n + 3;
    return RESP_REQUEST;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

/* The size of the bulk string at [used]. */
static enum resp_result bulk_size(struct resp *resp, const char *bytes, size_t size)
{
    enum resp_result result;
    int64_t value;

    if (resp->used == size)
        return RESP_MORE;
    if (bytes[resp->used] != '$') {
        char what[] = "expected '$', got '?'", c = bytes[resp->used];

        if (c >= ' ' && c <= '~')
            what[sizeof what - 3] = c;
        return bad(resp, what);
    }
    result = number(resp, bytes, size, &value, "invalid bulk length");
    if (result != RESP_REQUEST)
        return result;
    if (value < 0 || value > resp->limits.bulk)
        return bad(resp, "invalid bulk length");
    if (resp->used + (size_t)value + 2 > resp->limits.request)
        return bad(resp, "too big request");
    resp->bulk = value;
    return RESP_REQUEST;
}

static enum resp_result array(struct resp *resp, const char *bytes, size_t size)
{
    for (; resp->left > 0; resp->left--) {
        size_t at, end;

        if (resp->count == resp->room)
            return RESP_ARGS;
        if (resp->bulk < 0) {
            enum resp_result result = bulk_size(resp, bytes, size);

            if (result != RESP_REQUEST)
                return result;
        }
        at = resp->used;
        end = at + (size_t)resp->bulk;
        if (size < end + 2)
            return RESP_MORE;
        if (bytes[end] != '\r' || bytes[end + 1] != '\n')
            return bad(resp, "expected CRLF after a bulk string");
        resp->args[resp->count++] = (struct resp_arg){ (uint32_t)at, (uint32_t)resp->bulk };
        resp->used = end + 2;
        resp->bulk = -1;
    }
    return RESP_REQUEST;
}

/* "*2\r\n"; an array of no or fewer arguments is an empty request, as with Redis. */
static enum resp_result array_head(struct resp *resp, char *bytes, size_t size)
{
    int64_t value;
    enum resp_result result = number(resp, bytes, size, &value, "invalid multibulk length");

    if (result != RESP_REQUEST)
        return result;
    if (value > resp->limits.args)
        return bad(resp, "invalid multibulk length");
    resp->left = value > 0 ? (uint32_t)value : 0;
    return array(resp, bytes, size);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex(char c)
{
    return is_digit(c) ? c - '0'
        : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The character that the escape at [*from], behind the backslash, stands for, inside "". */
static char escaped(char **from, const char *end)
{
    static const char names[] = "nrtba", values[] = "\n\r\t\b\a";
    const char *p = *from, *name;

    if (*p == 'x' && end - p > 2 && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
        *from += 3;
        return (char)(hex(p[1]) * 16 + hex(p[2]));
    }
    *from += 1;
    name = *p ? strchr(names, *p) : NULL;
    if (!name)
        return *p;
    return values[name - names];
}

/* Takes the quotes and escapes out of the word at [p]; where it ends, and how large it then is.
 * NULL: a quote is not closed, or text follows the closing one. */
static char *word(char *p, const char *end, size_t *size)
{
    const char *start = p;
    char *to = p, quote = 0;

    while (p < end && (quote || !is_space(*p))) {
        if (!quote && (*p == '"' || *p == '\'')) {
            quote = *p++;
        } else if (quote && *p == quote) {
            if (++p < end && !is_space(*p))
                return NULL;
            quote = 0;
            break;
        } else if (quote == '"' && *p == '\\' && end - p > 1) {
            p++;
            *to++ = escaped(&p, end);
        } else {
            p += quote == '\'' && end - p > 1 && p[0] == '\\' && p[1] == '\'';
            *to++ = *p++;
        }
    }
    *size = (size_t)(to - start);
    return quote ? NULL : p;
}

static enum resp_result line(struct resp *resp, char *bytes, size_t size)
{
    const char *end;

    if (resp->line == 0) {                      /* [used] bytes are known to hold no "\n" */
        end = memchr(bytes + resp->used, '\n', size - resp->used);
        resp->line = end ? (size_t)(end - bytes) + 1 : 0;
        resp->used = end ? 0 : size;
        if ((end ? resp->line : size) > RESP_LINE_MAX)
            return bad(resp, "too big inline request");
        if (!end)
            return RESP_MORE;
    }
    end = bytes + resp->line;                   /* "\n" is a space */
    for (char *p = bytes + resp->used; ; resp->count++) {
        size_t n;

        while (p < end && is_space(*p))
            p++;
        resp->used = (size_t)(p - bytes);
        if (p == end)
            break;
        if (resp->count == resp->limits.args)
            return bad(resp, "too many words");
        if (resp->count == resp->room)
            return RESP_ARGS;
        if (!(p = word(p, end, &n)))
            return bad(resp, "unbalanced quotes in request");
        resp->args[resp->count] = (struct resp_arg){ (uint32_t)resp->used, (uint32_t)n };
    }
    resp->line = 0;
    return RESP_REQUEST;
}

/* ---------------------------------------------------------------------------------------------- */

enum resp_result resp_parse(struct resp *resp, char *bytes, size_t size)
{
    if (resp->last == RESP_BAD)
        return RESP_BAD;
    if (resp->last == RESP_REQUEST)
        resp->used = resp->count = 0;
    if (size == 0)
        resp->last = RESP_MORE;
    else if (bytes[0] != '*' || resp->line > 0)
        resp->last = line(resp, bytes, size);
    else if (resp->used == 0)
        resp->last = array_head(resp, bytes, size);
    else
        resp->last = array(resp, bytes, size);
    return resp->last;
}
