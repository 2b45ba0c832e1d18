/* SPDX-License-Identifier: BSD-2-Clause
 * security.c: what the demo servers must refuse, asked over sockets: ways out of the root, messages
 * that two servers could read in two ways, lengths beyond all bounds, slow clients; how they are
 * built, and where they listen. httpd.c and kv.c have the everyday cases; docs/security.md lists
 * what is promised. */
#define _GNU_SOURCE
#include "demo_test.h"

#include "../demos/kv/store.h"
#include "../net.h"
#include "../process.h"

#include <fcntl.h>

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"
#define LAST "GET /page.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

/* ---- Files to serve, and one that is not ----------------------------------------------------- */

static char top[] = "/tmp/duffel-security-XXXXXX", root[64];

static int files_make(void **state)
{
    char command[1024];

    (void)state;
    if (!mkdtemp(top))
        return -1;
    snprintf(root, sizeof root, "%s/root", top);
    snprintf(command, sizeof command, "cd %s && mkdir -p out root/sub root/evil.example root/flip"
             " root/http: 'root/<script>' && printf SECRET >secret && printf SECRET >out/page.txt"
             " && ln -s ../out root/turn && printf 0123456789 >root/page.txt &&"
             " printf inside >root/flip/page.txt && ln -s ../../secret root/sub/out", top);
    return system(command);
}

static int files_remove(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

static struct child *serve_files(void)
{
    char command[128];

    snprintf(command, sizeof command, "httpd %s", root);
    return serve(command);
}

/* All that comes in answer to [bytes], up to the end that the server must make. */
static const char *said(int port, const char *bytes, size_t size)
{
    int fd = dial(port);

    put(fd, bytes, size);
    return rest(fd);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* ---- Out of the root ------------------------------------------------------------------------- */

static void no_encoding_of_a_target_leads_out(void **state)
{
    static const char *const targets[] = {
        "/%25%32%65%25%32%65/secret", "/%2e%2e%5csecret", "/%u002e%u002e/secret", "/..%255csecret",
        "/%e0%80%ae%e0%80%ae/secret", "/%f0%80%80%ae%f0%80%80%ae/secret", "/..%c0%afsecret",
        "/..%e0%80%afsecret", "/..%ef%bc%8fsecret", "/\xc0\xae\xc0\xae/secret",
        "/sub/..%2f../secret",
        "/sub%2f%2e%2e%2f%2e%2e%2fsecret", "/%2e%2e%00/secret", "/.%00./secret", "/secret%00.txt",
        "/page.txt%00", "/..%20/secret", "/..%0d%0a/secret", "/%2f%2e%2e%2fsecret",
        "/./%2e./secret", "\\..\\secret", "..", "../secret", "?/../secret", "/..?/", "/../?x",
        "/sub/out?", "/sub/out/",
        "HTTP://x//../secret", "http://../secret", "http://x\\..\\secret", "http:/../secret",
        "file:///etc/passwd", "/file:///etc/passwd", "//../..//secret", "/%2f%2fetc%2fpasswd",
        "/proc/self/root/etc/passwd", "/dev/fd/3/../secret", "/~root/", "/turn/page.txt",
        "/turn/../out/page.txt",
    };
    struct child *server = serve_files();
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const char *answer;
        int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n"
                         "Connection: close\r\n\r\n", targets[i]);

        answer = said(server->port, text, (size_t)n);
        if (!(matches(answer, "HTTP/1\\.1 40[034] .*")) || strstr(answer, "SECRET")
            || strstr(answer, "root:"))
            fail_msg("%s: %s", targets[i], answer);
    }
    assert_non_null(strstr(said(server->port, LAST, strlen(LAST)), "\r\n\r\n0123456789"));
    stop(server, SIGTERM);
}

/* root/flip is a directory and a link out of the root, in turn, as fast as a process can: a check
 * before the open would be passed now and then. Each request is served inside or refused. */
static void a_directory_that_becomes_a_link_meanwhile_leads_nowhere(void **state)
{
    static const char request[] = "GET /flip/page.txt HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char last[] =
        "GET /flip/page.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    enum { ROUNDS = 40, EACH = 50 };
    struct child *server = serve_files();
    char flip[128], turn[128], many[EACH * sizeof request] = "";
    int inside = 0, refused = 0, rounds = sized(ROUNDS, ROUNDS / 8);
    pid_t flips;

    (void)state;
    snprintf(flip, sizeof flip, "%s/flip", root);
    snprintf(turn, sizeof turn, "%s/turn", root);
    flips = fork();
    if (flips == 0) {
        alarm(PATIENCE);
        for (;;)
            if (renameat2(AT_FDCWD, flip, AT_FDCWD, turn, RENAME_EXCHANGE) < 0)
                _exit(1);
    }
    for (int i = 0; i < EACH - 1; i++)
        strcat(many, request);
    strcat(many, last);
    for (int i = 0; i < rounds; i++) {
        const char *answer = said(server->port, many, strlen(many));

        assert_null(strstr(answer, "SECRET"));
        inside += count(answer, "HTTP/1.1 200 OK");
        refused += count(answer, "HTTP/1.1 403 Forbidden") + count(answer, "HTTP/1.1 503 ");
    }
    assert_int_equal(waitpid(flips, NULL, WNOHANG), 0);         /* it went on to the end */
    kill(flips, SIGKILL);
    waitpid(flips, NULL, 0);
    assert_int_equal(inside + refused, rounds * EACH);
    stop(server, SIGTERM);
}

/* ---- One message or two ---------------------------------------------------------------------- */

/* What comes behind such a head is not answered: it may be its body, or a request of somebody
 * else's, and nobody knows. */
static const char *const ambiguous[] = {
    GET "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    GET "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", GET "Content-Length: 5, 6\r\n\r\n",
    GET "Content-Length: 5\r\nX: y\r\nCONTENT-LENGTH: 5\r\n\r\n", GET "Content-Length: 5 5\r\n\r\n",
    GET "Content-Length : 5\r\n\r\n", GET "Content-Length\t: 5\r\n\r\n",
    GET " Content-Length: 5\r\n\r\n", GET "Content-Length: +5\r\n\r\n",
    GET "Content-Length: 0x5\r\n\r\n", GET "Content-Length: 5;\r\n\r\n",
    GET "Content-Length: 5.0\r\n\r\n", GET "Content-Length: 0_5\r\n\r\n",
    GET "Content-Length: \xef\xbc\x95\r\n\r\n", GET "Content-Length: \"5\"\r\n\r\n",
    GET "Content-Length: 18446744073709551621\r\n\r\n",
    GET "Content-Length: 9223372036854775808\r\n\r\n", GET "Content-Length\r\n: 5\r\n\r\n",
    GET "Content-Length:\r\n 5\r\n\r\n", GET "X: y\r\n Content-Length: 5\r\n\r\n",
    GET "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n", GET "\x0b""Content-Length: 5\r\n\r\n",
    GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    GET "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n",
    GET "Content-Length: 5\r\nTransfer-Encoding: \r\n\r\n",
    GET "Transfer-Encoding: identity\r\n\r\n", GET "Transfer-Encoding: chunked, identity\r\n\r\n",
    GET "Transfer-Encoding: chunked, chunked\r\n\r\n", GET "Transfer-Encoding: xchunked\r\n\r\n",
    GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    GET "Transfer-Encoding:\tchunked\r\n\r\n", GET "transfer-encoding: \"chunked\"\r\n\r\n",
    GET "Transfer-Encoding:\x0b""chunked\r\n\r\n", GET "Transfer-Encoding : chunked\r\n\r\n",
    GET "Transfer-Encoding\r\n: chunked\r\n\r\n", GET "X: y\rTransfer-Encoding: chunked\r\n\r\n",
    GET "X: y\nTransfer-Encoding: chunked\r\n\r\n", GET "X: y\nContent-Length: 5\r\n\r\n",
    GET "X: y\n\r\n", GET "X: y\r\n\n", GET "\n", "GET / HTTP/1.1\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\rHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
    "GET /\rX HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /page.txt\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", "GET / HTTP/1.1\r\nHost: x@y\r\n\r\n",
    "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
};

static void refuses_all(const char *command)
{
    struct child *server = serve(command);
    char text[512];

    for (size_t i = 0; i < sizeof ambiguous / sizeof *ambiguous; i++) {
        int n = snprintf(text, sizeof text, "%s0\r\n\r\n%s", ambiguous[i], LAST);
        const char *answer = said(server->port, text, (size_t)n);

        if (count(answer, "HTTP/1.1 ") != 1 || !strstr(answer, "\r\nConnection: close\r\n")
            || !(matches(answer, "HTTP/1\\.1 (400|501) .*")))
            fail_msg("%s: to %s\nit said %s", command, ambiguous[i], answer);
    }
    stop(server, SIGTERM);
}

static void what_may_be_one_message_or_two_is_refused(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "httpd %s", root);
    refuses_all(command);
    refuses_all("httpd --hello");
    refuses_all("slow_server --delay 0");
}

/* A body is dropped as long as its length says, whatever it looks like. */
static void a_request_that_hides_in_a_body_is_not_answered(void **state)
{
    static const char hidden[] = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n";
    struct child *server = serve_files();
    char text[512], length[64];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(length, sizeof length, "%zu", sizeof hidden - 1);
        int n = snprintf(text, sizeof text, GET "Content-Length: %s%s%s\r\n\r\n%s%s",
                         i == 1 ? "000000000000000" : "", length, i == 2 ? " \t" : "", hidden,
                         LAST);
        const char *answer = said(server->port, text, (size_t)n);

        assert_int_equal(count(answer, "HTTP/1.1 "), 2);
        assert_int_equal(count(answer, "HTTP/1.1 200 OK"), 1);
        assert_int_equal(count(answer, "HTTP/1.1 404 "), 1);    /* there is no index.html */
        assert_non_null(strstr(answer, "\r\n\r\n0123456789"));
    }
    snprintf(text, sizeof text, GET "Content-Length: 4294967296\r\n\r\n%s", LAST);
    check(said(server->port, text, strlen(text)), "HTTP/1\\.1 413 .*\r\n\r\n413 [^\r]*\n");
    stop(server, SIGTERM);
}

/* ---- What is sent back ----------------------------------------------------------------------- */

static void nothing_of_a_request_becomes_a_field_or_markup(void **state)
{
    static const struct { const char *target, *pattern; } targets[] = {
        { "/sub%0d%0aX-Injected:%201", "HTTP/1\\.1 400 .*" },
        { "/sub%0aX-Injected:%201", "HTTP/1\\.1 400 .*" },
        { "/sub?%0d%0aX-Injected:%201", "HTTP/1\\.1 301 .*\r\nLocation: /sub/\r\n.*" },
        { "/sub?\xe5\x98\x8d", "HTTP/1\\.1 400 .*" },
        { "/%e5%98%8d%e5%98%8aX-Injected:1", "HTTP/1\\.1 404 .*" },
        { "/<script>", "HTTP/1\\.1 301 .*\r\nLocation: /%3Cscript%3E/\r\n.*" },
        { "/<script>alert(1)</script>", "HTTP/1\\.1 404 .*\r\n\r\n404 Not Found\n" },
        { "//evil.example", "HTTP/1\\.1 301 .*\r\nLocation: /evil.example/\r\n.*" },
        { "/%2fevil.example", "HTTP/1\\.1 301 .*\r\nLocation: /evil.example/\r\n.*" },
        { "/.//evil.example", "HTTP/1\\.1 301 .*\r\nLocation: /evil.example/\r\n.*" },
        { "http://evil.example/sub", "HTTP/1\\.1 301 .*\r\nLocation: /sub/\r\n.*" },
        { "/http:", "HTTP/1\\.1 301 .*\r\nLocation: /http%3A/\r\n.*" },
    };
    struct child *server = serve_files();
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: evil\r\nX: <script>\r\n"
                         "Connection: close\r\n\r\n", targets[i].target);
        const char *answer = said(server->port, text, (size_t)n);

        check(answer, targets[i].pattern);
        assert_int_equal(count(answer, "HTTP/1.1 "), 1);
        assert_int_equal(count(answer, "\r\n\r\n"), 1);
        if (strstr(answer, "Injected") || strchr(answer, '<') || strstr(answer, "Host"))
            fail_msg("%s: %s", targets[i].target, answer);
    }
    stop(server, SIGTERM);
}

/* One error is one line, whatever it quotes. */
static void an_error_of_the_key_value_server_is_one_line(void **state)
{
    static const struct { const char *bytes; size_t size; } requests[] = {
#define REQUEST(literal) { literal, sizeof literal - 1 }
        REQUEST("*1\r\n$7\r\na\r\n+OK\r\r\n"), REQUEST("*2\r\n$1\r\na\r\n$7\r\n\r\n+OK\r\n\r\n"),
        REQUEST("*2\r\n$6\r\nCLIENT\r\n$7\r\n\r\n+OK\r\n\r\n"),
        REQUEST("*2\r\n$7\r\nCOMMAND\r\n$6\r\n\r\n:1\r\n\r\n"),
        REQUEST("*2\r\n$6\r\nCONFIG\r\n$6\r\n\n-ERR\n\r\n"),
        REQUEST("*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$4\r\n\r\nNX\r\n"),
        REQUEST("*2\r\n$5\r\nHELLO\r\n$4\r\n3\r\n+\r\n"), REQUEST("*1\r\n$3\r\n\0\r\n\r\n"),
        REQUEST("\"a\\r\\n+OK\\r\\n\" \"\\x0d\\x0a:1\"\r\n"), REQUEST("*1\r\n\x1b\r\n"),
        REQUEST("*1\r\n\r\n"), REQUEST("*1\r\n$\r\r\n"), REQUEST("a\0b c\r\n"),
    };
    struct child *server = serve("kv");

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int fd = dial(server->port);
        const char *answer;

        put(fd, requests[i].bytes, requests[i].size);
        shutdown(fd, SHUT_WR);
        answer = rest(fd);
        if (*answer != '-' || strpbrk(answer, "\r\n") != answer + strlen(answer) - 2)
            fail_msg("request %zu: %s", i, answer);
    }
    stop(server, SIGTERM);
}

/* ---- Lengths, memory, time ------------------------------------------------------------------- */

static void lengths_that_wrap_around_are_refused(void **state)
{
    static const char *const wrong[] = {
        "2147483648", "2147483649", "4294967296", "4294967297", "4294967300", "9223372036854775807",
        "9223372036854775808", "18446744073709551615", "18446744073709551617",
        "18446744073709551620", "36893488147419103233", "+1", "01", "0001", "-0", "--1", " 1", "1 ",
        "0x1", "1e0", "1.0", "", "\t1", "-", "1\n",
    };
    struct child *server = serve("kv");
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "*%s\r\n$4\r\nPING\r\n", wrong[i]);
        assert_string_equal(said(server->port, text, strlen(text)),
                            "-ERR Protocol error: invalid multibulk length\r\n");
        snprintf(text, sizeof text, "*1\r\n$%s\r\nPING\r\n", wrong[i]);
        assert_string_equal(said(server->port, text, strlen(text)),
                            "-ERR Protocol error: invalid bulk length\r\n");
    }
    for (int i = 0; i < 3; i++) {               /* a size below 0 is no size, and nothing else */
        static const char *const negative[] = { "-1", "-4294967295", "-9223372036854775808" };

        snprintf(text, sizeof text, "*1\r\n$%s\r\nPING\r\n", negative[i]);
        assert_string_equal(said(server->port, text, strlen(text)),
                            "-ERR Protocol error: invalid bulk length\r\n");
        snprintf(text, sizeof text, "*%s\r\nPING\r\nQUIT\r\n", negative[i]);
        assert_string_equal(said(server->port, text, strlen(text)), "+PONG\r\n+OK\r\n");
    }
    stop(server, SIGTERM);
}

/* Sanitizers and valgrind keep what was freed. */
static long resident_limit(void)
{
    return under_valgrind() ? 1 << 20 : 200 << 10;
}

/* What is announced is not allocated; what comes is, within the limits of one request. */
static void memory_is_taken_for_what_came_only(void **state)
{
    enum { CLIENTS = 100, ARGS = 1 << 20 };
    static const char huge[] = "*1048576\r\n$16777216\r\n";
    struct child *server = serve("kv");
    int fds[CLIENTS], fd = dial(server->port);
    char *text = malloc(ARGS * 6 + 64), *at = text, reply[16];
    long before = resident(server->pid), most = 0, now_used;

    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(server->port);
        put(fds[i], huge, sizeof huge - 1);
    }
    put(fd, "PING\r\n", 6);
    assert_int_equal(recv(fd, reply, 7, MSG_WAITALL), 7);
    now_used = resident(server->pid);
    if (before > 0 && now_used - before > (CLIENTS * 256) + 4096)
        fail_msg("%ld KB for announcements", now_used - before);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    at += sprintf(at, "*%d\r\n$3\r\nDEL\r\n", ARGS);
    for (int i = 1; i < ARGS; i++)
        at = stpcpy(at, "$0\r\n\r\n");
    for (int i = 0; i < sized(4, 1); i++) {
        put(fd, text, (size_t)(at - text));
        assert_int_equal(recv(fd, reply, 4, MSG_WAITALL), 4);
        assert_memory_equal(reply, ":0\r\n", 4);
        most = resident(server->pid) > most ? resident(server->pid) : most;
    }
    if (before > 0 && most - before > resident_limit())
        fail_msg("%ld KB for a request of %ld KB", most - before, (long)(at - text) >> 10);
    free(text);
    close(fd);
    stop(server, SIGTERM);
}

static void a_line_of_64_kilobytes_is_taken_and_no_longer_one(void **state)
{
    enum { LINE = 64 << 10 };
    static char line[LINE + 16];
    struct child *server = serve("kv");
    const char *answer;

    (void)state;
    for (size_t i = 0; i < LINE; i += 2)        /* 32,767 words */
        memcpy(line + i, "a ", 2);
    memcpy(line + LINE - 2, "\r\n", 2);
    memcpy(line + LINE, "QUIT\r\n", 6);
    answer = said(server->port, line, LINE + 6);
    check(answer, "-ERR unknown command 'a', with args beginning with: ('a' )+\r\n\\+OK\r\n");
    assert_in_range(strlen(answer), 1, 600);
    memcpy(line + LINE - 2, " \r\n", 3);
    assert_string_equal(said(server->port, line, LINE + 1),
                        "-ERR Protocol error: too big inline request\r\n");
    memset(line, '"', LINE);
    memcpy(line + LINE - 2, "\r\n", 2);
    check(said(server->port, line, LINE), "-ERR Protocol error: unbalanced quotes in request\r\n");
    stop(server, SIGTERM);
}

/* Those who send a request byte by byte are closed, whoever is idle is not, and a good client is
 * served all the while. */
static void slow_clients_of_the_key_value_server_are_closed(void **state)
{
    enum { SLOW = 60 };
    struct child *server = serve("kv --patience 0.4");
    int fds[SLOW], good = dial(server->port), idle = dial(server->port), open = SLOW;
    double until = now() + PATIENCE / 2;
    char reply[8];

    (void)state;
    for (int i = 0; i < SLOW; i++) {
        fds[i] = dial(server->port);
        put(fds[i], i % 2 ? "*2\r\n$4\r\nECHO\r\n$1000\r\n" : "PING PING PING",
            i % 2 ? 21 : 14);
    }
    while (open > 0 && now() < until) {
        put(good, "PING\r\n", 6);
        assert_int_equal(recv(good, reply, 7, MSG_WAITALL), 7);
        for (int i = 0; i < SLOW; i++)
            if (fds[i] >= 0 && (recv(fds[i], reply, 1, MSG_DONTWAIT) == 0
                                || send(fds[i], "x", 1, MSG_NOSIGNAL) != 1)) {
                close(fds[i]);
                fds[i] = -1;
                open--;
            }
        poll(NULL, 0, 20);
    }
    assert_int_equal(open, 0);
    put(idle, "PING\r\n", 6);
    assert_int_equal(recv(idle, reply, 7, MSG_WAITALL), 7);
    close(idle);
    close(good);
    stop(server, SIGTERM);
}

/* ---- Where they listen ----------------------------------------------------------------------- */

/* Whether that socket is one of the fds of [pid]. */
static bool is_of(pid_t pid, unsigned long inode)
{
    char path[64], name[320], link[64], wanted[64];
    struct dirent *entry;
    bool found = false;
    ssize_t n;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    if (!(dir = opendir(path)))
        return false;
    while (!found && (entry = readdir(dir))) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        n = readlink(name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    closedir(dir);
    return found;
}

/* How many sockets of [pid] listen, by /proc/net/tcp or tcp6; each must be on 127.x.x.x. */
static int listens(pid_t pid, const char *table)
{
    char line[512], address[64];
    unsigned state;
    unsigned long inode;
    int n = 0;
    FILE *file = fopen(table, "r");

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*d: %63[0-9A-F]:%*x %*x:%*x %x %*x:%*x %*x:%*x %*x %*d %*d %lu",
                   address, &state, &inode) == 3 && state == 0x0A && is_of(pid, inode)) {
            if (strlen(address) != 8 || strcmp(address + 6, "7F") != 0)
                fail_msg("it listens on %s of %s", address, table);
            n++;
        }
    if (file)
        fclose(file);
    return n;
}

static void every_server_listens_on_the_loopback_address_alone(void **state)
{
    static const struct { const char *command; int listeners; } servers[] = {
        { "echo", 1 }, { "chat", 1 }, { "kv", 1 }, { "slow_server", 1 }, { "httpd --hello", 1 },
        { "httpd --hello -j 3", 3 }, { "race --scale 1", 3 }, { "million --connections 2000", 1 },
    };

    (void)state;
    if (access("/proc/net/tcp", R_OK) < 0)
        skip();
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        struct child *server = start("%s", servers[i].command);
        double until = now() + PATIENCE / 2;
        int n = 0;

        while (n < servers[i].listeners && now() < until && child_read(server, until)) {
            assert_int_equal(listens(server->pid, "/proc/net/tcp6"), 0);
            n = listens(server->pid, "/proc/net/tcp");
        }
        if (n != servers[i].listeners)
            fail_msg("%s has %d listeners", servers[i].command, n);
        kill(-server->pid, SIGKILL);
        end(server);
    }
}

/* ---- Fds, seeds, the build ------------------------------------------------------------------- */

/* How a line of shell ends. */
static int shell_status(const char *format, ...)
{
    char line[1024];
    struct child *child;
    va_list list;

    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    child = shell("%s", line);
    end(child);
    return child->status;
}

/* Which fds are open, from 3 on; the last one is -1. */
enum { FDS = 256 };
static void fds_read(int fds[FDS])
{
    int n = 0;

    for (int fd = 3; fd < FDS && n < FDS - 1; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            fds[n++] = fd;
    fds[n] = -1;
}

/* Each of everything that the library opens, and a child that is waited for: then every fd that was
 * not there before is close-on-exec, so that no program which anybody starts inherits one. */
static int known[FDS], opened;
static void fds_are_ours_alone(void)
{
    int fds[FDS];

    fds_read(fds);
    for (int i = 0, k = 0; fds[i] >= 0; i++) {
        while (known[k] >= 0 && known[k] < fds[i])
            k++;
        if (known[k] == fds[i])
            continue;
        if (!(fcntl(fds[i], F_GETFD) & FD_CLOEXEC))
            fail_msg("fd %d would be inherited", fds[i]);
        opened++;
    }
}

struct looks { co_frame; struct co_process *child; };
static co_define(looks) {
    co_begin;
    co_try(co_sleep(0.01));
    fds_are_ours_alone();
    assert_int_equal(co_process_kill(self->child, SIGKILL), 0);
    co_end;
}

struct opens { co_frame; int fds[8], n; struct co_process child; struct co_connect slot; };
static co_define(opens) {
    static char sleep_[] = "sleep", seconds[] = "20";
    static char *const argv[] = { sleep_, seconds, NULL };
    static const struct co_process_options options = { .in = CO_PROCESS_PIPE,
                                                       .out = CO_PROCESS_PIPE };

    co_begin;
    self->fds[0] = co_tcp_listen("127.0.0.1", 0, 0);
    self->fds[1] = co_udp_open("127.0.0.1", 0, 0);
    assert_true(self->fds[0] >= 0 && self->fds[1] >= 0);
    assert_int_equal(co_fd_pipe(self->fds + 2), 0);
    assert_int_equal(co_fd_pair(self->fds + 4), 0);
    self->n = 6;
    co_try(self->fds[6], co_connect(&self->slot, "localhost", co_tcp_port(self->fds[0])));
    co_try(self->fds[7], co_accept(self->fds[0]));
    self->n = 8;
    co_try(co_done(co_process_spawn(&self->child, argv, &options)));
    assert_int_equal(co_go(looks, .child = &self->child), 0);
    co_await(co_child(&self->child));
    co_finally;
    co_process_close(&self->child);
    while (self->n > 0)
        co_fd_close(self->fds[--self->n]);
    co_end;
}

static void no_fd_of_the_library_is_inherited(void **state)
{
    (void)state;
    opened = 0;
    fds_read(known);
    assert_int_equal(co_main(opens), 0);
    assert_in_range(opened, 8 + 2 + 1, FDS);    /* also the child's pipes, and epoll */
}

/* Keys are hashed with SipHash and 128 random bits, so nobody can choose keys that collide. */
static void each_store_hashes_with_a_key_of_its_own(void **state)
{
    struct kv_store a, b;

    (void)state;
    kv_init(&a, 0);
    kv_init(&b, 0);
    assert_int_equal(sizeof a.seed, 16);
    assert_memory_not_equal(a.seed, b.seed, sizeof a.seed);
    assert_true(a.seed[0] != 0 && a.seed[1] != 0 && a.seed[0] != b.seed[0]);
}

/* What the Makefile calls release flags; a build with a sanitizer has none of them. */
static void the_servers_are_built_hardened(void **state)
{
    static const char *const servers[] = { "echo", "chat", "kv", "slow_server", "httpd" };

    (void)state;
    if (shell_status("command -v readelf >/dev/null") != 0
        || shell_status("readelf -sW '%s/kv' | grep -q '__[a-z]*san_'", demos()) == 0)
        skip();
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        const char *name = servers[i];

        if (shell_status("readelf -hW '%s/%s' | grep -q 'Type: *DYN'", demos(), name) != 0)
            fail_msg("%s is no PIE", name);
        if (shell_status("readelf -lW '%s/%s' | grep -q GNU_RELRO", demos(), name) != 0)
            fail_msg("%s has no RELRO", name);
        if (shell_status("readelf -dW '%s/%s' | grep -Eq 'BIND_NOW|NOW'", demos(), name) != 0)
            fail_msg("%s binds lazily", name);
        if (shell_status("readelf -sW '%s/%s' | grep -q __stack_chk_fail", demos(), name) != 0)
            fail_msg("%s has no stack protector", name);
    }
}

/* ---------------------------------------------------------------------------------------------- */

static const struct CMUnitTest tests[] = {
    TEST(no_encoding_of_a_target_leads_out),
    TEST(a_directory_that_becomes_a_link_meanwhile_leads_nowhere),
    TEST(what_may_be_one_message_or_two_is_refused),
    TEST(a_request_that_hides_in_a_body_is_not_answered),
    TEST(nothing_of_a_request_becomes_a_field_or_markup),
    TEST(an_error_of_the_key_value_server_is_one_line),
    TEST(lengths_that_wrap_around_are_refused),
    TEST(memory_is_taken_for_what_came_only),
    TEST(a_line_of_64_kilobytes_is_taken_and_no_longer_one),
    TEST(slow_clients_of_the_key_value_server_are_closed),
    TEST(every_server_listens_on_the_loopback_address_alone),
    TEST(no_fd_of_the_library_is_inherited),
    TEST(each_store_hashes_with_a_key_of_its_own),
    TEST(the_servers_are_built_hardened),
};

TEST_MAIN_WITH(tests, files_make, files_remove)
