/* SPDX-License-Identifier: BSD-2-Clause
 * httpd.c: demos/httpd, asked by good, bad and slow clients. Its parser by itself: http.c. */
#define _GNU_SOURCE
#include "demo_test.h"

#include "../demos/http/path.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"

/* ---- Files to serve -------------------------------------------------------------------------- */

/* More than the kernel takes from a server whose client reads nothing. */
enum { BIG = 12000000, MIDDLE = 40000 };
static char top[] = "/tmp/duffel-httpd-XXXXXX", root[64], content[BIG];

static void make_file(const char *name, const char *text, size_t size)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", top, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int files_make(void **state)
{
    char command[512];

    (void)state;
    for (size_t i = 0; i < BIG; i++)
        content[i] = (char)('a' + (i * 7 + i / 251) % 26);
    if (!mkdtemp(top))
        return -1;
    snprintf(root, sizeof root, "%s/root", top);
    snprintf(command, sizeof command, "cd %s && mkdir -p root/sub root/empty 'root/a&<b> %%' &&"
             " ln -s ../page.txt root/sub/in && ln -s %s/secret root/out && ln -s .. root/up &&"
             " ln -s ../../secret root/sub/out && mkfifo root/fifo && ln -s sub root/dir_in", top,
             top);
    if (system(command) != 0)
        return -1;
    make_file("secret", "SECRET", 6);
    make_file("root/index.html", "<p>index", 8);
    make_file("root/sub/index.html", "<p>sub", 6);
    make_file("root/page.txt", "0123456789", 10);
    make_file("root/none.css", "", 0);
    make_file("root/odd #%?.JPG", "odd", 3);
    make_file("root/10k", content, 10240);
    make_file("root/middle", content, MIDDLE);
    make_file("root/big", content, BIG);
    return 0;
}

static int files_remove(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

static struct child *serve_files(const char *options)
{
    char command[256];

    snprintf(command, sizeof command, "httpd %s %s", options, root);
    return serve(command);
}

static void links_are_followed_inside_the_root_only_or_never(void **state)
{
    static const struct { const char *path; int fd, by_steps; } paths[] = {
        { "page.txt", 1, 1 }, { "", 1, 1 }, { "sub", 1, 1 }, { "sub/index.html", 1, 1 },
        { "sub/in", 1, -ELOOP }, { "dir_in/index.html", 1, -ENOTDIR },
        { "out", -EXDEV, -ELOOP }, { "sub/out", -EXDEV, -ELOOP }, { "up", -EXDEV, -ELOOP },
        { "up/secret", -EXDEV, -ENOTDIR }, { "no", -ENOENT, -ENOENT },
        { "page.txt/x", -ENOTDIR, -ENOTDIR }, { "no/x", -ENOENT, -ENOENT },
    };
    char name[NAME_MAX + 2];
    int at = open(root, O_DIRECTORY | O_CLOEXEC);

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = path_open(at, paths[i].path), steps = path_open_by_steps(at, paths[i].path);

        if (fd > 0)
            close(fd);
        if (steps > 0)
            close(steps);
        /* without openat2(), one does as the other */
        if (!((fd > 0 ? 1 : fd) == paths[i].fd || fd == steps)
            || (steps > 0 ? 1 : steps) != paths[i].by_steps)
            fail_msg("%s gave %d and %d", paths[i].path, fd, steps);
    }
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(path_open_by_steps(at, name), -ENAMETOOLONG);
    close(at);
}

/* ---- Answers --------------------------------------------------------------------------------- */

struct answered {
    int status;
    char head[4096];
    char *body;                         /* with a NUL; free() it */
    size_t size;
};

/* Reads one answer. [has_body]: to a GET. */
static struct answered answered(int fd, bool has_body)
{
    struct answered a = { 0, "", NULL, 0 };
    const char *length;

    for (size_t n = 0; n < 4 || memcmp(a.head + n - 4, "\r\n\r\n", 4) != 0; n++) {
        assert_true(n < sizeof a.head - 1);
        if (recv(fd, a.head + n, 1, 0) != 1)
            fail_msg("an early end: %s", a.head);
    }
    assert_int_equal(sscanf(a.head, "HTTP/1.1 %d ", &a.status), 1);
    length = strstr(a.head, "\r\nContent-Length: ");
    a.size = has_body && length ? (size_t)atoi(length + strlen("\r\nContent-Length: ")) : 0;
    a.body = calloc(1, a.size + 1);
    for (size_t done = 0; done < a.size; ) {
        ssize_t n = recv(fd, a.body + done, a.size - done, 0);

        assert_true(n > 0);
        done += (size_t)n;
    }
    return a;
}

/* The answer to [bytes]. If it is the last one, the server must close; else it must not. */
static struct answered ask_bytes(int port, const char *bytes, size_t size)
{
    int fd = dial(port);
    struct answered a;
    char more;

    put(fd, bytes, size);
    a = answered(fd, size < 4 || memcmp(bytes, "HEAD", 4) != 0);
    if (strstr(a.head, "\r\nConnection: close\r\n"))
        assert_int_equal(recv(fd, &more, 1, 0), 0);
    else
        assert_int_equal(recv(fd, &more, 1, MSG_DONTWAIT), -1);
    close(fd);
    return a;
}

static struct answered ask(int port, const char *format, ...)
{
    char text[8192];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return ask_bytes(port, text, strlen(text));
}

static void expect(struct answered a, int status, const char *field, const char *body)
{
    if (a.status != status || !strstr(a.head, field) || (body && strcmp(a.body, body) != 0))
        fail_msg("not %d, %s, %s but:\n%s%s", status, field, body ? body : "", a.head, a.body);
    free(a.body);
}

#define FILE_OF(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void files_are_sent_whole_with_their_type(void **state)
{
    static const struct { const char *target, *type; int size; } files[] = {
        { "/10k", "application/octet-stream", 10240 },
        { "/middle", "application/octet-stream", MIDDLE },
        { "/big", "application/octet-stream", BIG },
        { "/none.css", "text/css; charset=utf-8", 0 },
        { "/page.txt?version=2", "text/plain; charset=utf-8", 10 },
        { "/odd%20%23%25%3f.JPG", "image/jpeg", 3 }, { "/", "text/html; charset=utf-8", 8 },
        { "/sub/", "text/html; charset=utf-8", 6 }, { "/sub/in", "application/octet-stream", 10 },
        { "http://elsewhere.example/page.txt", "text/plain; charset=utf-8", 10 },
    };
    struct child *server = serve_files("");

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *target = files[i].target;
        struct answered a = ask(server->port, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
        struct answered h = ask(server->port, "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
        char pattern_of[512];

        if (strcmp(files[i].target, "/sub/in") == 0 && a.status == 403)
            continue;                   /* without openat2() no link is followed */
        snprintf(pattern_of, sizeof pattern_of, "HTTP/1\\.1 200 OK\r\nDate: [^\r]+ GMT\r\n"
                 "Accept-Ranges: bytes\r\nLast-Modified: [^\r]+ GMT\r\nContent-Type: %s\r\n"
                 "Content-Length: %d\r\nConnection: keep-alive\r\n\r\n", files[i].type,
                 files[i].size);
        check(a.head, pattern_of);
        check(h.head, pattern_of);
        assert_true(a.size < 10240 || memcmp(a.body, content, a.size) == 0);
        free(a.body);
        free(h.body);
    }
    expect(ask(server->port, FILE_OF("/page.txt")), 200, "", "0123456789");
    stop(server, SIGTERM);
}

static void what_is_not_served_says_why(void **state)
{
    static const struct { const char *request; int status; const char *field; } refused[] = {
        { FILE_OF("page.txt"), 400, "keep-alive" }, { FILE_OF("ftp://x/"), 400, "keep-alive" },
        { FILE_OF("/no"), 404, "keep-alive" }, { FILE_OF("/page.txt/"), 404, "keep-alive" },
        { FILE_OF("/empty/"), 404, "keep-alive" }, { FILE_OF("/fifo"), 403, "keep-alive" },
        { FILE_OF("/sub"), 301, "\r\nLocation: /sub/\r\n" },
        { FILE_OF("//sub"), 301, "\r\nLocation: /sub/\r\n" },
        { FILE_OF("/a%26%3cb%3E%20%25"), 301, "\r\nLocation: /a%26%3Cb%3E%20%25/\r\n" },
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405,
          "\r\nAllow: GET, HEAD\r\n" },
        { "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405, "\r\nAllow: GET, HEAD\r\n" },
        { "DELETE /page.txt HTTP/1.1\r\nHost: x\r\n\r\n", 405, "\r\nAllow: GET, HEAD\r\n" },
        { "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "keep-alive" },
        { "get / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "keep-alive" },
        { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405,
          "close" },
        { GET "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501, "close" },
        { GET "Content-Length: 65537\r\n\r\n", 413, "close" },
        { GET "Expect: miracles\r\n\r\n", 417, "keep-alive" },
        { GET "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", 200, "close" },
        { GET "Expect: 100-Continue\r\n\r\n", 200, "keep-alive" },
        { "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 405,
          "close" },
        { "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "close" },
        { "GET / HTTP/0.9\r\n\r\n", 505, "close" },
        { "GET / HTTP/1.7\r\nHost: x\r\n\r\n", 200, "keep-alive" },
        { GET "Connection: close\r\n\r\n", 200, "close" },
        { GET "Connection: TE, CLOSE\r\n\r\n", 200, "close" },
        { "GET / HTTP/1.0\r\n\r\n", 200, "close" },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, "keep-alive" },
        { "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, "close" },
        { "GET / HTTP/1.0\r\nExpect: miracles\r\n\r\n", 200, "close" },
        { "HEAD /no HTTP/1.1\r\nHost: x\r\n\r\n", 404, "\r\nContent-Length: 14\r\n" },
    };
    struct child *server = serve_files("");

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct answered a = ask(server->port, "%s", refused[i].request);

        if (a.status != refused[i].status || !strstr(a.head, refused[i].field))
            fail_msg("to %s\nit answered %s", refused[i].request, a.head);
        free(a.body);
    }
    stop(server, SIGTERM);
}

static void a_malformed_request_gets_400_and_the_end(void **state)
{
    static const char *const requests[] = {
        "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET / http/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.10\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        GET "Host: y\r\n\r\n", "GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        GET "no colon\r\n\r\n", GET ": no name\r\n\r\n", GET "Name : x\r\n\r\n",
        GET "Name\t: x\r\n\r\n", GET " folded: x\r\n\r\n", GET "a: b\r\n\tfolded\r\n\r\n",
        GET "a: b\rc: d\r\n\r\n", GET "a: b\r\r\n\r\n", GET "a: \x01\r\n\r\n",
        GET "Content-Length: \r\n\r\n", GET "Content-Length: -1\r\n\r\n",
        GET "Content-Length: +1\r\n\r\n", GET "Content-Length: 0x1\r\n\r\n",
        GET "Content-Length: 1, 1\r\n\r\n", GET "Content-Length: 9999999999999999999\r\n\r\n",
        GET "Content-Length: 0\r\ncontent-length: 0\r\n\r\n",
        GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "\x16\x03\x01\x02\n\n",
    };
    static const char nul[] = GET "a: \0b\r\n\r\n", late[] = "GET /\0/ HTTP/1.1\r\nHost: x\r\n\r\n";
    struct child *server = serve_files("");

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct answered a = ask(server->port, "%s", requests[i]);

        if (a.status != 400 || !strstr(a.head, "\r\nConnection: close\r\n"))
            fail_msg("to %s\nit answered %s", requests[i], a.head);
        free(a.body);
    }
    expect(ask_bytes(server->port, nul, sizeof nul - 1), 400, "close", "400 Bad Request\n");
    expect(ask_bytes(server->port, late, sizeof late - 1), 400, "close", "400 Bad Request\n");
    stop(server, SIGTERM);
}

static void what_is_too_long_is_refused_by_name(void **state)
{
    static char text[20000];
    struct child *server = serve_files("");

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    expect(ask_bytes(server->port, text, sizeof text), 414, "close", NULL);
    memcpy(text + 2000, " HTTP/1.1\r\nHost: x\r\n\r\n", 22);
    expect(ask_bytes(server->port, text, 2022), 414, "keep-alive", NULL);
    memset(text, 'a', sizeof text);
    memcpy(text, GET, strlen(GET));
    expect(ask_bytes(server->port, text, sizeof text), 431, "close", NULL);
    for (size_t i = strlen(GET); i + 4 <= sizeof text; i += 4)
        memcpy(text + i, "a:\r\n", 4);
    expect(ask_bytes(server->port, text, sizeof text), 431, "close", NULL);
    stop(server, SIGTERM);
}

static void no_target_leads_out_of_the_root(void **state)
{
    static const char *const targets[] = {
        "/../secret", "/sub/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2E%2E%2Fsecret",
        "/sub/%2e%2e/%2e%2e/secret", "/./../secret", "//../secret", "/..\\secret", "/..%5csecret",
        "/%252e%252e/secret", "/..%00/secret", "/..;/secret", "/.../secret", "/%c0%ae%c0%ae/secret",
        "http://x/../secret", "/out", "/sub/out", "/up/secret", "/up/", "/up", "/sub/../out",
        "//secret", "///etc/passwd", "/proc/self/environ",
    };
    struct child *server = serve_files("");
    char text[128];

    (void)state;
    snprintf(text, sizeof text, "GET /%s/secret HTTP/1.1\r\nHost: x\r\n\r\n", top);
    expect(ask(server->port, "%s", text), 404, "", NULL);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct answered a = ask(server->port, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);

        if ((a.status != 400 && a.status != 403 && a.status != 404) || strstr(a.body, "SECRET"))
            fail_msg("%s: %s%s", targets[i], a.head, a.body);
        free(a.body);
    }
    stop(server, SIGTERM);
}

static void a_part_of_a_file_is_sent_as_asked(void **state)
{
#define PART(range) "GET /page.txt HTTP/1.1\r\nHost: x\r\nRange: " range "\r\n"
    struct child *server = serve_files("");
    struct answered a = ask(server->port, "GET /big HTTP/1.1\r\nHost: x\r\n"
                            "Range: bytes=1000000-2999998\r\n\r\n");
    int port = server->port;

    (void)state;
    assert_int_equal(a.status, 206);
    assert_non_null(strstr(a.head, "\r\nContent-Range: bytes 1000000-2999998/12000000\r\n"));
    assert_int_equal(a.size, 1999999);
    assert_memory_equal(a.body, content + 1000000, a.size);
    free(a.body);
    expect(ask(port, PART("bytes=2-4") "\r\n"), 206, "\r\nContent-Range: bytes 2-4/10\r\n", "234");
    expect(ask(port, PART("bytes=-3") "\r\n"), 206, "\r\nContent-Range: bytes 7-9/10\r\n", "789");
    expect(ask(port, PART("bytes=8-99") "\r\n"), 206, "Content-Range: bytes 8-9/10\r\n", "89");
    expect(ask(port, PART("bytes=10-") "\r\n"), 416, "\r\nContent-Range: bytes */10\r\n", NULL);
    expect(ask(port, PART("bytes=1-2,4-5") "\r\n"), 200, "", "0123456789");
    expect(ask(port, PART("lines=1-2") "\r\n"), 200, "", "0123456789");
    expect(ask(port, PART("bytes=1-2") "If-Range: \"tag\"\r\n\r\n"), 200, "", "0123456789");
    expect(ask(port, "HEAD /page.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n"), 200,
           "\r\nContent-Length: 10\r\n", "");
    stop(server, SIGTERM);
}

static void a_file_that_is_known_is_not_sent_again(void **state)
{
#define SINCE "GET /page.txt HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: "
    struct timespec old[2] = { { .tv_sec = 784111777 }, { .tv_sec = 784111777 } };
    struct child *server = serve_files("");
    char path[128];
    int fd = dial(server->port);

    (void)state;
    snprintf(path, sizeof path, "%s/page.txt", root);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    put(fd, SINCE "Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n" FILE_OF("/page.txt"),
        strlen(SINCE "Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n" FILE_OF("/page.txt")));
    expect(answered(fd, true), 304, "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "");
    expect(answered(fd, true), 200, "", "0123456789");          /* there was no body before it */
    close(fd);
    expect(ask(server->port, SINCE "Mon, 07 Nov 1994 08:49:37 GMT\r\n\r\n"), 304, "", "");
    expect(ask(server->port, SINCE "Sun, 06 Nov 1994 08:49:36 GMT\r\n\r\n"), 200, "", NULL);
    expect(ask(server->port, SINCE "yesterday\r\n\r\n"), 200, "", NULL);
    expect(ask(server->port, SINCE "Mon, 07 Nov 1994 08:49:37 GMT\r\nIf-None-Match: \"a\"\r\n\r\n"),
           200, "", NULL);
    expect(ask(server->port, PART("bytes=1-2") "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"),
           206, "", "12");
    expect(ask(server->port, PART("bytes=1-2") "If-Range: Mon, 07 Nov 1994 08:49:37 GMT\r\n\r\n"),
           200, "", "0123456789");
    stop(server, SIGTERM);
}

/* ---- Connections ----------------------------------------------------------------------------- */

#define SIX \
    FILE_OF("/page.txt") "HEAD /10k HTTP/1.1\r\nHost: x\r\n\r\n" FILE_OF("/no") \
    "POST /page.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nGET / H" FILE_OF("/middle") \
    "GET /sub/ HTTP/1.1\nHost: x\n\n"

static void expect_six(int fd)
{
    struct answered a;

    expect(answered(fd, true), 200, "", "0123456789");
    expect(answered(fd, false), 200, "\r\nContent-Length: 10240\r\n", "");
    expect(answered(fd, true), 404, "", "404 Not Found\n");
    expect(answered(fd, true), 405, "", "405 Method Not Allowed\n");
    a = answered(fd, true);
    assert_int_equal(a.size, MIDDLE);
    assert_memory_equal(a.body, content, MIDDLE);
    free(a.body);
    expect(answered(fd, true), 200, "", "<p>sub");
}

static int dial_at_once(int port)
{
    int fd = dial(port), on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void requests_in_one_go_are_answered_in_order(void **state)
{
    struct child *server = serve_files("");
    int fd = dial_at_once(server->port);
    static char many[1000 * (sizeof FILE_OF("/page.txt") - 1)];

    (void)state;
    put(fd, SIX SIX, strlen(SIX SIX));
    expect_six(fd);
    expect_six(fd);
    for (size_t i = 0; i < 1000; i++)
        memcpy(many + i * (sizeof many / 1000), FILE_OF("/page.txt"), sizeof many / 1000);
    put(fd, many, sizeof many);
    for (int i = 0; i < 1000; i++)
        expect(answered(fd, true), 200, "", "0123456789");
    close(fd);
    stop(server, SIGTERM);
}

static void requests_may_be_cut_at_each_byte(void **state)
{
    struct child *server = serve_files("");
    int fd = dial_at_once(server->port);

    (void)state;
    for (size_t i = 1; i < strlen(SIX); i += (size_t)sized(1, 7)) {
        put(fd, SIX, i);
        poll(NULL, 0, 1);
        put(fd, &SIX[i], strlen(SIX) - i);
        expect_six(fd);
    }
    for (size_t i = 0; i < strlen(SIX); i++) {
        put(fd, &SIX[i], 1);
        if (i % 4 == 0)
            poll(NULL, 0, 1);
    }
    expect_six(fd);
    close(fd);
    stop(server, SIGTERM);
}

static void a_client_that_has_said_all_still_gets_its_answers(void **state)
{
    struct child *server = serve_files("");
    int fd = dial(server->port);

    (void)state;
    put(fd, SIX, strlen(SIX));
    shutdown(fd, SHUT_WR);
    expect_six(fd);
    assert_string_equal(rest(fd), "");
    stop(server, SIGTERM);
}

/* Waits until the server has no more fds than that. */
static void fds_are_at_most(const struct child *server, int most)
{
    int n = -1;

    for (int i = 0; i < 1000 && (n = fds_of(server->pid)) > most; i++)
        poll(NULL, 0, 10);
    assert_in_range(n + 1, 0, most + 1);
}

static void many_connections_are_served_and_leave_no_fd(void **state)
{
    enum { MANY = 300, FEW = 40 };
    struct child *server = serve_files("-j 2");
    int fds[MANY];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            if (round == 0)
                fds[i] = dial(server->port);
            put(fds[i], i % 3 ? FILE_OF("/page.txt") : FILE_OF("/sub/"),
                strlen(i % 3 ? FILE_OF("/page.txt") : FILE_OF("/sub/")));
        }
        for (int i = 0; i < MANY; i++)
            expect(answered(fds[i], true), 200, "", i % 3 ? "0123456789" : "<p>sub");
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    fds_are_at_most(server, FEW);
    for (int i = 0; i < MANY; i++) {              /* they vanish in the middle of an answer */
        int fd = dial(server->port);

        put(fd, FILE_OF("/big"), strlen(FILE_OF("/big")));
        close(fd);
    }
    fds_are_at_most(server, FEW);
    stop(server, SIGTERM);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

static void a_head_that_comes_too_slowly_gets_408(void **state)
{
    struct child *server = serve_files("--head-limit 0.3 --idle-limit 20");
    int drip = dial_at_once(server->port), half = dial(server->port);
    int next = dial(server->port), body = dial(server->port), drops = 0;
    struct answered a;

    (void)state;
    put(half, "GET / HT", 8);
    put(next, FILE_OF("/page.txt") "GET", strlen(FILE_OF("/page.txt") "GET"));
    put(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", 51);
    expect(answered(next, true), 200, "", "0123456789");
    expect(answered(body, true), 405, "", NULL);
    for (; drops < 200; drops++) {              /* each byte is progress, and does not help */
        if (send(drip, "a", 1, MSG_NOSIGNAL) != 1
            || recv(drip, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
            break;
        poll(NULL, 0, 50);
    }
    assert_in_range(drops, 1, 199);
    a = answered(drip, true);
    expect(a, 408, "\r\nConnection: close\r\n", "408 Request Timeout\n");
    close(drip);
    check(rest(half), "HTTP/1\\.1 408 Request Timeout\r\n.*\r\n\r\n408 Request Timeout\n");
    check(rest(next), "HTTP/1\\.1 408 Request Timeout\r\n.*\r\n\r\n408 Request Timeout\n");
    check(rest(body), "HTTP/1\\.1 408 Request Timeout\r\n.*\r\n\r\n408 Request Timeout\n");
    stop(server, SIGTERM);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    struct child *server = serve_files("--idle-limit 0.2");
    int silent = dial(server->port), served = dial(server->port);

    (void)state;
    put(served, FILE_OF("/page.txt"), strlen(FILE_OF("/page.txt")));
    expect(answered(served, true), 200, "", "0123456789");
    assert_string_equal(rest(silent), "");
    assert_string_equal(rest(served), "");
    stop(server, SIGTERM);
}

static void a_client_that_takes_nothing_is_dropped(void **state)
{
    struct child *server = serve_files("--send-limit 0.3");
    int before = fds_of(server->pid), file = dial(server->port);
    int small = dial(server->port);
    ssize_t n, done = 0;
    char part[4096];
    static char many[4000 * (sizeof FILE_OF("/10k") - 1)];

    (void)state;
    put(file, FILE_OF("/big"), strlen(FILE_OF("/big")));
    for (size_t i = 0; i < 4000; i++)
        memcpy(many + i * (sizeof many / 4000), FILE_OF("/10k"), sizeof many / 4000);
    (void)send(small, many, sizeof many, MSG_NOSIGNAL | MSG_DONTWAIT);
    assert_int_equal(recv(file, part, 1, MSG_PEEK), 1);         /* it has begun */
    assert_int_equal(recv(small, part, 1, MSG_PEEK), 1);
    fds_are_at_most(server, before);
    while ((n = recv(file, part, sizeof part, 0)) > 0)
        done += n;
    assert_in_range(done, 0, BIG - 1);
    close(file);
    close(small);
    stop(server, SIGTERM);
}

static void a_client_that_takes_little_by_little_gets_all(void **state)
{
    struct child *server = serve_files("--send-limit 1");
    int fd = dial(server->port);
    static char part[100000];
    size_t done = 0;
    ssize_t n;

    (void)state;
    put(fd, FILE_OF("/big") , strlen(FILE_OF("/big")));
    shutdown(fd, SHUT_WR);
    while ((n = recv(fd, part, sizeof part, 0)) > 0) {
        done += (size_t)n;
        if (done / 400000 != (done - (size_t)n) / 400000)   /* 30 times: 2.4 s */
            poll(NULL, 0, 80);
    }
    close(fd);
    assert_int_equal(n, 0);
    assert_in_range(done, BIG, BIG + 4096);
    stop(server, SIGTERM);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void dialing_is_refused(int port)
{
    struct sockaddr_in at = loopback(port);
    int error = 0;

    for (int i = 0; i < 500 && error == 0; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        error = connect(fd, (struct sockaddr *)&at, sizeof at);
        close(fd);
        poll(NULL, 0, 10);
    }
    assert_int_equal(error, -1);
}

/* Idle connections end at once; a request in progress is answered; then the process is gone. */
static void ends_in_order(const char *options, int signo)
{
    enum { EACH = 4 };
    struct child *server = serve_files(options);
    int idle[EACH], busy[EACH], half[EACH];

    for (int i = 0; i < EACH; i++) {
        idle[i] = dial(server->port);
        busy[i] = dial(server->port);
        half[i] = dial(server->port);
        put(idle[i], FILE_OF("/page.txt"), strlen(FILE_OF("/page.txt")));
        expect(answered(idle[i], true), 200, "\r\nConnection: keep-alive\r\n", "0123456789");
        put(busy[i], FILE_OF("/big") FILE_OF("/sub/"), strlen(FILE_OF("/big") FILE_OF("/sub/")));
        put(half[i], FILE_OF("/page.txt") "GET /sub/", strlen(FILE_OF("/page.txt") "GET /sub/"));
        expect(answered(half[i], true), 200, "", "0123456789");
    }
    poll(NULL, 0, 20);
    assert_int_equal(kill(server->pid, signo), 0);
    for (int i = 0; i < EACH; i++)
        assert_string_equal(rest(idle[i]), "");
    dialing_is_refused(server->port);
    for (int i = 0; i < EACH; i++) {
        struct answered a = answered(busy[i], true);

        assert_true(a.size == BIG && memcmp(a.body, content, BIG) == 0);
        free(a.body);
        expect(answered(busy[i], true), 200, "\r\nConnection: close\r\n", "<p>sub");
        assert_string_equal(rest(busy[i]), "");
        put(half[i], " HTTP/1.1\r\nHost: x\r\n\r\n", 22);
        expect(answered(half[i], true), 200, "\r\nConnection: close\r\n", "<p>sub");
        assert_string_equal(rest(half[i]), "");
    }
    end(server);
    assert_string_equal(server->text[ERR], "");
    assert_int_equal(server->status, 0);
}

static void sigterm_lets_requests_in_progress_end(void **state)
{
    (void)state;
    ends_in_order("--grace 25 --head-limit 25", SIGTERM);
}

static void ctrl_c_lets_those_of_two_loops_end(void **state)
{
    (void)state;
    ends_in_order("--grace 25 --head-limit 25 -j 2", SIGINT);
}

static void what_does_not_end_in_time_is_cancelled(void **state)
{
    static const char *const options[] = { "--grace 0.1", "--grace 0", "--grace 0.1 -j 3" };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct child *server = serve_files(options[i]);
        int stuck = dial(server->port), half = dial(server->port);

        put(stuck, FILE_OF("/big"), strlen(FILE_OF("/big")));
        put(half, "GET", 3);
        poll(NULL, 0, 50);
        stop(server, i == 1 ? SIGINT : SIGTERM);
        close(stuck);
        close(half);
    }
}

/* ---- Modes, options, clients ----------------------------------------------------------------- */

static void hello_answers_from_memory_and_refuses_as_strictly(void **state)
{
    struct child *server = serve("httpd --hello");
    struct answered a = ask(server->port, FILE_OF("/any?thing"));
    int fd = dial(server->port);

    (void)state;
    check(a.head,
          "HTTP/1\\.1 200 OK\r\nDate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"
          "\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\n");
    expect(a, 200, "", "Hello!\n");
    expect(ask(server->port, GET "Connection: close\r\n\r\n"), 200, "close", "Hello!\n");
    expect(ask(server->port, "GET / HTTP/1.0\r\n\r\n"), 200, "close", "Hello!\n");
    expect(ask(server->port, "POST / HTTP/1.1\r\nHost: x\r\n\r\n"), 405, "Allow: GET, HEAD", NULL);
    expect(ask(server->port, GET "a : b\r\n\r\n"), 400, "close", NULL);
    put(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" FILE_OF("/") FILE_OF("/"),
        strlen("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" FILE_OF("/") FILE_OF("/")));
    expect(answered(fd, false), 200, "\r\nContent-Length: 7\r\n", "");
    expect(answered(fd, true), 200, "", "Hello!\n");
    expect(answered(fd, true), 200, "", "Hello!\n");
    close(fd);
    stop(server, SIGINT);
}

static void each_bad_argument_is_one_line(void **state)
{
    static const char *const commands[] = {
        "", "--no-such", "-x", "-j", "-j 0", "-j 65", "-j x", "-jx", "a b", "--hello a", "--port",
        "--port 65536 a", "--port -1 a", "--head-limit 0 a", "--idle-limit x a",
        "--send-limit 1e9 a", "--grace -1 a", "--host", "--hello=1", "--count 5 a", "--dir a",
    };
    struct child *server = serve("httpd --hello");

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fails(start("httpd %s", commands[i]), 2, "httpd: [^\n]+: see httpd --help\n");
    fails(start("httpd /no/such/directory"), 1, "httpd: /no/such/directory: No such.*: name .*\n");
    fails(start("httpd %s/page.txt", root), 1, "httpd: .*/page.txt: Not a directory: name .*\n");
    fails(start("httpd --hello --host nowhere"), 1, "httpd: nowhere: .*: try another .*\n");
    fails(start("httpd --hello --host 203.0.113.1"), 1, "httpd: 203.0.113.1: .*: try another .*\n");
    fails(start("httpd --hello --port %d", server->port), 1, "httpd: .*in use: try another .*\n");
    succeeds(start("httpd --help"), "usage: httpd \\[--help\\] .*--hello \\| DIR.*\n");
    stop(server, SIGTERM);
}

static void curl_is_content(void **state)
{
    struct child *server;
    char url[64];

    (void)state;
    if (system("command -v curl >/dev/null") != 0)
        skip();
    server = serve_files("");
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server->port);
    succeeds(shell("curl -sS %s/page.txt", url), "0123456789");
    succeeds(shell("curl -sS --http1.0 %s/page.txt", url), "0123456789");
    succeeds(shell("curl -sS -r 2-4 %s/page.txt", url), "234");
    succeeds(shell("curl -sS -r -2 %s/page.txt", url), "89");
    succeeds(shell("curl -sSI %s/10k", url), "HTTP/1\\.1 200 OK\r\n.*Content-Length: 10240\r\n.*");
    succeeds(shell("curl -sSL %s/sub", url), "<p>sub");
    succeeds(shell("curl -sS %s/big | cmp - %s/big && echo same", url, root), "same\n");
    succeeds(shell("curl -sS -w '%%{num_connects} ' %s/page.txt %s/sub/", url, url),
             "01234567891 <p>sub0 ");
    succeeds(shell("curl -sS -d x -o /dev/null -w '%%{http_code}' %s/", url), "405");
    succeeds(shell("curl -sS -T %s/big -o /dev/null -w '%%{http_code}' %s/", root, url), "405");
    stop(server, SIGTERM);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct CMUnitTest tests[] = {
    TEST(links_are_followed_inside_the_root_only_or_never),
    TEST(files_are_sent_whole_with_their_type),
    TEST(what_is_not_served_says_why),
    TEST(a_malformed_request_gets_400_and_the_end),
    TEST(what_is_too_long_is_refused_by_name),
    TEST(no_target_leads_out_of_the_root),
    TEST(a_part_of_a_file_is_sent_as_asked),
    TEST(a_file_that_is_known_is_not_sent_again),
    TEST(requests_in_one_go_are_answered_in_order),
    TEST(requests_may_be_cut_at_each_byte),
    TEST(a_client_that_has_said_all_still_gets_its_answers),
    TEST(many_connections_are_served_and_leave_no_fd),
    TEST(a_head_that_comes_too_slowly_gets_408),
    TEST(an_idle_connection_is_closed_without_a_word),
    TEST(a_client_that_takes_nothing_is_dropped),
    TEST(a_client_that_takes_little_by_little_gets_all),
    TEST(sigterm_lets_requests_in_progress_end),
    TEST(ctrl_c_lets_those_of_two_loops_end),
    TEST(what_does_not_end_in_time_is_cancelled),
    TEST(hello_answers_from_memory_and_refuses_as_strictly),
    TEST(each_bad_argument_is_one_line),
    TEST(curl_is_content),
};

TEST_MAIN_WITH(tests, files_make, files_remove)
