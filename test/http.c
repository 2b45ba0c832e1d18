/* SPDX-License-Identifier: BSD-2-Clause
 * http.c: demos/http: heads, paths, ranges and dates by themselves. The server: httpd.c. */
#define _GNU_SOURCE
#include "test.h"

#include "../demos/http/answer.h"

#include <sys/mman.h>

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"

/* ---- The parser ------------------------------------------------------------------------------ */

/* A copy of bytes that ends where memory does. */
struct fence { char *pages; size_t size; };

static struct fence fence_new(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct fence f = { NULL, HTTP_HEAD_MAX + page };

    f.size -= f.size % page;
    f.pages = mmap(NULL, f.size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0);
    assert_true(f.pages != MAP_FAILED);
    assert_int_equal(mprotect(f.pages + f.size, page, PROT_NONE), 0);
    return f;
}

static const char *fence_put(const struct fence *f, const char *bytes, size_t size)
{
    return memcpy(f->pages + f->size - size, bytes, size);
}

static void fence_free(struct fence *f)
{
    munmap(f->pages, f->size + (size_t)sysconf(_SC_PAGESIZE));
}

static intptr_t parse(const char *text)
{
    struct http_message m = { 0 };

    return http_parse(&m, text, strlen(text));
}

static bool part_is(const char *head, struct http_part part, const char *text)
{
    return part.size == strlen(text) && memcmp(head + part.at, text, part.size) == 0;
}

static void a_head_is_understood_wherever_it_is_cut(void **state)
{
    static const char head[] =
        "\r\nGET /a/b?c=d HTTP/1.1\r\nHost: example.org:80\r\nAccept:*/*\r\n"
        "Connection: TE, Keep-Alive\r\nRange:\t bytes=0-1 \r\nContent-Length: 12\r\n"
        "If-Modified-Since: x\r\nIf-Range:\r\nX-\xE4: no\r\n\r\n", *good = head;
    char text[sizeof head];
    struct fence f = fence_new();
    size_t size;

    (void)state;
    strcpy(text, good);
    memcpy(strstr(text, "X-"), "X-a", 3);               /* a name is ASCII, its value need not be */
    size = strlen(text);
    for (size_t cut = 0; cut < size; cut++) {
        struct http_message m = { 0 };

        for (size_t n = cut; n < size; n += cut + 1)    /* each time at another place in memory */
            assert_int_equal(http_parse(&m, fence_put(&f, text, n), n), 0);
        assert_int_equal(http_parse(&m, fence_put(&f, text, size), size), size);
        assert_true(m.is_get && !m.is_head && m.minor == 1 && m.has_length && m.length == 12);
        assert_true(m.keep_alive && !m.close && !m.is_coded);
        assert_true(part_is(text, m.method, "GET"));
        assert_true(part_is(text, m.target, "/a/b?c=d"));
        assert_true(part_is(text, m.field[HTTP_HOST], "example.org:80"));
        assert_true(part_is(text, m.field[HTTP_RANGE], "bytes=0-1"));
        assert_true(part_is(text, m.field[HTTP_IF_RANGE], "") && m.field[HTTP_IF_RANGE].at > 0);
        assert_int_equal(m.field[HTTP_EXPECT].at, 0);
    }
    fence_free(&f);
}

static void each_character_is_allowed_where_the_rfc_says(void **state)
{
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    (void)state;
    for (int c = 1; c < 256; c++) {
        bool is_letter = strchr(letters, c), token = is_letter || strchr("!#$%&'*+-.^_`|~", c);
        bool host = is_letter || strchr("-._~%!$&'()*+;=:[]", c);
        bool value = (c >= ' ' && c != 0x7F) || c == '\t';
        char text[64];

        if (c == '\n')
            continue;
        snprintf(text, sizeof text, GET "a%cb: c\r\n\r\n", c);  /* "a:b: c" is a field, too */
        assert_int_equal(parse(text), token || c == ':' ? (intptr_t)strlen(text) : -EBADMSG);
        snprintf(text, sizeof text, GET "a: b%cc\r\n\r\n", c);
        assert_int_equal(parse(text), value ? (intptr_t)strlen(text) : -EBADMSG);
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a%cb\r\n\r\n", c);
        assert_int_equal(parse(text), host ? (intptr_t)strlen(text) : -EBADMSG);
        snprintf(text, sizeof text, "GET /%cb HTTP/1.1\r\nHost: a\r\n\r\n", c);
        assert_int_equal(parse(text), c > ' ' && c < 0x7F ? (intptr_t)strlen(text) : -EBADMSG);
    }
}

static void an_answer_is_parsed_by_the_same_rules(void **state)
{
    static const struct { const char *text; int status; } answers[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200 },
        { "HTTP/1.0 404\r\n\r\n", 404 }, { "HTTP/1.1 503 \n\n", 503 },
        { "HTTP/1.1 99 No\r\n\r\n", -EBADMSG }, { "HTTP/1.1 600 No\r\n\r\n", -EBADMSG },
        { "HTTP/1.1 2000 No\r\n\r\n", -EBADMSG }, { "HTTP/1.1  200 No\r\n\r\n", -EBADMSG },
        { "HTTP/1.1\r\n\r\n", -EBADMSG }, { "\r\nHTTP/1.1 200 OK\r\n\r\n", -EBADMSG },
        { "HTTP/1.1 200 O\rK\r\n\r\n", -EBADMSG }, { "HTTP/3.0 200 OK\r\n\r\n", -EPROTONOSUPPORT },
        { "HTTP/1.1 200 OK\r\n folded\r\n\r\n", -EBADMSG },
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct http_message m = { .is_answer = true };
        intptr_t n = http_parse(&m, answers[i].text, strlen(answers[i].text));

        assert_int_equal(n > 0 ? m.status : n, answers[i].status);
    }
}

static void a_head_may_be_as_long_as_the_limit(void **state)
{
    static char text[HTTP_HEAD_MAX + 2];
    struct http_message m = { 0 };

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, GET "a:", strlen(GET "a:"));
    memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(http_parse(&m, text, HTTP_HEAD_MAX - 1), 0);
    assert_int_equal(http_parse(&m, text, HTTP_HEAD_MAX), HTTP_HEAD_MAX);
    memcpy(text + HTTP_HEAD_MAX - 4, "a\r\n\r\n", 5);
    memset(&m, 0, sizeof m);
    assert_int_equal(http_parse(&m, text, HTTP_HEAD_MAX), -EMSGSIZE);
    memset(&m, 0, sizeof m);
    assert_int_equal(http_parse(&m, text, HTTP_HEAD_MAX + 1), -EMSGSIZE);
}

/* Heads with bytes changed, left out and put in: whatever it says, it says in one go and byte by
 * byte alike, and what it gives lies inside. */
static void whatever_the_bytes_the_answer_is_the_same_in_pieces(void **state)
{
    static const char *const seeds[] = {
        GET "Content-Length: 1\r\n\r\n", "HEAD http://a/b HTTP/1.0\nConnection: close\n\n",
        GET "Transfer-Encoding: chunked\r\nRange: bytes=1-\r\n\r\n",
    };
    static const char bytes[] = "\r\n\0 \t:/%a0H\x80\x7F";
    int rounds = sized(20000, 500), good = 0;
    struct fence f = fence_new();

    (void)state;
    srand(1);
    for (int i = 0; i < rounds; i++) {
        struct http_message whole = { 0 }, parts = { 0 };
        char text[256] = "";
        size_t size = strlen(strcpy(text, seeds[i % 3])), n = 0, at;
        intptr_t result, last = 0;

        for (int k = rand() % 4; k > 0; k--) {
            at = (size_t)rand() % size;
            if (rand() % 2)
                memmove(text + at + 1, text + at, size++ - at);
            text[at] = bytes[(size_t)rand() % sizeof bytes];
        }
        result = http_parse(&whole, fence_put(&f, text, size), size);
        while (last == 0 && n++ < size)
            last = http_parse(&parts, fence_put(&f, text, n), n);
        assert_int_equal(result, last);
        good += result > 0;
        assert_true(result <= (intptr_t)size);
        assert_true(whole.target.at + whole.target.size <= size);
        for (int k = 0; k < HTTP_FIELDS; k++)
            assert_true(whole.field[k].at + whole.field[k].size <= size);
    }
    assert_in_range(good, rounds / 10, rounds);
    fence_free(&f);
}

/* ---- Paths, ranges, dates -------------------------------------------------------------------- */

static void a_target_names_a_path_below_the_root_or_nothing(void **state)
{
    static const struct { const char *target, *path; int result; } targets[] = {
        { "/", "", 1 }, { "//", "", 1 }, { "/?a=/../b", "", 1 }, { "/.", "", 1 }, { "/./", "", 1 },
        { "/a", "a", 0 }, { "/a/", "a", 1 }, { "/a/.", "a", 1 }, { "/a//b/./c", "a/b/c", 0 },
        { "//etc/passwd", "etc/passwd", 0 }, { "/a.b", "a.b", 0 }, { "/..a", "..a", 0 },
        { "/...", "...", 0 }, { "/a%20b%2fc", "a b/c", 0 }, { "/%41%7e%e4", "A~\xE4", 0 },
        { "/%23", "#", 0 }, { "/a%3Fb", "a?b", 0 }, { "http://host/a", "a", 0 },
        { "HTTP://host", "", 1 }, { "http://host?a", "", 1 }, { "http://h:80/../a", NULL, -EACCES },
        { "/..", NULL, -EACCES }, { "/../a", NULL, -EACCES }, { "/a/../b", NULL, -EACCES },
        { "/a/..", NULL, -EACCES }, { "/%2e%2e/a", NULL, -EACCES }, { "/.%2E%2Fa", NULL, -EACCES },
        { "/a\\..\\b", NULL, -EACCES }, { "/a%5cb", NULL, -EACCES },
        { "/%00", NULL, -EBADMSG }, { "/a%0d%0ab", NULL, -EBADMSG }, { "/%7f", NULL, -EBADMSG },
        { "/%", NULL, -EBADMSG }, { "/%2", NULL, -EBADMSG }, { "/%g0", NULL, -EBADMSG },
        { "/%2?", NULL, -EBADMSG }, { "/a#b", NULL, -EBADMSG }, { "*", NULL, -EBADMSG },
        { "a", NULL, -EBADMSG }, { "http://", NULL, -EBADMSG }, { "http:///a", NULL, -EBADMSG },
        { "host:80", NULL, -EBADMSG }, { "ftp://host/a", NULL, -EBADMSG },
    };
    char path[PATH_ROOM], long_one[PATH_ROOM + 2];

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        int result = path_read(path, targets[i].target, strlen(targets[i].target));

        if (result != targets[i].result || (result >= 0 && strcmp(path, targets[i].path) != 0))
            fail_msg("%s gave %d", targets[i].target, result);
    }
    memset(long_one, '/', sizeof long_one);
    assert_int_equal(path_read(path, long_one, PATH_ROOM), -ENAMETOOLONG);
    assert_int_equal(path_read(path, long_one, PATH_ROOM - 1), 1);
}

static void a_range_is_a_part_of_the_file_or_none(void **state)
{
    static const struct { const char *text; int64_t whole; int result; int64_t first, size; }
    ranges[] = {
        { "bytes=0-0", 10, 206, 0, 1 }, { "bytes=0-9", 10, 206, 0, 10 },
        { "bytes=0-10", 10, 206, 0, 10 }, { "bytes=9-", 10, 206, 9, 1 },
        { "bytes=3-5", 10, 206, 3, 3 }, { "bytes=-1", 10, 206, 9, 1 },
        { "bytes=-10", 10, 206, 0, 10 }, { "bytes=-99", 10, 206, 0, 10 },
        { "Bytes=0-", 10, 206, 0, 10 }, { "bytes=1-99999999999999999999999", 10, 206, 1, 9 },
        { "bytes=-99999999999999999999999", 10, 206, 0, 10 },
        { "bytes=10-", 10, 416, 0, 0 }, { "bytes=99999999999999999999999-", 10, 416, 0, 0 },
        { "bytes=-0", 10, 416, 0, 0 }, { "bytes=0-", 0, 416, 0, 0 }, { "bytes=-5", 0, 200, 0, 0 },
        { "bytes=5-3", 10, 200, 0, 0 }, { "bytes=-", 10, 200, 0, 0 }, { "bytes=", 10, 200, 0, 0 },
        { "bytes=a-b", 10, 200, 0, 0 }, { "bytes=1-2,4-5", 10, 200, 0, 0 },
        { "bytes=1", 10, 200, 0, 0 }, { "bytes= 1-2", 10, 200, 0, 0 },
        { "items=1-2", 10, 200, 0, 0 },
        { "bytes=1-2 ", 10, 200, 0, 0 }, { "bytes=--2", 10, 200, 0, 0 }, { "", 10, 200, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        int64_t first = 0, size = 0;
        int result = range_read(ranges[i].text, strlen(ranges[i].text), ranges[i].whole, &first,
                                &size);

        if (result != ranges[i].result || first != ranges[i].first || size != ranges[i].size)
            fail_msg("%s gave %d, %d, %d", ranges[i].text, result, (int)first, (int)size);
    }
}

static void a_date_is_read_in_all_three_forms(void **state)
{
    static const char *const dates[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };
    static const char *const none[] = { "", "yesterday", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT and more, much more than a date" };
    char text[DATE_ROOM];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(date_read(dates[i], strlen(dates[i])), 784111777);
    for (int i = 0; i < 4; i++)
        assert_int_equal(date_read(none[i], strlen(none[i])), -1);
    date_write(text, 784111777);
    assert_string_equal(text, dates[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_head_is_understood_wherever_it_is_cut),
    cmocka_unit_test(each_character_is_allowed_where_the_rfc_says),
    cmocka_unit_test(an_answer_is_parsed_by_the_same_rules),
    cmocka_unit_test(a_head_may_be_as_long_as_the_limit),
    cmocka_unit_test(whatever_the_bytes_the_answer_is_the_same_in_pieces),
    cmocka_unit_test(a_target_names_a_path_below_the_root_or_nothing),
    cmocka_unit_test(a_range_is_a_part_of_the_file_or_none),
    cmocka_unit_test(a_date_is_read_in_all_three_forms),
};

TEST_MAIN(tests)
