/* SPDX-License-Identifier: BSD-2-Clause
 * kv.c: the key-value server over sockets: its commands, its limits, its clients, its end. */
#include "demo_test.h"

#include <fcntl.h>

/* ---- Talking --------------------------------------------------------------------------------- */

/* Reads [size] bytes, that must come, into [to]. */
static void take(int fd, char *to, size_t size)
{
    for (size_t done = 0; done < size; ) {
        ssize_t n = recv(fd, to + done, size - done, 0);

        if (n <= 0)
            fail_msg("%s after: %.*s", n ? "silence" : "the end", (int)done, to);
        done += (size_t)n;
    }
}

/* The next bytes that come are [reply], and no more is asked for. */
static void expect(int fd, const char *reply)
{
    char text[4096];
    size_t size = strlen(reply);

    assert_in_range(size, 1, sizeof text - 1);
    take(fd, text, size);
    text[size] = '\0';
    assert_string_equal(text, reply);
}

static void tell(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

/* In one piece: two would wait for each other, as Nagle wants it. */
static void tell_line(int fd, const char *line)
{
    char text[8192];
    int size = snprintf(text, sizeof text, "%s\r\n", line);

    assert_in_range(size, 2, sizeof text - 1);
    put(fd, text, (size_t)size);
}

/* Sends a line, and expects the whole reply. */
static void ask(int fd, const char *line, const char *reply)
{
    tell_line(fd, line);
    expect(fd, reply);
}

/* The words of a line as an array of bulk strings. */
static const char *as_array(const char *line)
{
    static char text[512];
    char body[400] = "", words[256], *at = body;
    int count = 0;

    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        at += sprintf(at, "$%zu\r\n%s\r\n", strlen(word), word);
        count++;
    }
    snprintf(text, sizeof text, "*%d\r\n%s", count, body);
    return text;
}

/* A number that is the reply: ":12". */
static long take_number(int fd)
{
    char text[32] = "";
    size_t size = 0;

    while (size < 2 || memcmp(text + size - 2, "\r\n", 2)) {
        assert_true(size < sizeof text - 1);
        take(fd, text + size++, 1);
    }
    assert_int_equal(text[0], ':');
    return atol(text + 1);
}

static long number(int fd, const char *line)
{
    tell_line(fd, line);
    return take_number(fd);
}

/* Waits until the command gives [value]. */
static void becomes(int fd, const char *line, long value)
{
    double until = now() + PATIENCE / 2;
    long n;

    while ((n = number(fd, line)) != value && now() < until)
        poll(NULL, 0, 5);
    assert_int_equal(n, value);
}

/* All that INFO says. */
static const char *info(int fd)
{
    static char text[4096];
    int size = 0;

    tell(fd, "INFO\r\n");
    for (int n = 0; n == 0 || text[n - 1] != '\n'; n++) {
        take(fd, text + n, 1);
        text[n + 1] = '\0';
    }
    size = atoi(text + 1);
    assert_int_equal(text[0], '$');
    assert_in_range(size, 100, sizeof text - 3);
    take(fd, text, (size_t)size + 2);
    text[size] = '\0';
    return text;
}

/* ---- Commands -------------------------------------------------------------------------------- */

struct talk { const char *line, *reply; };

/* What is left of 100 s and more is less on a machine that stalls. */
static void expect_answer(int fd, const char *line, const char *reply)
{
    long n = atol(reply + 1);

    if (strncmp(line, "TTL ", 4) == 0 && n >= 100)
        assert_in_range(take_number(fd), n - PATIENCE, n);
    else
        expect(fd, reply);
}

/* Each as a line and as an array, from an empty server on. */
static void talk(const struct talk *talk, size_t n)
{
    struct child *server = serve("kv");

    for (int form = 0; form < 2; form++) {
        int fd = dial(server->port);

        ask(fd, "FLUSHALL", "+OK\r\n");
        for (size_t i = 0; i < n; i++) {
            if (form)
                tell(fd, as_array(talk[i].line));
            else
                tell_line(fd, talk[i].line);
            expect_answer(fd, talk[i].line, talk[i].reply);
        }
        close(fd);
    }
    stop(server, SIGTERM);
}
#define TALK(talks) talk(talks, sizeof talks / sizeof *talks)

static void each_command_answers_as_redis_does(void **state)
{
    static const struct talk talks[] = {
        { "PING", "+PONG\r\n" }, { "ping hello", "$5\r\nhello\r\n" }, { "eCHo x", "$1\r\nx\r\n" },
        { "GET k", "$-1\r\n" }, { "SET k one", "+OK\r\n" }, { "GET k", "$3\r\none\r\n" },
        { "SET k two NX", "$-1\r\n" }, { "SET none x XX", "$-1\r\n" }, { "SET k 2 XX", "+OK\r\n" },
        { "SET k 3 GET", "$1\r\n2\r\n" }, { "SET new 1 GET", "$-1\r\n" },
        { "SET k 4 NX GET", "$1\r\n3\r\n" }, { "GET k", "$1\r\n3\r\n" },
        { "EXISTS k none k new", ":3\r\n" }, { "DEL k none", ":1\r\n" }, { "EXISTS k", ":0\r\n" },
        { "INCR n", ":1\r\n" }, { "INCR n", ":2\r\n" }, { "DECR n", ":1\r\n" },
        { "INCRBY n 41", ":42\r\n" }, { "DECRBY n 142", ":-100\r\n" },
        { "GET n", "$4\r\n-100\r\n" }, { "MSET a 1 b 2 a 3", "+OK\r\n" },
        { "MGET a none b", "*3\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n" },
        { "DBSIZE", ":4\r\n" }, { "TTL none", ":-2\r\n" }, { "PTTL none", ":-2\r\n" },
        { "TTL a", ":-1\r\n" }, { "PTTL a", ":-1\r\n" }, { "EXPIRE a 100", ":1\r\n" },
        { "TTL a", ":100\r\n" }, { "EXPIRE none 100", ":0\r\n" }, { "PERSIST a", ":1\r\n" },
        { "PERSIST a", ":0\r\n" }, { "PERSIST none", ":0\r\n" }, { "TTL a", ":-1\r\n" },
        { "PEXPIRE a 200000", ":1\r\n" }, { "TTL a", ":200\r\n" }, { "SET a x KEEPTTL", "+OK\r\n" },
        { "TTL a", ":200\r\n" }, { "SET a this-does-not-fit-in-its-place KEEPTTL", "+OK\r\n" },
        { "TTL a", ":200\r\n" }, { "SET a 7 EX 300", "+OK\r\n" }, { "INCR a", ":8\r\n" },
        { "TTL a", ":300\r\n" }, { "MSET a 1", "+OK\r\n" }, { "TTL a", ":-1\r\n" },
        { "SET a 1 PX 400000 NX", "$-1\r\n" }, { "SET a 1 XX PX 400000", "+OK\r\n" },
        { "TTL a", ":400\r\n" }, { "SET a 1", "+OK\r\n" }, { "TTL a", ":-1\r\n" },
        { "EXPIRE a 0", ":1\r\n" }, { "EXISTS a", ":0\r\n" }, { "EXPIRE b -5", ":1\r\n" },
        { "EXISTS b", ":0\r\n" }, { "SET k 1", "+OK\r\n" }, { "EXPIREAT k 1", ":1\r\n" },
        { "GET k", "$-1\r\n" }, { "SET k 1 EXAT 99999999999", "+OK\r\n" }, { "EXISTS k", ":1\r\n" },
        { "PEXPIREAT k 1", ":1\r\n" }, { "EXISTS k", ":0\r\n" }, { "FLUSHDB", "+OK\r\n" },
        { "DBSIZE", ":0\r\n" }, { "FLUSHALL ASYNC", "+OK\r\n" }, { "SELECT 0", "+OK\r\n" },
        { "CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n" },
        { "CONFIG GET APPENDONLY none", "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n" },
        { "CONFIG GET none", "*0\r\n" }, { "COMMAND DOCS", "*0\r\n" },
        { "COMMAND COUNT", ":31\r\n" },
        { "HELLO", "*10\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$5\r\n"
          "proto\r\n:2\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n" } };

    (void)state;
    TALK(talks);
}

#define NOT_INTEGER "-ERR value is not an integer or out of range\r\n"
#define WRONG(command) "-ERR wrong number of arguments for '" command "' command\r\n"
#define NO_TIME(command) "-ERR invalid expire time in '" command "' command\r\n"
#define OVERFLOW "-ERR increment or decrement would overflow\r\n"
#define SYNTAX "-ERR syntax error\r\n"

static void what_is_wrong_is_told_in_the_words_of_redis(void **state)
{
    static const struct talk talks[] = {
        { "GET", WRONG("get") }, { "get a b", WRONG("get") }, { "SET k", WRONG("set") },
        { "MSET", WRONG("mset") }, { "MSET a 1 b", WRONG("mset") }, { "MGET", WRONG("mget") },
        { "PING a b", WRONG("ping") }, { "DBSIZE x", WRONG("dbsize") }, { "DEL", WRONG("del") },
        { "ECHO", WRONG("echo") }, { "EXPIRE k", WRONG("expire") }, { "INCR", WRONG("incr") },
        { "CONFIG GET", WRONG("config|get") }, { "SET k 1 EX", SYNTAX }, { "SET k 1 FOO", SYNTAX },
        { "SET k 1 NX XX", SYNTAX }, { "SET k 1 EX 5 PX 5", SYNTAX },
        { "SET k 1 KEEPTTL EX 5", SYNTAX }, { "FLUSHALL FOO", SYNTAX },
        { "SET k 1 EX x", NOT_INTEGER },
        { "SET k 1 EX 1.5", NOT_INTEGER }, { "SET k 1 EX 0", NO_TIME("set") },
        { "SET k 1 PX -5", NO_TIME("set") }, { "SET k 1 EX 9223372036854775807", NO_TIME("set") },
        { "EXPIRE k 9223372036854775807", NO_TIME("expire") }, { "PEXPIRE k x", NOT_INTEGER },
        { "EXPIRE k -9223372036854775808", NO_TIME("expire") }, { "EXISTS k", ":0\r\n" },
        { "SET n 9223372036854775807", "+OK\r\n" }, { "INCR n", OVERFLOW },
        { "INCRBY n 1", OVERFLOW },
        { "GET n", "$19\r\n9223372036854775807\r\n" }, { "DECR n", ":9223372036854775806\r\n" },
        { "DECRBY n -9223372036854775808", "-ERR decrement would overflow\r\n" },
        { "INCRBY n x", NOT_INTEGER }, { "SET n -9223372036854775808", "+OK\r\n" },
        { "DECR n", OVERFLOW }, { "INCRBY n -1", OVERFLOW }, { "SET n 01", "+OK\r\n" },
        { "INCR n", NOT_INTEGER }, { "SET n +1", "+OK\r\n" }, { "DECR n", NOT_INTEGER },
        { "SET n 9223372036854775808", "+OK\r\n" }, { "INCR n", NOT_INTEGER },
        { "SELECT 1", "-ERR DB index is out of range\r\n" }, { "SELECT x", NOT_INTEGER },
        { "FOO", "-ERR unknown command 'FOO', with args beginning with: \r\n" },
        { "foo bar baz", "-ERR unknown command 'foo', with args beginning with: 'bar' 'baz' \r\n" },
        { "GETT k", "-ERR unknown command 'GETT', with args beginning with: 'k' \r\n" },
        { "CLIENT SETINFO lib-name x", "-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.\r\n" },
        { "CONFIG SET save x", "-ERR unknown subcommand 'SET'. Try CONFIG HELP.\r\n" },
        { "COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n" },
        { "HELLO 3", "-NOPROTO unsupported protocol version\r\n" },
        { "HELLO x", "-ERR Protocol version is not an integer or out of range\r\n" },
        { "HELLO 2 AUTH", SYNTAX } };

    (void)state;
    TALK(talks);
}

/* A literal, which may hold a NUL. */
#define PUT(fd, literal) put(fd, literal, sizeof literal - 1)

static void keys_and_values_are_any_bytes(void **state)
{
    struct child *server = serve("kv");
    int fd = dial(server->port);
    char left[5];

    (void)state;
    PUT(fd, "*3\r\n$3\r\nSET\r\n$3\r\n\0\r\n\r\n$4\r\n\xff\0$1\r\n");
    expect(fd, "+OK\r\n");
    PUT(fd, "*2\r\n$3\r\nGET\r\n$3\r\n\0\r\n\r\n");
    expect(fd, "$4\r\n\xff");
    PUT(fd, "*2\r\n$3\r\nGET\r\n$2\r\n\0\r\r\n");
    take(fd, left, sizeof left);
    assert_memory_equal(left, "\0$1\r\n", sizeof left);
    expect(fd, "$-1\r\n");
    ask(fd, "SET \"\" ''", "+OK\r\n");
    ask(fd, "GET ''", "$0\r\n\r\n");
    ask(fd, "\"\"", "-ERR unknown command '', with args beginning with: \r\n");
    ask(fd, "a \"b\\r\\nc\"", "-ERR unknown command 'a', with args beginning with: 'b  c' \r\n");
    close(fd);
    stop(server, SIGTERM);
}

static void info_counts_what_happened(void **state)
{
    struct child *server = serve("kv --max-memory 1000000");
    int fd = dial(server->port), other = dial(server->port);
    const char *text;
    char port[32];

    (void)state;
    ask(other, "SET a 1", "+OK\r\n");
    ask(fd, "SET b 1 EX 100", "+OK\r\n");
    ask(fd, "GET a", "$1\r\n1\r\n");
    ask(fd, "MGET none nil", "*2\r\n$-1\r\n$-1\r\n");
    text = info(fd);
    snprintf(port, sizeof port, "\r\ntcp_port:%d\r\n", server->port);
    assert_non_null(strstr(text, port));
    assert_non_null(strstr(text, "\r\nconnected_clients:2\r\n"));
    assert_non_null(strstr(text, "\r\nmaxmemory:1000000\r\n"));
    assert_non_null(strstr(text, "\r\ntotal_connections_received:2\r\n"));
    assert_non_null(strstr(text, "\r\ntotal_commands_processed:5\r\n"));
    assert_non_null(strstr(text, "\r\nkeyspace_hits:1\r\nkeyspace_misses:2\r\n"));
    assert_non_null(strstr(text, "\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n"));
    ask(fd, "FLUSHALL", "+OK\r\n");
    text = info(fd);
    assert_non_null(strstr(text, "\r\nused_memory:0\r\n"));
    assert_null(strstr(text, "db0"));
    close(fd);
    close(other);
    stop(server, SIGTERM);
}

/* ---- Expiry ---------------------------------------------------------------------------------- */

static void a_key_expires_by_itself(void **state)
{
    struct child *server = serve("kv");
    int fd = dial(server->port);

    (void)state;
    ask(fd, "SET stays 1", "+OK\r\n");
    ask(fd, "SET k 1 PX 30", "+OK\r\n");
    ask(fd, "SET long 1 EX 1000", "+OK\r\n");
    ask(fd, "SET saved 1 PX 30", "+OK\r\n");
    if (number(fd, "PERSIST saved") == 0)       /* a machine that stalls for 30 ms */
        ask(fd, "SET saved 1", "+OK\r\n");
    becomes(fd, "DBSIZE", 3);                   /* nobody looked at k */
    ask(fd, "EXISTS stays long saved", ":3\r\n");
    assert_non_null(strstr(info(fd), "\r\nexpired_keys:"));
    assert_non_null(strstr(info(fd), "db0:keys=3,expires=1,"));
    ask(fd, "SET sooner 1 EX 1000", "+OK\r\n");
    ask(fd, "PEXPIRE sooner 1", ":1\r\n");
    becomes(fd, "EXISTS sooner", 0);
    close(fd);
    stop(server, SIGTERM);
}

/* All in one turn of the loop, in which no timer fires. */
static void an_expired_key_is_not_seen_before_its_timer(void **state)
{
    struct child *server = serve("kv");
    int fd = dial(server->port);

    (void)state;
    ask(fd, "SET k old PXAT 1\r\nGET k\r\nDBSIZE\r\nSET k new NX\r\nTTL k",
        "+OK\r\n$-1\r\n:0\r\n+OK\r\n:-1\r\n");
    close(fd);
    stop(server, SIGTERM);
}

static void thousands_of_keys_expire_each_once(void **state)
{
    enum { KEYS = 5000 };
    struct child *server = serve("kv");
    int fd = dial(server->port);
    char expired[64];

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        char line[64];

        snprintf(line, sizeof line, "SET key:%d x PX %d", i, 1 + i * 7 % 100);
        tell_line(fd, line);
        if (i % 100 == 99)
            for (int k = 0; k < 100; k++)
                expect(fd, "+OK\r\n");
    }
    becomes(fd, "DBSIZE", 0);
    snprintf(expired, sizeof expired, "\r\nexpired_keys:%d\r\n", KEYS);
    assert_non_null(strstr(info(fd), expired));
    assert_non_null(strstr(info(fd), "\r\nused_memory:0\r\n"));
    close(fd);
    stop(server, SIGTERM);
}

/* ---- Streams of requests --------------------------------------------------------------------- */

static void ten_thousand_commands_in_one_write_are_answered(void **state)
{
    enum { COUNT = 10000 };
    static const char one[] = "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n";
    struct child *server = serve("kv");
    char *all = malloc(COUNT * sizeof one), *at = all, text[32];
    int fd = dial(server->port);

    (void)state;
    for (int i = 0; i < COUNT; i++)
        at = (char *)memcpy(at, one, sizeof one - 1) + sizeof one - 1;
    put(fd, all, (size_t)(at - all));
    for (int i = 1; i <= COUNT; i++) {
        snprintf(text, sizeof text, ":%d\r\n", i);
        expect(fd, text);
    }
    free(all);
    close(fd);
    stop(server, SIGTERM);
}

static void a_client_that_shuts_down_gets_its_answers(void **state)
{
    struct child *server = serve("kv");
    int fd = dial(server->port);
    const char *text;

    (void)state;
    tell(fd, "SET k v\r\n");
    for (int i = 0; i < 1000; i++)
        tell(fd, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    tell(fd, "*2\r\n$3\r\nGET\r\n$1\r\n");      /* and a half one */
    shutdown(fd, SHUT_WR);
    text = rest(fd);
    assert_int_equal(strlen(text), 5 + 1000 * 7);
    assert_memory_equal(text, "+OK\r\n$1\r\nv\r\n$1\r\nv\r\n", 19);
    stop(server, SIGTERM);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char bytes[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\nGET 'k'\r\n";
    struct child *server = serve("kv");
    int fd = dial(server->port), on = 1;

    (void)state;
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        put(fd, bytes + i, 1);
        poll(NULL, 0, 1);
    }
    expect(fd, "+OK\r\n$5\r\nhello\r\n");
    close(fd);
    stop(server, SIGTERM);
}

static void two_hundred_clients_count_together(void **state)
{
    enum { CLIENTS = 200, ROUNDS = 5 };
    struct child *server = serve("kv");
    int fds[CLIENTS];

    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = dial(server->port);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            tell(fds[i], "INCRBY n 3\r\nPING\r\n");
        for (int i = 0; i < CLIENTS; i++) {
            char c;

            do
                take(fds[i], &c, 1);
            while (c != '\n');
            expect(fds[i], "+PONG\r\n");
        }
    }
    ask(fds[0], "GET n", "$4\r\n3000\r\n");
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    stop(server, SIGTERM);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

#define BAD "-ERR Protocol error: "

static void malformed_requests_get_an_error_and_a_close(void **state)
{
    static const struct talk talks[] = {
        { "*99999999999999999999\r\n", BAD "invalid multibulk length\r\n" },
        { "*1048577\r\n", BAD "invalid multibulk length\r\n" },
        { "*1\r\n$-2\r\n", BAD "invalid bulk length\r\n" },
        { "*1\r\n$ 5\r\n", BAD "invalid bulk length\r\n" },
        { "*1\r\n$16777217\r\n", BAD "invalid bulk length\r\n" },
        { "*1\r\n+5\r\n", BAD "expected '$', got '+'\r\n" },
        { "*1\r\n$4\r\nPINGPING\r\n", BAD "expected CRLF after a bulk string\r\n" },
        { "PING\r\nGET \"x\r\nPING\r\n", "+PONG\r\n" BAD "unbalanced quotes in request\r\n" },
        { "QUIT\r\nPING\r\n", "+OK\r\n" },
        { "POST / HTTP/1.1\r\nHost: x\r\n\r\nFLUSHALL\r\n", "-ERR this is no HTTP server\r\n" },
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\nFLUSHALL\r\n", WRONG("get")
          "-ERR this is no HTTP server\r\n" } };
    static char behind[200000];
    struct child *server = serve("kv");
    int other = dial(server->port);

    (void)state;
    memset(behind, '\n', sizeof behind);
    ask(other, "SET k 1", "+OK\r\n");
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        int fd = dial(server->port);

        tell(fd, talks[i].line);
        put(fd, behind, sizeof behind);         /* what is left unread takes no reply back */
        for (size_t n = strlen(talks[i].reply), k = 0; k < n; k++) {
            char c;

            take(fd, &c, 1);
            if (c != talks[i].reply[k])
                fail_msg("%s: byte %zu is not of %s", talks[i].line, k, talks[i].reply);
        }
        shutdown(fd, SHUT_WR);
        assert_string_equal(rest(fd), "");
    }
    ask(other, "DBSIZE", ":1\r\n");
    close(other);
    stop(server, SIGTERM);
}

static void a_line_that_never_ends_is_refused(void **state)
{
    struct child *server = serve("kv");
    int fd = dial(server->port);
    char *line = malloc(70000);

    (void)state;
    memset(line, 'x', 70000);
    put(fd, line, 70000);
    assert_string_equal(rest(fd), BAD "too big inline request\r\n");
    free(line);
    stop(server, SIGTERM);
}

/* A request of SET k with a value of [size] bytes 'x'; free() it. */
static char *set_of(size_t size, size_t *bytes)
{
    char *text = malloc(size + 64);
    size_t head = (size_t)sprintf(text, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%zu\r\n", size);

    memset(text + head, 'x', size);
    memcpy(text + head + size, "\r\n", 2);
    *bytes = head + size + 2;
    return text;
}

static void a_large_value_goes_in_and_comes_out(void **state)
{
    size_t size = 16 << 20, bytes;
    char *text = set_of(size, &bytes), *back = malloc(size + 64);
    struct child *server = serve("kv");
    int fd = dial(server->port);

    (void)state;
    for (int i = 0; i < 2; i++) {
        put(fd, text, bytes);
        ask(fd, "PING", "+OK\r\n+PONG\r\n");
    }
    tell(fd, "GET k\r\nPING\r\n");
    take(fd, back, 11 + size + 2 + 7);
    assert_memory_equal(back, "$16777216\r\n", 11);
    assert_memory_equal(back + 11, text + bytes - size - 2, size);
    assert_memory_equal(back + 11 + size, "\r\n+PONG\r\n", 9);
    ask(fd, "SET k 1", "+OK\r\n");              /* and its memory is given back */
    assert_null(strstr(info(fd), "\r\nused_memory:16"));
    free(text);
    free(back);
    close(fd);
    stop(server, SIGTERM);
}

static void an_argument_and_a_reply_are_limited(void **state)
{
    enum { BULK = 100000, KEYS = 20 };
    struct child *server = serve("kv --max-bulk 100000");
    int fd = dial(server->port), other = dial(server->port);
    size_t bytes;
    char *text = set_of(BULK, &bytes), line[256] = "MGET";

    (void)state;
    put(fd, text, bytes);
    expect(fd, "+OK\r\n");
    for (int i = 0; i < KEYS; i++)
        strcat(line, " k");
    ask(fd, line, "-ERR the reply would be larger than 1448576 bytes: ask for fewer keys\r\n");
    ask(fd, "STRLEN k", "-ERR unknown command 'STRLEN', with args beginning with: 'k' \r\n");
    tell(other, "*2\r\n$3\r\nGET\r\n$100001\r\n");
    assert_string_equal(rest(other), BAD "invalid bulk length\r\n");
    other = dial(server->port);
    tell(other, "*16\r\n$4\r\nMSET\r\n");
    for (int i = 0; i < 15; i++) {              /* each is small enough, all are too large */
        if (i < 14)
            put(other, text + 20, bytes - 20);
        else
            tell(other, "$100000\r\n");
    }
    assert_string_equal(rest(other), BAD "too big request\r\n");
    ask(fd, "PING", "+PONG\r\n");
    free(text);
    close(fd);
    stop(server, SIGTERM);
}

static void many_arguments_are_taken(void **state)
{
    enum { COUNT = 50000 };
    struct child *server = serve("kv");
    int fd = dial(server->port);
    char *text = malloc(COUNT * 32), *at = text;

    (void)state;
    at += sprintf(at, "*%d\r\n$4\r\nMSET\r\n", COUNT * 2 + 1);
    for (int i = 0; i < COUNT; i++)
        at += sprintf(at, "$6\r\nk%05d\r\n$1\r\n%d\r\n", i, i % 10);
    put(fd, text, (size_t)(at - text));
    ask(fd, "DBSIZE", "+OK\r\n:50000\r\n");
    ask(fd, "MGET k00007 k49999 k50000", "*3\r\n$1\r\n7\r\n$1\r\n9\r\n$-1\r\n");
    free(text);
    close(fd);
    stop(server, SIGTERM);
}

#define NO_MEMORY "-OOM command not allowed when used memory > 'maxmemory'.\r\n"

static void without_memory_nothing_is_lost(void **state)
{
    struct child *server = serve("kv --max-memory 5000");
    int fd = dial(server->port);
    char x[3001] = "", line[5100];
    long used;

    (void)state;
    memset(x, 'x', 3000);
    ask(fd, "MSET a 1 b 2 n 9", "+OK\r\n");
    snprintf(line, sizeof line, "SET big %s", x);
    ask(fd, line, "+OK\r\n");
    snprintf(line, sizeof line, "SET more %s", x);
    ask(fd, line, NO_MEMORY);
    snprintf(line, sizeof line, "SET a %s GET", x);
    ask(fd, line, NO_MEMORY);
    used = atol(strstr(info(fd), "used_memory:") + strlen("used_memory:"));
    snprintf(line, sizeof line, "MSET a 5 b 6 more %s", x);
    ask(fd, line, NO_MEMORY);
    assert_int_equal(atol(strstr(info(fd), "used_memory:") + strlen("used_memory:")), used);
    ask(fd, "MGET a b n more", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n9\r\n$-1\r\n");
    for (int i = 0; i < 20; i++) {              /* until there is no room for a timer either */
        snprintf(line, sizeof line, "SET key:%d 1", i);
        tell_line(fd, line);
    }
    tell(fd, "EXPIRE a 1000\r\nEXPIRE b 1000\r\nEXPIRE n 1000\r\nSET n 8 EX 1000\r\n"
         "EXISTS a b n\r\nQUIT\r\n");
    check(rest(fd), "(\\+OK\r\n)+(-OOM [^\r]*\r\n)+(:1\r\n)*(-OOM [^\r]*\r\n){2,4}:3\r\n\\+OK\r\n");
    fd = dial(server->port);
    ask(fd, "INCR n", ":10\r\n");
    ask(fd, "DEL big", ":1\r\n");
    snprintf(line, sizeof line, "SET more %s", x);
    ask(fd, line, "+OK\r\n");
    close(fd);
    stop(server, SIGTERM);
}

/* Sends [text] as often as it goes, without reading: how often, or [most]. */
static int flood(int fd, const char *text, int most)
{
    size_t size = strlen(text), at = 0;
    int times = 0, flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (times < most) {
        ssize_t n = send(fd, text + at, size - at, MSG_NOSIGNAL);

        if (n < 0) {
            struct pollfd waits = { fd, POLLOUT, 0 };

            if (poll(&waits, 1, 300) == 0)
                break;                          /* nobody reads that any more */
            continue;
        }
        at = (at + (size_t)n) % size;
        times += at == 0;
    }
    fcntl(fd, F_SETFL, flags);
    return times;
}

static void a_client_that_does_not_read_waits_and_holds_nobody_up(void **state)
{
    enum { SIZE = 1 << 20 };
    struct child *server = serve("kv");
    int slow = dial(server->port), other = dial(server->port), times;
    char *text = malloc(2 * SIZE), line[2000 * 7 + 1] = "";
    long before;
    size_t bytes;

    (void)state;
    free(text);
    text = set_of(SIZE, &bytes);
    put(other, text, bytes);
    expect(other, "+OK\r\n");
    before = resident(server->pid);
    for (int i = 0; i < 2000; i++)              /* 2 GB of answers, each time */
        memcpy(line + 7 * i, "GET k\r\n", 8);
    times = flood(slow, line, 1000);
    assert_in_range(times, 0, 999);             /* back pressure: it does not read on */
    ask(other, "PING", "+PONG\r\n");
    if (before >= 0)
        assert_true(resident(server->pid) < before + (64 << 10));
    for (int i = 0; i < 20; i++) {              /* and goes on when the client reads */
        take(slow, text, 10 + SIZE + 2);
        assert_memory_equal(text, "$1048576\r\nxxx", 13);
    }
    free(text);
    close(slow);
    ask(other, "PING", "+PONG\r\n");
    close(other);
    stop(server, SIGTERM);
}

static void a_client_that_does_not_read_for_long_is_closed(void **state)
{
    struct child *server = serve("kv --patience 0.2");
    int slow = dial(server->port), other = dial(server->port);
    size_t bytes;
    char *text = set_of(8 << 20, &bytes);

    (void)state;
    put(other, text, bytes);
    expect(other, "+OK\r\n");
    tell(slow, "GET k\r\nGET k\r\nGET k\r\n");
    for (double until = now() + PATIENCE / 2;
         !strstr(info(other), "\r\nconnected_clients:1\r\n") && now() < until; )
        poll(NULL, 0, 10);
    assert_non_null(strstr(info(other), "\r\nconnected_clients:1\r\n"));
    free(text);
    close(slow);
    close(other);
    stop(server, SIGTERM);
}

/* ---- Clients, and the end -------------------------------------------------------------------- */

static bool has(const char *program)
{
    struct child *child = shell("command -v %s", program);

    end(child);
    return child->status == 0;
}

static void redis_cli_talks_to_it(void **state)
{
    struct child *server, *child;

    (void)state;
    if (!has("redis-cli") || !has("redis-benchmark")) {
        print_message("no redis-cli or redis-benchmark here: left out\n");
        skip();
    }
    server = serve("kv");
    child = shell("redis-cli -p %d <<'END'\nSET k 'a b' EX 100\nGET k\nTTL k\nINCR k\nMGET k x\n"
                  "SELECT 0\nSELECT 3\nDEL k\nCOMMAND COUNT\nEND\n", server->port);
    succeeds(child, "OK\na b\n(100|[7-9][0-9])\n"
             "ERR value is not an integer or out of range\n\na b\n\nOK\n"
             "ERR DB index is out of range\n\n1\n31\n");
    child = shell("redis-cli -p %d COMMAND | grep -c '^get$'", server->port);
    succeeds(child, "1\n");
    child = shell("redis-cli -3 -p %d PING 2>&1 | tail -n 1", server->port);
    succeeds(child, "PONG\n");
    child = shell("redis-benchmark -p %d -q -n 2000 -r 100 -P 16 -t ping_inline,ping_mbulk,set,get,"
                  "incr,mset 2>&1 | tr '\\r' '\\n' | grep -c 'requests per second, p50'",
                  server->port);
    succeeds(child, "6\n");
    stop(server, SIGTERM);
}

static void it_ends_in_order_with_clients_in_the_middle(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct child *server = serve("kv");
        int idle = dial(server->port), half = dial(server->port), slow = dial(server->port);
        size_t bytes;
        char *text = set_of(8 << 20, &bytes);

        put(idle, text, bytes);
        ask(idle, "SET later 1 EX 1000", "+OK\r\n+OK\r\n");
        tell(half, "*100\r\n$3\r\nDEL\r\n$100000\r\nxxx");
        tell(slow, "GET k\r\nGET k\r\nGET k\r\n");
        ask(idle, "PING", "+PONG\r\n");
        stop(server, signals[i]);
        assert_string_equal(rest(idle), "");
        free(text);
        close(half);
        close(slow);
    }
}

static void wrong_options_are_refused(void **state)
{
    static const char *const wrong[] = { "--max-bulk 0", "--max-bulk 536870913", "--max-bulk 1k",
        "--max-memory -1", "--patience 0", "--patience x", "--delay 1", "x", "--port 65536" };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        fails(start("kv %s", wrong[i]), 2, "kv: .*: see kv --help\n");
    succeeds(start("kv --help"), "usage: kv \\[--help\\] \\[--port N\\].*\n");
}

static void a_port_in_use_is_one_line(void **state)
{
    struct child *server = serve("kv");

    (void)state;
    fails(start("kv --port %d", server->port), 1, "kv: port [0-9]+: .*: try another --port\n");
    stop(server, SIGTERM);
}

static const struct CMUnitTest tests[] = {
    TEST(each_command_answers_as_redis_does),
    TEST(what_is_wrong_is_told_in_the_words_of_redis),
    TEST(keys_and_values_are_any_bytes),
    TEST(info_counts_what_happened),
    TEST(a_key_expires_by_itself),
    TEST(an_expired_key_is_not_seen_before_its_timer),
    TEST(thousands_of_keys_expire_each_once),
    TEST(ten_thousand_commands_in_one_write_are_answered),
    TEST(a_client_that_shuts_down_gets_its_answers),
    TEST(a_request_may_come_byte_by_byte),
    TEST(two_hundred_clients_count_together),
    TEST(malformed_requests_get_an_error_and_a_close),
    TEST(a_line_that_never_ends_is_refused),
    TEST(a_large_value_goes_in_and_comes_out),
    TEST(an_argument_and_a_reply_are_limited),
    TEST(many_arguments_are_taken),
    TEST(without_memory_nothing_is_lost),
    TEST(a_client_that_does_not_read_waits_and_holds_nobody_up),
    TEST(a_client_that_does_not_read_for_long_is_closed),
    TEST(redis_cli_talks_to_it),
    TEST(it_ends_in_order_with_clients_in_the_middle),
    TEST(wrong_options_are_refused),
    TEST(a_port_in_use_is_one_line),
};

TEST_MAIN(tests)
