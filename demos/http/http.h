/* SPDX-License-Identifier: BSD-2-Clause
 * http.h: HTTP/1.x messages over a stream, read strictly: what both slow_server and requests need.
 *
 * What is refused, and how heads are parsed, is in parse.h. */
#ifndef DEMOS_HTTP_H
#define DEMOS_HTTP_H

#include "parse.h"
#include "net.h"

#include <stdbool.h>

/* http://HOST:PORT/PATH, where HOST is an address or localhost. */
struct http_url {
    char text[256];                     /* all of it */
    char host[64];
    int port;
    int path;                           /* where in the text it begins */
};

/* [text] may also be a port alone: http://127.0.0.1:PORT/. 0, or -EINVAL. */
int http_url_parse(struct http_url *url, const char *text);

/* Writes the request GET into [to], of 512 bytes at least: bytes. */
size_t http_get(char *to, const struct http_url *url);

/* The head of a message, up to the empty line, and the frame of the coroutine that reads it. */
struct http_head {
    co_frame;
    struct co_stream *stream;
    struct http_message message;        /* private: what parse.h makes of its lines */
    bool is_head;                       /* ro: the request is HEAD, its answer has no body */
    bool close;                         /* ro: no other message follows on this connection */
    int minor;                          /* ro: 1 in HTTP/1.1 */
    char target[64];                    /* ro: what a request asks for; a longer one is cut */
    int status;                         /* ro: of an answer */
    int64_t length;                     /* ro: Content-Length; -1 if there was none */
    intptr_t n;
    char *line;
};

/* Reads the head of a request: 1; 0 at the end of the stream, before any byte. -EBADMSG: malformed,
 * or not HTTP/1.x; -EMSGSIZE: too long; -ENOTSUP: it has a Transfer-Encoding; -ENODATA: the stream
 * ended in it. */
CO_OP http_read_request(struct http_head *head, struct co_stream *stream);

/* What a server answers to that result, or to -EFBIG: "200 OK", ... NULL: nothing, it closes. */
const char *http_status(intptr_t result);

/* Reads the head of an answer: 1. Errors as above; -ENODATA also before any byte. */
CO_OP http_read_answer(struct http_head *head, struct co_stream *stream);

struct http_body {
    co_frame;
    struct co_stream *stream;
    const struct http_head *head;
    char *to;
    size_t size, done;
    intptr_t n;
};

/* Reads the body that follows [head] into [to], with a NUL: bytes. Without a Content-Length it goes
 * on to the end of the stream. -EMSGSIZE: more than [size] - 1; -ENODATA: an early end. */
CO_OP http_read_body(struct http_body *body, const struct http_head *head, char *to, size_t size);

struct http_drop { co_frame; struct co_stream *stream; int64_t left; intptr_t n; char part[512]; };

/* Reads [size] bytes and drops them: 0; -ENODATA: the stream ended before. */
CO_OP http_drop(struct http_drop *drop, struct co_stream *stream, int64_t size);

#endif
