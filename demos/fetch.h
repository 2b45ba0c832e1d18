/* SPDX-License-Identifier: BSD-2-Clause
 * fetch.h: a coroutine that GETs a page, and the links in it. */
#ifndef DEMOS_FETCH_H
#define DEMOS_FETCH_H

#include "http/http.h"

#include <stdio.h>
#include <string.h>

struct fetch {
    co_frame;
    const struct http_url *url;
    int fd;
    struct co_connect connect;
    struct co_stream stream;
    struct http_head answer;            /* ro: its status */
    struct http_body body;
    struct co_within deadline;
    char buf[2048], text[4096];         /* text: ro */
};
static co_define(fetch) {
    co_begin;
    co_try(self->fd, co_connect(&self->connect, self->url->host, self->url->port));
    co_try(co_send_all(self->fd, self->buf, http_get(self->buf, self->url)));
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    co_try(http_read_answer(&self->answer, &self->stream));
    co_try(http_read_body(&self->body, &self->answer, self->text, sizeof self->text));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* GETs [url], which must stay, in 30 s at most: the size of its text. -ETIMEDOUT, or what
 * http/http.h and net.h give. */
static inline CO_OP fetch_page(struct fetch *fetch, const struct http_url *url)
{
    co_op op = co_call(fetch, fetch, .url = url);

    return co_within(&fetch->deadline, 30, op);
}

/* Writes a line "link URL" into [lines] for each link that the page has to one of the same server.
 * Bytes; -EMSGSIZE: too many. */
static inline int fetch_links(const struct fetch *fetch, char *lines, size_t size)
{
    static const char mark[] = "href=\"/";
    const struct http_url *from = fetch->url;
    const char *path, *end = fetch->text;
    struct http_url link;
    char url[sizeof link.text];
    size_t done = 0;

    lines[0] = '\0';
    while ((path = strstr(end, mark)) && (end = strchr(path + sizeof mark - 1, '"'))) {
        path += sizeof mark - 2;
        if (path[1] == '/' || snprintf(url, sizeof url, "%.*s%.*s", from->path, from->text,
                                       (int)(end - path), path) >= (int)sizeof url)
            continue;
        if (http_url_parse(&link, url) == 0)
            done += (size_t)snprintf(lines + done, size - done, "link %s\n", link.text);
        if (done >= size)
            return -EMSGSIZE;
    }
    return (int)done;
}

#endif
