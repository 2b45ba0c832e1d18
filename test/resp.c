/* SPDX-License-Identifier: BSD-2-Clause
 * resp.c: the parser of RESP2 requests, whole and cut at each byte. */
#include "test.h"

#include "demos/kv/resp.h"

/* ---- What a parser makes of some bytes ------------------------------------------------------- */

enum { TEXT = 4096 };
static const struct resp_limits limits = { .bulk = 1000, .request = 2000, .args = 8 };

struct run {
    struct resp resp;
    char *bytes;                        /* malloc'd for just those: an overrun is seen */
    size_t size, start;                 /* the request begins at start */
    char text[TEXT];                    /* "[GET|k][]", with "!what is wrong" in the end */
    bool is_bad;
};

static void run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    resp_init(&run->resp, limits);
}

/* As text: what is not printable is \xHH. */
static void run_write(struct run *run, const char *bytes, size_t size)
{
    size_t n = strlen(run->text);

    for (size_t i = 0; i < size && n < TEXT - 5; i++)
        n += (size_t)snprintf(run->text + n, TEXT - n,
                              bytes[i] >= ' ' && bytes[i] <= '~' ? "%c" : "\\x%02x",
                              (unsigned char)bytes[i]);
}

static void run_parse(struct run *run)
{
    struct resp *r = &run->resp;

    while (!run->is_bad)
        switch (resp_parse(r, run->bytes + run->start, run->size - run->start)) {
        case RESP_MORE:
            assert_true(r->used <= run->size - run->start);
            return;
        case RESP_ARGS:                         /* one more at a time: it goes on at each */
            assert_int_equal(r->count, r->room);
            r->args = realloc(r->args, ++r->room * sizeof *r->args);
            assert_non_null(r->args);
            break;
        case RESP_BAD:
            run_write(run, "!", 1);
            run_write(run, r->error, strlen(r->error));
            run->is_bad = true;
            break;
        case RESP_REQUEST:
            assert_in_range(r->used, 1, run->size - run->start);
            for (uint32_t i = 0; i < r->count; i++) {
                assert_true(r->args[i].at + r->args[i].size <= r->used);
                run_write(run, i == 0 ? "[" : "|", 1);
                run_write(run, run->bytes + run->start + r->args[i].at, r->args[i].size);
            }
            run_write(run, r->count ? "]" : "[]", r->count ? 1 : 2);
            run->start += r->used;
        }
}

/* [size] bytes more; what was done goes away, as in a server. */
static void run_feed(struct run *run, const char *more, size_t size)
{
    size_t left = run->size - run->start;
    char *bytes = malloc(left + size + 1);

    assert_non_null(bytes);
    bytes++;                                    /* never aligned */
    if (left > 0)
        memcpy(bytes, run->bytes + run->start, left);
    memcpy(bytes + left, more, size);
    if (run->bytes)
        free(run->bytes - 1);
    run->bytes = bytes;
    run->size = left + size;
    run->start = 0;
    run_parse(run);
}

static void run_end(struct run *run)
{
    free(run->bytes ? run->bytes - 1 : NULL);
    free(run->resp.args);
}

/* What comes of [bytes] in pieces: cut at [a] and [b]; each byte alone if a is 0. */
static const char *parsed(const char *bytes, size_t size, size_t a, size_t b)
{
    static char text[TEXT];
    struct run run;

    run_begin(&run);
    if (a == 0) {
        for (size_t i = 0; i < size; i++)
            run_feed(&run, bytes + i, 1);
    } else {
        run_feed(&run, bytes, a);
        run_feed(&run, bytes + a, b - a);
        run_feed(&run, bytes + b, size - b);
    }
    strcpy(text, run.text);
    run_end(&run);
    return text;
}

static void gives(const char *bytes, size_t size, const char *text)
{
    size_t step = size > 200 ? size / 50 : 1;

    assert_string_equal(parsed(bytes, size, size, size), text);
    assert_string_equal(parsed(bytes, size, 0, 0), text);
    for (size_t a = 1; a < size; a += step)
        for (size_t b = a; b < size; b += step)
            if (strcmp(parsed(bytes, size, a, b), text))
                fail_msg("cut at %zu and %zu: %s, not %s", a, b, parsed(bytes, size, a, b), text);
}

/* Of a literal, which may hold a NUL. */
#define GIVES(literal, text) gives(literal, sizeof literal - 1, text)

/* ---- Requests -------------------------------------------------------------------------------- */

static void an_array_of_bulk_strings_is_a_request(void **state)
{
    (void)state;
    GIVES("*1\r\n$4\r\nPING\r\n", "[PING]");
    GIVES("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "[GET|k]");
    GIVES("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$2\r\n\r\n\r\n", "[SET||\\x0d\\x0a]");
    GIVES("*2\r\n$4\r\nECHO\r\n$3\r\n\0\xff*\r\n", "[ECHO|\\x00\\xff*]");
    GIVES("*2\r\n$1\r\na\r\n$11\r\n$3\r\nGET\r\n*1\r\n", "[a|$3\\x0d\\x0aGET\\x0d\\x0a*1]");
    GIVES("*8\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$1\r\n7\r\n"
          "$1\r\n8\r\n", "[1|2|3|4|5|6|7|8]");
}

static void requests_follow_one_another(void **state)
{
    (void)state;
    GIVES("*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$1\r\nx\r\n", "[PING][PING][x]");
    GIVES("*0\r\n\r\n*-1\r\nPING\n*-9223372036854775808\r\n", "[][][][PING][]");
}

static void a_line_is_split_into_words(void **state)
{
    (void)state;
    GIVES("PING\r\n", "[PING]");
    GIVES("PING\n", "[PING]");
    GIVES("  GET\t k \v\f \r\n", "[GET|k]");
    GIVES(" \r\n\n", "[][]");
    GIVES("a\0b \xff\r\n", "[a\\x00b|\\xff]");
    GIVES("SET k \"a b\" ''\r\n", "[SET|k|a b|]");
    GIVES("\"*1\" x\r\n\"$\"\n", "[*1|x][$]");
    GIVES("\"\\n\\r\\t\\b\\a\\\"\\\\\\q\\x41\\xfF\\xg1\\x4\"\r\n",
          "[\\x0a\\x0d\\x09\\x08\\x07\"\\qA\\xffxg1x4]");
    GIVES("'a\\'b\\n' c\\d\r\n", "[a'b\\n|c\\d]");
    GIVES("a\"b c\" $3 -5\r\n", "[ab c|$3|-5]");
}

static void what_is_not_whole_waits(void **state)
{
    (void)state;
    GIVES("", "");
    GIVES("*", "");
    GIVES("*2\r\n$3\r\nGET\r\n", "");
    GIVES("*1\r\n$4\r\nPING\r", "");
    GIVES("*1\r\n$4\r\nPIN", "");
    GIVES("*1\r\n$", "");
    GIVES("PING", "");
    GIVES("PING\r\nGET \"k", "[PING]");
}

/* ---- What is refused ------------------------------------------------------------------------- */

#define BAD "!Protocol error: "

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    GIVES("*1\r\n+5\r\n", BAD "expected '$', got '+'");
    GIVES("*1\r\n*1\r\n", BAD "expected '$', got '*'");
    GIVES("*1\r\n\r\n", BAD "expected '$', got '?'");
    GIVES("*1\r\n$4\r\nPINGxx", BAD "expected CRLF after a bulk string");
    GIVES("*1\r\n$4\r\nPING\rx", BAD "expected CRLF after a bulk string");
    GIVES("*1\r\n$4\r\nPING\n\n", BAD "expected CRLF after a bulk string");
    GIVES("*1\r\n$3\r\nPING\r\n", BAD "expected CRLF after a bulk string");
    GIVES("*1\r\n$5\r\nPING\r\n\r\n", BAD "expected CRLF after a bulk string");
    GIVES("GET \"k\r\n", BAD "unbalanced quotes in request");
    GIVES("GET 'k\r\n'\r\n", BAD "unbalanced quotes in request");
    GIVES("GET \"k\"x\r\n", BAD "unbalanced quotes in request");
    GIVES("GET \"\\\r\n", BAD "unbalanced quotes in request");
    GIVES("PING\r\n*x\r\nPING\r\n", "[PING]" BAD "invalid multibulk length");
}

static void only_strict_lengths_are_taken(void **state)
{
    static const char *const wrong[] = { "", " 5", "5 ", "+5", "05", "-0", "--1", "-", "0x5", "1e1",
        "5.", "99999999999999999999", "9223372036854775808", "-9223372036854775809",
        "18446744073709551617", "184467440737095516170000", "4294967297", "5\n", "\t5" };
    char bytes[64];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(bytes, sizeof bytes, "*%s\r\n$4\r\nPING\r\n", wrong[i]);
        gives(bytes, strlen(bytes), BAD "invalid multibulk length");
        snprintf(bytes, sizeof bytes, "*1\r\n$%s\r\nPING\r\n", wrong[i]);
        gives(bytes, strlen(bytes), BAD "invalid bulk length");
    }
    GIVES("*1\r\n$-1\r\n", BAD "invalid bulk length");
    GIVES("*1\r\n$-2\r\n", BAD "invalid bulk length");
    GIVES("*1\r\n$4\rxPING\r\n", BAD "invalid bulk length");
    GIVES("*1\rx", BAD "invalid multibulk length");
    GIVES("*111111111111111111111", BAD "invalid multibulk length");
}

static void what_is_beyond_a_limit_is_refused(void **state)
{
    char bytes[3000], expected[3000];

    (void)state;
    GIVES("*9\r\n", BAD "invalid multibulk length");
    GIVES("1 2 3 4 5 6 7 8\r\n", "[1|2|3|4|5|6|7|8]");
    GIVES("1 2 3 4 5 6 7 8 9\r\n", BAD "too many words");
    GIVES("*1\r\n$1001\r\n", BAD "invalid bulk length");
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "*1\r\n$1000\r\n", 11);
    memcpy(bytes + 1011, "\r\n", 2);
    snprintf(expected, sizeof expected, "[%.*s]", 1000, bytes + 11);
    gives(bytes, 1013, expected);
    memcpy(bytes, "*2\r\n$1000\r\n", 11);
    memcpy(bytes + 1013, "$980\r\n", 6);
    gives(bytes, 1019, BAD "too big request");          /* 1,019 + 980 + 2 are too many */
    memcpy(bytes + 1013, "$979\r\n", 6);
    gives(bytes, 1019, "");
}

static void a_line_is_bounded(void **state)
{
    enum { SIZE = RESP_LINE_MAX };
    char *bytes = malloc(SIZE + 1);
    struct run run;

    (void)state;
    memset(bytes, ' ', SIZE + 1);
    for (int extra = 0; extra < 2; extra++)
        for (size_t cut = SIZE - 2; cut <= SIZE; cut++) {
            bytes[SIZE - 1] = ' ';
            bytes[SIZE - 1 + extra] = '\n';
            run_begin(&run);
            run_feed(&run, bytes, cut);
            run_feed(&run, bytes + cut, SIZE + (size_t)extra - cut);
            assert_string_equal(run.text, extra ? BAD "too big inline request" : "[]");
            run_end(&run);
        }
    free(bytes);
}

static void after_a_bad_request_there_is_no_other(void **state)
{
    char bytes[] = "*x\r\nPING\r\n";
    struct resp resp;

    (void)state;
    resp_init(&resp, limits);
    assert_int_equal(resp_parse(&resp, bytes, sizeof bytes - 1), RESP_BAD);
    assert_int_equal(resp_parse(&resp, bytes + 4, sizeof bytes - 5), RESP_BAD);
    assert_string_equal(resp.error, "Protocol error: invalid multibulk length");
}

static void random_bytes_are_the_same_however_they_are_cut(void **state)
{
    static const char *const pieces[] = { "*", "$", "\r\n", "1", "2", "3", "0", "-", " ", "\"", "'",
        "\\", "x4", "a", "\n", "\r", "*1\r\n", "*2\r\n", "$1\r\na\r\n", "$3\r\n", "GET\r\n", "+" };
    uint64_t seed = 42;
    int rounds = sized(20000, 500), whole = 0, bad = 0;

    (void)state;
    for (int round = 0; round < rounds; round++) {
        char bytes[128] = "", first[TEXT];

        for (int n = 1 + round % 14; n > 0; n--) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            strcat(bytes, pieces[(seed >> 33) % (sizeof pieces / sizeof *pieces)]);
        }
        size_t size = strlen(bytes), a = 1 + (size_t)(seed >> 40) % size;
        strcpy(first, parsed(bytes, size, size, size));
        assert_string_equal(parsed(bytes, size, 0, 0), first);
        assert_string_equal(parsed(bytes, size, a, a + (size - a) / 2), first);
        whole += first[0] == '[';
        bad += strchr(first, '!') != NULL;
    }
    assert_in_range(whole, rounds / 10, rounds);
    assert_in_range(bad, rounds / 10, rounds);
}

/* ---- Integers -------------------------------------------------------------------------------- */

static void integers_are_read_strictly(void **state)
{
    static const struct { const char *text; int64_t value; } good[] = {
        { "0", 0 }, { "-1", -1 }, { "10", 10 }, { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN }, { "-9223372036854775807", INT64_MIN + 1 } };
    static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "01", "-0", "-01", "1a", "0x1",
        "9223372036854775808", "-9223372036854775809", "10000000000000000000",
        "99999999999999999999", "-99999999999999999999", "1e3", "1.0", "00" };
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(resp_integer(good[i].text, strlen(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = 7;
        assert_false(resp_integer(bad[i], strlen(bad[i]), &value));
        assert_true(value == 7);
    }
    assert_false(resp_integer("1\0", 2, &value));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_array_of_bulk_strings_is_a_request),
    cmocka_unit_test(requests_follow_one_another),
    cmocka_unit_test(a_line_is_split_into_words),
    cmocka_unit_test(what_is_not_whole_waits),
    cmocka_unit_test(what_is_malformed_is_refused),
    cmocka_unit_test(only_strict_lengths_are_taken),
    cmocka_unit_test(what_is_beyond_a_limit_is_refused),
    cmocka_unit_test(a_line_is_bounded),
    cmocka_unit_test(after_a_bad_request_there_is_no_other),
    cmocka_unit_test(random_bytes_are_the_same_however_they_are_cut),
    cmocka_unit_test(integers_are_read_strictly),
};

TEST_MAIN(tests)
