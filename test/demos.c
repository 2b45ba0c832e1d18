/* SPDX-License-Identifier: BSD-2-Clause
 * demos.c: what the demos print, and what they answer to good and bad peers. DEMOS: the directory
 * that they were built in. Every child runs under an alarm; each teardown kills what is left. */
#include "demo_test.h"

#include <netinet/tcp.h>

/* What the server answers to these bytes until it closes. */
static const char *answer(int port, const char *bytes, size_t size)
{
    int fd = dial(port);

    put(fd, bytes, size);
    return rest(fd);
}

#define ANSWER(port, literal) answer(port, literal, sizeof literal - 1)
#define GET "GET / HTTP/1.1\r\nHost: x\r\n"
#define HEAD_OF(status, length, how) \
    "HTTP/1\\.1 " status "\r\nContent-Type: text/plain\r\nContent-Length: " length \
    "\r\nConnection: " how "\r\n\r\n"
#define HELLO(how) HEAD_OF("200 OK", "6", how) "Hello!"

/* A server that gives each client these bytes and closes; a port on which it listens. */
static int fake(const char *bytes, size_t size)
{
    struct sockaddr_in at = loopback(0);
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct child *child = child_new();

    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        child_prepare();
        for (;;) {
            char request[4096] = "";
            size_t got = 0;
            ssize_t n = 1;
            int fd = accept(listener, NULL, NULL);

            while (n > 0 && !strstr(request, "\r\n\r\n") && got < sizeof request - 1) {
                n = recv(fd, request + got, sizeof request - 1 - got, 0);
                got += n > 0 ? (size_t)n : 0;
            }
            send(fd, bytes, size, MSG_NOSIGNAL);
            close(fd);
        }
    }
    close(listener);
    assert_true(child->pid > 0);
    setpgid(child->pid, child->pid);
    return ntohs(at.sin_port);
}

#define FAKE(literal) fake(literal, sizeof literal - 1)

/* ---- Tests of what they print ---------------------------------------------------------------- */

#define FIVE \
    STAMP "hello 1\n" STAMP "hello 2\n" STAMP "hello 3\n" STAMP "hello 4\n" STAMP "hello 5\n"

/* Whether the five lines behind the first cost begin with the same time. */
static bool same_stamps(const char *text)
{
    const char *line = strchr(strstr(text, "Cost"), '\n') + 1, *first = line;

    for (int i = 0; i < 5; i++, line = strchr(line, '\n') + 1)
        if (strncmp(line, first, strlen("23:59:59")) != 0)
            return false;
    return true;
}

static void hellos_as_tasks_start_at_the_same_time_and_cost_one_nap(void **state)
{
    struct child *child = NULL;

    (void)state;
    for (int tries = 0; tries < 3; tries++) {           /* a second may begin between two of them */
        child = start("hello --scale 0.1");
        succeeds(child, FIVE COST ", one after the other\n" FIVE COST ", as tasks\n");
        if (same_stamps(child->text[OUT]))
            break;
    }
    assert_true(same_stamps(child->text[OUT]));
    between(cost(child, 0), 0.5, 0.9);
    between(cost(child, 1), 0.1, 0.4);
}

static void a_coroutine_does_nothing_until_a_loop_runs_it(void **state)
{
    (void)state;
    succeeds(start("execute"), "A coroutine was made: nothing has run\nA task was made: pending\n"
             "The coroutine runs with 1\nThe loop has run: finished, result 1\n");
}

static void a_nested_coroutine_gives_42(void **state)
{
    (void)state;
    succeeds(start("nested"), "42\n");
}

#define PLAY "    I am playing with the phone: [0-9]+\n"
#define PLAYS PLAY PLAY PLAY PLAY

static void four_plays_follow_each_study_line(void **state)
{
    static const char pattern[] =
        "I am studying: 1 hour\n" PLAYS "I am studying: 2 hours\n" PLAYS "I am studying: 3 hours\n"
        PLAY PLAY "Scores: maths 95, english 88\n"
        COST ", one after the other it would be [0-9.]+\n";
    static const char *const scales[] = { "0.05", "0.2", "1" };
    struct child *child = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {           /* a machine that stalls for a nap gets longer ones */
        child = start("study --scale %s", scales[i]);
        end(child);
        if (matches(child->text[OUT], pattern))
            break;
    }
    check(child->text[OUT], pattern);
    assert_string_equal(child->text[ERR], "");
    assert_int_equal(child->status, 0);
}

#define START(n) STAMP "start the job of " n " s\n"
#define STOP(n) STAMP "stop the job of " n " s\n"
#define EITHER "(" START("5") START("10") "|" START("10") START("5") ")"

static void durations_cost_the_sum_in_turn_and_the_longest_at_once(void **state)
{
    struct child *child = start("durations --scale 0.05");

    (void)state;
    succeeds(child, START("5") STOP("5") START("10") STOP("10") COST ", as sync\n"
             EITHER STOP("5") STOP("10") COST ", as threads\n"
             START("5") START("10") STOP("5") STOP("10") COST ", as tasks\n");
    between(cost(child, 0), 0.75, 1.5);
    between(cost(child, 1), 0.5, 0.74);
    between(cost(child, 2), 0.5, 0.74);
}

static void durations_runs_only_the_form_that_is_named(void **state)
{
    (void)state;
    succeeds(start("durations --scale 0.01 --form tasks"),
             START("5") START("10") STOP("5") STOP("10") COST ", as tasks\n");
    succeeds(start("durations --scale 0.01 --form=sync"),
             START("5") STOP("5") START("10") STOP("10") COST ", as sync\n");
}

/* ---- Tests of requests ----------------------------------------------------------------------- */

#define WAITING "Waiting for http://127\\.0\\.0\\.1:[0-9]+/\n"
#define RESPONSE "Get response from http://127\\.0\\.0\\.1:[0-9]+/ Result: Hello!\n"

static void five_requests_at_once_cost_as_much_as_one(void **state)
{
    struct child *server = serve("slow_server --delay 0.3");
    struct child *client = start("requests http://127.0.0.1:%d/", server->port);

    (void)state;
    succeeds(client, "(" WAITING "){5}(" RESPONSE "){5}" COST "\n");
    between(cost(client, 0), 0.3, 1.0);
    stop(server, SIGTERM);
}

static void five_requests_in_turn_cost_five_times_as_much(void **state)
{
    struct child *server = serve("slow_server --delay 0.1");
    struct child *client = start("requests --sync %d", server->port);

    (void)state;
    succeeds(client, "(" WAITING RESPONSE "){5}" COST "\n");
    between(cost(client, 0), 0.5, 1.5);
    stop(server, SIGINT);
}

static void requests_in_turn_need_one_fd_at_a_time(void **state)
{
    struct child *server = serve("slow_server --delay 0");

    (void)state;
    succeeds(shell("ulimit -n 20; exec %s/requests --sync --count 50 %d", demos(), server->port),
             "(" WAITING RESPONSE "){50}" COST "\n");
    stop(server, SIGTERM);
}

static void fifty_clients_at_once_are_served_and_leave_no_fd(void **state)
{
    struct child *server = serve("slow_server --delay 0.3");
    struct child *client = start("requests --count 50 %d", server->port);
    int before = fds_of(server->pid), after = -1;

    (void)state;
    succeeds(client, "(" WAITING "){50}(" RESPONSE "){50}" COST "\n");
    between(cost(client, 0), 0.3, 3);
    for (int i = 0; i < 300 && (after = fds_of(server->pid)) != before; i++)
        poll(NULL, 0, 10);
    assert_int_equal(after, before);
    stop(server, SIGTERM);
}

static void the_main_job_shows_five_answers_in_the_time_of_one(void **state)
{
    (void)state;
    if (sized(0, 1))
        skip();
    succeeds(shell("exec demos/main_job.sh"),
             "(" WAITING "){5}(" RESPONSE "){5}Cost time: 3\\.[0-9]{2}\n"
             "one after the other it would take 15 s: make demo ARGS=--sync\n");
}

static void a_refused_connection_is_one_line(void **state)
{
    struct child *server = serve("echo");
    int port = server->port;

    (void)state;
    stop(server, SIGTERM);
    fails(start("requests %d", port), 1,
          "requests: http://127\\.0\\.0\\.1:[0-9]+/: nobody listens there: .*\n");
    fails(start("requests --sync %d", port), 1, "requests: .*: nobody listens there: .*\n");
}

/* An empty label is refused before any name server is asked. */
static void a_host_that_is_none_is_one_line(void **state)
{
    (void)state;
    fails(start("requests --count 1 http://no..host:80/"), 1,
          "requests: http://no\\.\\.host:80/: there is no such host: check its name\n");
}

static void a_bad_answer_is_one_line_that_says_why(void **state)
{
    static char large[8000] = "HTTP/1.1 200 OK\r\n\r\n";

    (void)state;
    memset(large + strlen(large), 'x', sizeof large - strlen(large));
    struct { int port; const char *why; } cases[] = {
        { FAKE(""), "closed early" },
        { FAKE("HTTP/1.1 200 OK\r\nContent-"), "closed early" },
        { FAKE("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHello!"), "closed early" },
        { FAKE("220 mail.example ESMTP\r\n\r\n"), "malformed" },
        { FAKE("HTTP/1.1 200 OK\r\nContent-Length: +6\r\n\r\nHello!"), "malformed" },
        { FAKE("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "not 200 OK" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char pattern[64];

        snprintf(pattern, sizeof pattern, "requests: http://.*/: .*%s.*\n", cases[i].why);
        fails(start("requests %d", cases[i].port), 1, pattern);
    }
    teardown(NULL);
    fails(start("requests %d", FAKE("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n")), 1,
          "requests: .*: the answer is too large: .*\n");
    fails(start("requests %d", fake(large, sizeof large)), 1,
          "requests: .*: the answer is too large: .*\n");
    fails(start("requests %d", FAKE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")), 1,
          "requests: .*: the answer comes in chunks: .*\n");
}

static void an_answer_without_a_length_ends_with_the_connection(void **state)
{
    (void)state;
    succeeds(start("requests %d", FAKE("HTTP/1.0 200 OK\n\nHello!")),
             "(" WAITING "){5}(" RESPONSE "){5}" COST "\n");
}

static void ctrl_c_ends_requests_and_leaves_nothing(void **state)
{
    struct child *server = serve("slow_server --delay 20");
    struct child *client = start("requests %d", server->port);

    (void)state;
    poll(NULL, 0, 300);
    assert_int_equal(kill(client->pid, SIGINT), 0);
    fails(client, 1, "requests: .*anceled\n");
    stop(server, SIGINT);
}

/* ---- Tests of slow_server -------------------------------------------------------------------- */

static void a_malformed_request_gets_400(void **state)
{
    static const char *const requests[] = {
        "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET / http/1.1\r\nHost: x\r\n\r\n", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\x7F HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        GET "Host: y\r\n\r\n", GET "no colon\r\n\r\n", GET ": no name\r\n\r\n",
        GET "Name : x\r\n\r\n", GET " folded: x\r\n\r\n", GET "Name: a\rb\r\n\r\n",
        GET "Name: \x01\r\n\r\n", GET "Name: \x7F\r\n\r\n",
        GET "Content-Length: \r\n\r\n", GET "Content-Length: -1\r\n\r\n",
        GET "Content-Length: +1\r\n\r\n", GET "Content-Length: 0x1\r\n\r\n",
        GET "Content-Length: 1 1\r\n\r\n", GET "Content-Length: 1, 1\r\n\r\n",
        GET "Content-Length: 99999999999999999999999\r\n\r\n",
        GET "Content-Length: 0\r\ncontent-length: 0\r\n\r\n",
    };
    struct child *server = serve("slow_server --delay 0");

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *text = answer(server->port, requests[i], strlen(requests[i]));

        if (!matches(text, HEAD_OF("400 Bad Request", "0", "close")))
            fail_msg("to %s\nit answered %s", requests[i], text);
    }
    check(ANSWER(server->port, GET "A: \0b\r\n\r\n"), HEAD_OF("400 Bad Request", "0", "close"));
    stop(server, SIGTERM);
}

static void what_it_does_not_take_is_refused_by_name(void **state)
{
    struct child *server = serve("slow_server --delay 0");
    char large[20000];

    (void)state;
    memset(large, 'a', sizeof large);
    check(answer(server->port, large, sizeof large),
          HEAD_OF("431 Request Header Fields Too Large", "0", "close"));
    memcpy(large, GET, strlen(GET));
    for (size_t i = strlen(GET); i + 4 <= sizeof large; i += 4)
        memcpy(large + i, "a:\r\n", 4);
    check(answer(server->port, large, sizeof large),
          HEAD_OF("431 Request Header Fields Too Large", "0", "close"));
    check(ANSWER(server->port, GET "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
          HEAD_OF("501 Not Implemented", "0", "close"));
    check(ANSWER(server->port, GET "Content-Length: 1048577\r\n\r\n"),
          HEAD_OF("413 Content Too Large", "0", "close"));
    stop(server, SIGTERM);
}

static void a_connection_is_kept_for_the_next_request(void **state)
{
    struct child *server = serve("slow_server --delay 0.01");
    char one[1024];
    int fd = dial(server->port);

    (void)state;
    put(fd, GET "\r\n", strlen(GET "\r\n"));
    for (size_t size = 0; size < 6 || memcmp(one + size - 6, "Hello!", 6) != 0; size++) {
        assert_true(size < sizeof one);
        assert_int_equal(recv(fd, one + size, 1, 0), 1);
    }
    put(fd, GET "Connection: close\r\n\r\n", strlen(GET "Connection: close\r\n\r\n"));
    check(rest(fd), HELLO("close"));
    check(ANSWER(server->port, GET "\r\n" GET "Connection: TE, Close\r\n\r\n" GET "\r\n"),
          HELLO("keep-alive") HELLO("close"));          /* in one go, and one too many */
    stop(server, SIGTERM);
}

static void a_body_is_dropped_and_the_next_request_understood(void **state)
{
    struct child *server = serve("slow_server --delay 0");
    static char body[100000];
    int fd = dial(server->port);

    (void)state;
    put(fd, GET "Content-Length: 100000\r\n\r\n", strlen(GET "Content-Length: 100000\r\n\r\n"));
    put(fd, body, sizeof body);
    put(fd, "GET / HTTP/1.0\r\n\r\n", strlen("GET / HTTP/1.0\r\n\r\n"));
    check(rest(fd), HELLO("keep-alive") HELLO("close"));
    stop(server, SIGTERM);
}

static void http_1_0_closes_and_head_has_no_body(void **state)
{
    struct child *server = serve("slow_server --delay 0");

    (void)state;
    check(ANSWER(server->port, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), HELLO("close"));
    check(ANSWER(server->port, "HEAD / HTTP/1.1\nHost: x\nConnection: close\n\n"),
          HEAD_OF("200 OK", "6", "close"));
    stop(server, SIGTERM);
}

static void a_request_that_comes_byte_by_byte_is_understood(void **state)
{
    static const char request[] = GET "Content-Length: 3\r\nConnection: close\r\n\r\nabc";
    struct child *server = serve("slow_server --delay 0");
    int fd = dial(server->port), on = 1;

    (void)state;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (const char *p = request; *p; p++) {
        put(fd, p, 1);
        poll(NULL, 0, 1);
    }
    check(rest(fd), HELLO("close"));
    stop(server, SIGTERM);
}

static void clients_that_vanish_leave_no_fd(void **state)
{
    struct child *server = serve("slow_server --delay 0.1");
    int before = fds_of(server->pid), after = -1;

    (void)state;
    for (int i = 0; i < 20; i++) {
        int fd = dial(server->port);

        put(fd, GET "\r\n", (size_t)i * strlen(GET "\r\n") / 19);      /* none, a part, all of it */
        close(fd);
    }
    for (int i = 0; i < 300 && (after = fds_of(server->pid)) != before; i++)
        poll(NULL, 0, 10);
    assert_int_equal(after, before);
    stop(server, SIGTERM);
}

static void a_server_ends_with_its_connections_open(void **state)
{
    struct child *server = serve("slow_server --delay 20");
    int idle = dial(server->port), busy = dial(server->port);

    (void)state;
    put(busy, GET "\r\n", strlen(GET "\r\n"));
    poll(NULL, 0, 100);
    stop(server, SIGTERM);
    close(idle);
    close(busy);
}

/* curl, with these options, asks twice on one connection. */
static struct child *curl(const struct child *server, const char *options)
{
    return shell("u=http://127.0.0.1:%d/; exec curl -s --noproxy '*' %s $u $u", server->port,
                 options);
}

static void curl_gets_its_answers(void **state)
{
    struct child *server = serve("slow_server --delay 0.01");

    (void)state;
    if (system("command -v curl >/dev/null") != 0)
        skip();
    succeeds(curl(server, "-f"), "Hello!Hello!");
    succeeds(curl(server, "-I"),
             HEAD_OF("200 OK", "6", "keep-alive") HEAD_OF("200 OK", "6", "keep-alive"));
    succeeds(curl(server, "-0"), "Hello!Hello!");
    succeeds(curl(server, "-d a=b"), "Hello!Hello!");
    stop(server, SIGTERM);
}

/* ---- Tests of echo --------------------------------------------------------------------------- */

static void echo_gives_each_client_its_own_bytes_back(void **state)
{
    struct child *server = serve("echo");
    int fd[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        fd[i] = dial(server->port);
    for (int i = 19; i >= 0; i--) {
        char line[32];

        snprintf(line, sizeof line, "client %d\n", i);
        put(fd[i], line, strlen(line));
        shutdown(fd[i], SHUT_WR);
    }
    for (int i = 0; i < 20; i++) {
        char line[32];

        snprintf(line, sizeof line, "client %d\n", i);
        check(rest(fd[i]), line);
    }
    stop(server, SIGINT);
}

/* ---- Tests of the command line --------------------------------------------------------------- */

static void every_demo_refuses_an_unknown_option_and_tells_its_usage(void **state)
{
    static const char *const names[] = { "slow_server", "requests", "study", "execute", "nested",
                                         "durations", "hello", "echo" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        knows_its_options(names[i]);
}

static void a_bad_value_is_one_line(void **state)
{
    static const char *const commands[] = {
        "slow_server --port", "slow_server --port -1", "slow_server --port 65536",
        "slow_server --port 80x", "slow_server --port 1.5", "slow_server --port=",
        "slow_server --delay -1", "slow_server --delay nan", "slow_server --delay inf",
        "slow_server --delay 0x1", "slow_server --delay 1s", "slow_server --delay .",
        "slow_server --scale 1", "requests", "requests --count 0 80", "requests --count 1001 80",
        "requests --sync=1 80", "requests ftp://127.0.0.1/", "requests 0", "requests 65536",
        "requests http://127.0.0.1:99999999999/", "requests http://127.0.0.1:80x/",
        "requests http:///", "requests http://127.0.0.1/#part", "requests http://[::1/",
        "durations --form fast", "study --scale 1,5", "hello --scale 1e1", "echo --port x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fails(start("%s", commands[i]), 2, "[a-z_]+: [^\n]+\n");
}

static void a_port_in_use_is_one_line(void **state)
{
    struct child *server = serve("echo");

    (void)state;
    fails(start("echo --port %d", server->port), 1, "echo: port [0-9]+: .*: try another --port\n");
    fails(start("slow_server --port %d", server->port), 1, "slow_server: port .*\n");
    stop(server, SIGTERM);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct CMUnitTest tests[] = {
    TEST(hellos_as_tasks_start_at_the_same_time_and_cost_one_nap),
    TEST(a_coroutine_does_nothing_until_a_loop_runs_it),
    TEST(a_nested_coroutine_gives_42),
    TEST(four_plays_follow_each_study_line),
    TEST(durations_cost_the_sum_in_turn_and_the_longest_at_once),
    TEST(durations_runs_only_the_form_that_is_named),
    TEST(five_requests_at_once_cost_as_much_as_one),
    TEST(five_requests_in_turn_cost_five_times_as_much),
    TEST(requests_in_turn_need_one_fd_at_a_time),
    TEST(fifty_clients_at_once_are_served_and_leave_no_fd),
    TEST(the_main_job_shows_five_answers_in_the_time_of_one),
    TEST(a_refused_connection_is_one_line),
    TEST(a_host_that_is_none_is_one_line),
    TEST(a_bad_answer_is_one_line_that_says_why),
    TEST(an_answer_without_a_length_ends_with_the_connection),
    TEST(ctrl_c_ends_requests_and_leaves_nothing),
    TEST(a_malformed_request_gets_400),
    TEST(what_it_does_not_take_is_refused_by_name),
    TEST(a_connection_is_kept_for_the_next_request),
    TEST(a_body_is_dropped_and_the_next_request_understood),
    TEST(http_1_0_closes_and_head_has_no_body),
    TEST(a_request_that_comes_byte_by_byte_is_understood),
    TEST(clients_that_vanish_leave_no_fd),
    TEST(a_server_ends_with_its_connections_open),
    TEST(curl_gets_its_answers),
    TEST(echo_gives_each_client_its_own_bytes_back),
    TEST(every_demo_refuses_an_unknown_option_and_tells_its_usage),
    TEST(a_bad_value_is_one_line),
    TEST(a_port_in_use_is_one_line),
};

TEST_MAIN(tests)
