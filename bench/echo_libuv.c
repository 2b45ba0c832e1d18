/* SPDX-License-Identifier: BSD-2-Clause
 * echo_libuv.c: the echo server of echo.c, on libuv; prints its port and its pid.
 *
 * uv_try_write first; a write request for the rest, and no reading until that is done. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#if __has_include(<uv.h>)
#include <arpa/inet.h>
#include <uv.h>

struct session {
    uv_tcp_t tcp;
    uv_write_t write;
    char buf[4096];
};

static void session_free(uv_handle_t *tcp)
{
    free(tcp->data);
}

static void session_end(struct session *session)
{
    if (!uv_is_closing((uv_handle_t *)&session->tcp))
        uv_close((uv_handle_t *)&session->tcp, session_free);
}

static void session_buffer(uv_handle_t *tcp, size_t size, uv_buf_t *buf)
{
    struct session *session = tcp->data;

    (void)size;
    *buf = uv_buf_init(session->buf, sizeof session->buf);
}

static void session_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf);

static void session_written(uv_write_t *write, int error)
{
    struct session *session = write->data;

    if (error < 0 || uv_read_start((uv_stream_t *)&session->tcp, session_buffer, session_read) < 0)
        session_end(session);
}

static void session_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct session *session = tcp->data;
    uv_buf_t rest;
    int sent;

    if (n < 0)
        session_end(session);
    if (n <= 0)
        return;
    rest = uv_buf_init(buf->base, (unsigned)n);
    sent = uv_try_write(tcp, &rest, 1);
    if (sent == (int)n)
        return;
    if (sent < 0 && sent != UV_EAGAIN) {
        session_end(session);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    rest = uv_buf_init(buf->base + sent, (unsigned)(n - sent));
    session->write.data = session;
    uv_read_stop(tcp);
    if (uv_write(&session->write, tcp, &rest, 1, session_written) < 0)
        session_end(session);
}

static void listener_event(uv_stream_t *listener, int error)
{
    struct session *session = error < 0 ? NULL : malloc(sizeof *session);

    if (!session)
        return;
    uv_tcp_init(listener->loop, &session->tcp);
    session->tcp.data = session;
    if (uv_accept(listener, (uv_stream_t *)&session->tcp) < 0 ||
        uv_tcp_nodelay(&session->tcp, 1) < 0 ||
        uv_read_start((uv_stream_t *)&session->tcp, session_buffer, session_read) < 0)
        session_end(session);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int size = sizeof at, error;
    uv_tcp_t listener;

    uv_tcp_init(loop, &listener);
    if ((error = uv_tcp_bind(&listener, (struct sockaddr *)&at, 0)) < 0 ||
        (error = uv_listen((uv_stream_t *)&listener, SOMAXCONN, listener_event)) < 0 ||
        (error = uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &size)) < 0) {
        fprintf(stderr, "echo_libuv: %s\n", uv_strerror(error));
        return 1;
    }
    printf("%d %d\n", ntohs(at.sin_port), (int)uv_os_getpid());
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
#else
int main(void)
{
    fputs("echo_libuv: built where there was no libuv\n", stderr);
    return EXIT_FAILURE;
}
#endif
