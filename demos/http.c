/* SPDX-License-Identifier: BSD-2-Clause
 * http.c: HTTP/1.x messages over a stream, read strictly. See http.h. */
#define _POSIX_C_SOURCE 200809L
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define TOKEN DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~"

/* ---- Requests to send ------------------------------------------------------------------------ */

/* Visible ASCII only: so nothing ends a line where it should not. */
static bool is_visible(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

int http_url_parse(struct http_url *url, const char *text)
{
    char full[sizeof "http://127.0.0.1:65535/"];
    const char *path;
    int n = 0, size;

    if (text[strspn(text, DIGITS)] == '\0' && strlen(text) < 6) {
        snprintf(full, sizeof full, "http://127.0.0.1:%s/", text);
        text = full;
    }
    if (sscanf(text, "http://[%63[" DIGITS "abcdefABCDEF:.]]%n", url->host, &n) < 1 || n == 0)
        if (sscanf(text, "http://%63[^]@:/?#[]%n", url->host, &n) < 1)
            return -EINVAL;
    path = text + n;
    url->port = 80;
    if (*path == ':') {
        size = (int)strspn(++path, DIGITS);
        url->port = size < 6 ? atoi(path) : 0;
        path += size;
    }
    url->path = (int)(path - text);
    size = snprintf(url->text, sizeof url->text, "%s%s", text, *path ? "" : "/");
    if (url->port < 1 || url->port > 65535 || (*path && *path != '/') || strchr(path, '#')
        || size >= (int)sizeof url->text || !is_visible(text, strlen(text)))
        return -EINVAL;
    return 0;
}

size_t http_get(char *to, const struct http_url *url)
{
    int host = (int)strlen("http://");

    return (size_t)sprintf(to, "GET %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
                           url->text + url->path, url->path - host, url->text + host);
}

/* ---- Heads ----------------------------------------------------------------------------------- */

/* "HTTP/1.0" or "HTTP/1.1", with [end] behind it. */
static int version(struct http_head *head, const char *text, char end)
{
    if (strncmp(text, "HTTP/1.", 7) || (text[7] != '0' && text[7] != '1') || text[8] != end)
        return -EBADMSG;
    head->minor = text[7] - '0';
    head->close = head->minor == 0;
    return 0;
}

/* GET /path HTTP/1.1 */
static int request_line(struct http_head *head, const char *line)
{
    size_t method = strspn(line, TOKEN);
    const char *target = line + method + 1;
    size_t size = line[method] == ' ' ? strcspn(target, " ") : 0;

    if (method == 0 || size == 0 || target[size] != ' ' || !is_visible(target, size))
        return -EBADMSG;
    snprintf(head->target, sizeof head->target, "%.*s", (int)size, target);
    head->is_head = method == 4 && !memcmp(line, "HEAD", 4);
    return version(head, target + size + 1, '\0');
}

/* HTTP/1.1 200 OK */
static int status_line(struct http_head *head, const char *line)
{
    const char *status = line + strlen("HTTP/1.1 ");

    if (version(head, line, ' ') < 0 || strspn(status, DIGITS) != 3 || *status < '1'
        || *status > '5' || (status[3] && status[3] != ' '))
        return -EBADMSG;
    head->status = atoi(status);
    return 0;
}

/* Digits only, once, and no overflow. */
static int content_length(struct http_head *head, const char *value)
{
    size_t digits = strspn(value, DIGITS);

    if (head->length >= 0 || digits == 0 || digits > 18 || value[digits])
        return -EBADMSG;
    head->length = strtoll(value, NULL, 10);
    return 0;
}

/* Connection: close, keep-alive */
static void connection(struct http_head *head, const char *value)
{
    for (size_t n; *value; value += n) {
        value += strspn(value, ", \t");
        n = strcspn(value, ", \t");
        if (n == 5 && !strncasecmp(value, "close", n))
            head->close = true;
    }
}

/* Name: value */
static int field(struct http_head *head, char *line)
{
    size_t name = strspn(line, TOKEN);
    char *value = line + name + 1, *end = line + strlen(line);

    if (name == 0 || line[name] != ':')
        return -EBADMSG;
    line[name] = '\0';
    value += strspn(value, " \t");
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    for (const char *p = value; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == '\x7F')
            return -EBADMSG;
    if (!strcasecmp(line, "Content-Length"))
        return content_length(head, value);
    if (!strcasecmp(line, "Connection"))
        connection(head, value);
    head->hosts += !strcasecmp(line, "Host");
    head->is_coded |= !strcasecmp(line, "Transfer-Encoding");
    return 0;
}

/* What head->line, of head->n bytes, says: 1, or 0 at the empty line that ends the head. */
static int head_line(struct http_head *head)
{
    bool is_first = head->size == 0;
    size_t length = strlen(head->line);
    int error;

    head->size += (size_t)head->n;
    if (head->size > HTTP_HEAD_MAX)
        return -EMSGSIZE;
    if (length + 2 < (size_t)head->n)                   /* there is a NUL in it */
        return -EBADMSG;
    if (length == (size_t)head->n)                      /* the stream ended without "\n" */
        return -ENODATA;
    if (length == 0 && !is_first)
        return 0;
    error = !is_first ? field(head, head->line)
        : head->is_request ? request_line(head, head->line) : status_line(head, head->line);
    return error < 0 ? error : 1;
}

co_define(http_head) {
    co_begin;
    do {
        co_try(self->n, co_read_line(self->stream, &self->line));
        if (self->n == 0)
            co_return(self->size == 0 && self->is_request ? 0 : -ENODATA);
        self->n = head_line(self);
    } while (self->n > 0);
    if (self->n == 0 && self->is_request && self->hosts != 1 && (self->hosts || self->minor))
        co_return(-EBADMSG);
    co_return(self->n < 0 ? self->n : self->is_coded ? -ENOTSUP : 1);
    co_end;
}

co_op http_read_request(struct http_head *head, struct stream *stream)
{
    return co_call(head, http_head, .stream = stream, .is_request = true, .length = -1);
}

const char *http_status(intptr_t result)
{
    return result > 0 ? "200 OK"
        : result == -EBADMSG ? "400 Bad Request"
        : result == -EFBIG ? "413 Content Too Large"
        : result == -EMSGSIZE ? "431 Request Header Fields Too Large"
        : result == -ENOTSUP ? "501 Not Implemented" : NULL;
}

co_op http_read_answer(struct http_head *head, struct stream *stream)
{
    return co_call(head, http_head, .stream = stream, .length = -1);
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

co_define(http_body) {
    co_begin;
    if (self->head->length >= (int64_t)self->size)
        co_return(-EMSGSIZE);
    if (self->head->length >= 0) {
        self->done = (size_t)self->head->length;
        co_try(co_read_exact(self->stream, self->to, self->done));
    } else for (;;) {                                   /* a stream gives no "what there is" */
        co_await(self->n, co_read_exact(self->stream, self->to + self->done, 1));
        if (self->n == -ENODATA)
            break;
        if (self->n < 0 || ++self->done == self->size)
            co_return(self->n < 0 ? self->n : -EMSGSIZE);
    }
    self->to[self->done] = '\0';
    co_return(self->done);
    co_end;
}

co_op http_read_body(struct http_body *body, const struct http_head *head, char *to, size_t size)
{
    return co_call(body, http_body, .stream = head->stream, .head = head, .to = to, .size = size);
}

co_define(http_drop) {
    co_begin;
    for (; self->left > 0; self->left -= self->n)
        co_try(self->n, co_read_exact(self->stream, self->part,
                                      self->left < (int64_t)sizeof self->part
                                      ? (size_t)self->left : sizeof self->part));
    co_end;
}

co_op http_drop(struct http_drop *drop, struct stream *stream, int64_t size)
{
    return co_call(drop, http_drop, .stream = stream, .left = size);
}
