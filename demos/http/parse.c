/* SPDX-License-Identifier: BSD-2-Clause
 * parse.c: the heads of HTTP/1.x messages, line by line. See parse.h. */
#define _POSIX_C_SOURCE 200809L
#include "parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- Characters ------------------------------------------------------------------------------ */

/* Of a token, RFC 9110 5.6.2; of a host with its port, RFC 3986 3.2.2, but for the comma; of a
 * target: visible; and what no line may hold: controls but the tab. The sums of these, for each
 * ASCII character; the rest may stand in values only. */
enum { TOKEN = 1, HOST = 2, VISIBLE = 4, CONTROL = 8 };
static const unsigned char classes[256] = {
    8, 8, 8, 8, 8, 8, 8, 8, 8, 0, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    0, 7, 4, 5, 7, 7, 7, 7, 6, 6, 7, 7, 4, 7, 7, 4,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 4, 6, 4, 4,
    4, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 4, 6, 5, 7,
    5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 5, 4, 7, 8,
};

/* How many characters at [text] are of that class. */
static size_t span(const char *text, size_t size, unsigned class)
{
    size_t n = 0;

    while (n < size && classes[(unsigned char)text[n]] & class)
        n++;
    return n;
}

static bool is_value(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size && !(classes[(unsigned char)text[n]] & CONTROL))
        n++;
    return n == size;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

/* ---- First lines ----------------------------------------------------------------------------- */

/* "HTTP/1.1": a higher minor version is read as that one. */
static int version(struct http_message *m, const char *text)
{
    if (memcmp(text, "HTTP/", 5) != 0 || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
        return -EBADMSG;
    if (text[5] != '1')
        return -EPROTONOSUPPORT;
    m->minor = text[7] != '0';
    return 1;
}

/* GET /path HTTP/1.1 */
static int request_line(struct http_message *m, const char *line, size_t size)
{
    size_t method = span(line, size, TOKEN), target;
    const char *rest = line + method + 1;

    if (method == 0 || method == size || line[method] != ' ')
        return -EBADMSG;
    target = span(rest, size - method - 1, VISIBLE);
    if (target == 0 || size != method + 1 + target + sizeof " HTTP/1.1" - 1 || rest[target] != ' ')
        return -EBADMSG;
    m->method = (struct http_part){ (uint32_t)m->size, (uint32_t)method };
    m->target = (struct http_part){ (uint32_t)(m->size + method + 1), (uint32_t)target };
    m->is_get = method == 3 && memcmp(line, "GET", 3) == 0;
    m->is_head = method == 4 && memcmp(line, "HEAD", 4) == 0;
    return version(m, rest + target + 1);
}

/* HTTP/1.1 200 OK */
static int status_line(struct http_message *m, const char *line, size_t size)
{
    const char *status = line + sizeof "HTTP/1.1 " - 1;

    if (size < sizeof "HTTP/1.1 200" - 1 || status[-1] != ' ' || status[0] < '1' || status[0] > '5'
        || !is_digit(status[1]) || !is_digit(status[2])
        || (size > sizeof "HTTP/1.1 200" - 1 && status[3] != ' ') || !is_value(line, size))
        return -EBADMSG;
    m->status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + status[2] - '0';
    return version(m, line);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

/* Digits only, once, and no overflow. */
static int content_length(struct http_message *m, const char *value, size_t size)
{
    if (m->has_length || size == 0 || size > 18)
        return -EBADMSG;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(value[i]))
            return -EBADMSG;
        m->length = m->length * 10 + (value[i] - '0');
    }
    m->has_length = true;
    return 1;
}

/* Once, and well-formed. */
static int host(const struct http_message *m, const char *value, size_t size)
{
    return m->field[HTTP_HOST].at != 0 || span(value, size, HOST) < size ? -EBADMSG : 1;
}

/* A list: close, keep-alive, ... */
static int connection(struct http_message *m, const char *value, size_t size)
{
    for (size_t i = 0, n; i < size; i += n + 1) {
        n = span(value + i, size - i, TOKEN);
        m->close |= is_word(value + i, n, "close");
        m->keep_alive |= is_word(value + i, n, "keep-alive");
    }
    return 1;
}

/* Which field it is that has this name; HTTP_FIELDS: none of ours. */
static enum http_field field_named(const char *name, size_t size)
{
    static const struct { const char *text; size_t size; } names[HTTP_FIELDS] = {
#define NAME(text) { (text), sizeof(text) - 1 }
        [HTTP_HOST] = NAME("Host"), [HTTP_CONNECTION] = NAME("Connection"),
        [HTTP_CONTENT_LENGTH] = NAME("Content-Length"),
        [HTTP_TRANSFER_ENCODING] = NAME("Transfer-Encoding"), [HTTP_EXPECT] = NAME("Expect"),
        [HTTP_RANGE] = NAME("Range"), [HTTP_IF_RANGE] = NAME("If-Range"),
        [HTTP_IF_MODIFIED_SINCE] = NAME("If-Modified-Since"),
        [HTTP_IF_NONE_MATCH] = NAME("If-None-Match"),
#undef NAME
    };
    enum http_field f = HTTP_HOST;

    while (f < HTTP_FIELDS
           && (names[f].size != size || strncasecmp(names[f].text, name, size) != 0))
        f++;
    return f;
}

/* Name: value */
static int field(struct http_message *m, const char *line, size_t size)
{
    size_t name = span(line, size, TOKEN), from = name + 1;
    enum http_field f;
    int result = 1;

    if (name == 0 || name == size || line[name] != ':' || !is_value(line + from, size - from))
        return -EBADMSG;
    f = field_named(line, name);
    if (f == HTTP_FIELDS)
        return 1;
    while (from < size && (line[from] == ' ' || line[from] == '\t'))
        from++;
    while (size > from && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        size--;
    if (f == HTTP_HOST)
        result = host(m, line + from, size - from);
    else if (f == HTTP_CONTENT_LENGTH)
        result = content_length(m, line + from, size - from);
    else if (f == HTTP_CONNECTION)
        result = connection(m, line + from, size - from);
    m->is_coded |= f == HTTP_TRANSFER_ENCODING;
    m->field[f] = (struct http_part){ (uint32_t)(m->size + from), (uint32_t)(size - from) };
    return result;
}

/* ---- Heads ----------------------------------------------------------------------------------- */

/* What must hold for a whole request. */
static int request_end(const struct http_message *m)
{
    if (m->minor > 0 && m->field[HTTP_HOST].at == 0)
        return -EBADMSG;
    return m->is_coded && (m->has_length || m->minor == 0) ? -EBADMSG : 0;
}

int http_parse_line(struct http_message *m, const char *line, size_t size, size_t bytes)
{
    int result;

    if (m->size + bytes > HTTP_HEAD_MAX)
        return -EMSGSIZE;
    if (m->size == 0)
        m->line_end = (uint8_t)(bytes - size);
    if (bytes - size != m->line_end)    /* a "\n" among "\r\n": others may take it for no end */
        return -EBADMSG;
    if (size == 0 && m->lines > 0)
        result = m->is_answer ? 0 : request_end(m);
    else if (size == 0 && m->size == 0 && !m->is_answer)
        result = 1;                     /* one empty line before a request, RFC 9112 2.2 */
    else
        result = m->lines > 0 ? field(m, line, size)
            : m->is_answer ? status_line(m, line, size) : request_line(m, line, size);
    m->lines |= size > 0;
    m->size += bytes;
    return result;
}

intptr_t http_parse(struct http_message *m, const char *text, size_t size)
{
    while (m->size < size) {
        const char *line = text + m->size, *end = memchr(line, '\n', size - m->size);
        size_t n = end ? (size_t)(end - line) : 0;
        int result;

        if (!end)
            break;
        result = http_parse_line(m, line, n > 0 && end[-1] == '\r' ? n - 1 : n, n + 1);
        if (result <= 0)
            return result < 0 ? result : (intptr_t)m->size;
    }
    return size >= HTTP_HEAD_MAX ? -EMSGSIZE : 0;
}
