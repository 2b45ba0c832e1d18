/* SPDX-License-Identifier: BSD-2-Clause
 * http.c: HTTP/1.x messages over a stream; parse.c reads their heads. See http.h. */
#define _POSIX_C_SOURCE 200809L
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define NAME   DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._~-"

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
        if (sscanf(text, "http://%63[" NAME "]%n", url->host, &n) < 1)
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

/* What the whole head says to users of this file; they may read requests in HTTP/1.1 only, where
 * a connection stays open unless it is said otherwise. */
static intptr_t head_end(struct http_head *head)
{
    const struct http_message *m = &head->message;

    head->is_head = m->is_head;
    head->close = m->close || m->minor == 0;
    head->minor = m->minor;
    head->status = m->status;
    head->length = m->has_length ? m->length : -1;
    return m->is_coded ? -ENOTSUP : 1;
}

/* What the line that was read says: 1, or 0 at the empty line that ends the head. */
static int head_line(struct http_head *head)
{
    struct http_message *m = &head->message;
    bool is_first = m->lines == 0;
    size_t before = m->size, length = head->stream->length;
    int result;

    if (length == (size_t)head->n)                      /* the stream ended without "\n" */
        return m->size + length > HTTP_HEAD_MAX ? -EMSGSIZE : -ENODATA;
    result = http_parse_line(m, head->line, length, (size_t)head->n);
    if (result > 0 && is_first && m->lines > 0)
        snprintf(head->target, sizeof head->target, "%.*s", (int)m->target.size,
                 head->line + (m->target.at - before));
    return result == -EPROTONOSUPPORT ? -EBADMSG : result;
}

co_define(http_head) {
    co_begin;
    do {
        co_try(self->n, co_read_line(self->stream, &self->line));
        if (self->n == 0)
            co_return(self->message.size == 0 && !self->message.is_answer ? 0 : -ENODATA);
        self->n = head_line(self);
    } while (self->n > 0);
    co_return(self->n < 0 ? self->n : head_end(self));
    co_end;
}

co_op http_read_request(struct http_head *head, struct co_stream *stream)
{
    return co_call(head, http_head, .stream = stream);
}

const char *http_status(intptr_t result)
{
    return result > 0 ? "200 OK"
        : result == -EBADMSG ? "400 Bad Request"
        : result == -EFBIG ? "413 Content Too Large"
        : result == -EMSGSIZE ? "431 Request Header Fields Too Large"
        : result == -ENOTSUP ? "501 Not Implemented" : NULL;
}

co_op http_read_answer(struct http_head *head, struct co_stream *stream)
{
    return co_call(head, http_head, .stream = stream, .message.is_answer = true);
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

co_op http_drop(struct http_drop *drop, struct co_stream *stream, int64_t size)
{
    return co_call(drop, http_drop, .stream = stream, .left = size);
}
