/* You will see five GETs of a server that takes 3 s for each take 3 s, and 15 s with --sync. */
#include "http/http.h"
#include "options.h"

#include <string.h>

struct request {
    co_frame;
    const struct http_url *url;         /* the argument */
    int fd;
    struct co_connect connect;
    struct co_stream stream;
    struct http_head answer;
    struct http_body body;
    char buf[HTTP_HEAD_MAX], text[4096];
};
co_define(request) {
    co_begin;
    printf("Waiting for %s\n", self->url->text);
    co_try(self->fd, co_connect(&self->connect, self->url->host, self->url->port));
    co_try(co_send_all(self->fd, self->buf, http_get(self->buf, self->url)));
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    co_try(http_read_answer(&self->answer, &self->stream));
    if (self->answer.status != 200)
        co_return(-EPROTO);
    co_try(http_read_body(&self->body, &self->answer, self->text, sizeof self->text));
    printf("Get response from %s Result: %s\n", self->url->text, self->text);
    co_finally;
    co_fd_close(self->fd); /* a failed co_connect left no fd here: nothing happens */
    co_end;
}

struct requests {
    co_frame;
    const struct options *options;      /* the arguments */
    const struct http_url *url;
    double start;
    int i;
    struct request one;
    struct co_task *tasks[1000];
};
co_define(requests) {
    co_begin;
    self->start = co_time();
    for (self->i = 0; self->i < self->options->count; self->i++)
        if (self->options->sync)
            co_try(co_call(&self->one, request, .url = self->url));
        else
            self->tasks[self->i] = co_spawn(request, .url = self->url);
    co_try(co_gather(self->tasks, self->options->sync ? 0 : (size_t)self->i));
    printf("Cost time: %.2f\n", co_time() - self->start);
    co_finally;
    while (self->i-- > 0)
        co_task_free(self->tasks[self->i]);
    co_end;
}

static const char *advice(intptr_t error)
{
    return error == -ECONNREFUSED ? "nobody listens there: start slow_server, with this --port"
        : error == -ENODATA || error == -ECONNRESET ? "the server closed early: look at its output"
        : error == -EMSGSIZE ? "the answer is too large: see HTTP_HEAD_MAX and text[] in requests.c"
        : error == -EBADMSG ? "the answer is malformed: is this an HTTP server?"
        : error == -ENOTSUP ? "the answer comes in chunks: ask a server that gives its length"
        : error == -EPROTO ? "the answer is not 200 OK: try another path"
        : error == -ENOENT ? "there is no such host: check its name" : strerror((int)-error);
}

int main(int argc, char **argv)
{
    struct options options = options_read(argc, argv, "[--count N] [--sync] URL_OR_PORT");
    struct http_url url;
    if (http_url_parse(&url, options.url) < 0)
        return fprintf(stderr, "requests: %s: write http://127.0.0.1:PORT/\n", options.url), 2;
    intptr_t result = co_main(requests, .options = &options, .url = &url);
    if (result < 0)
        fprintf(stderr, "requests: %s: %s\n", url.text, advice(result));
    return result < 0;
}
