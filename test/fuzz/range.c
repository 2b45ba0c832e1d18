/* SPDX-License-Identifier: BSD-2-Clause
 * range.c: fuzz target: the Range of a request, against a second reading in wider numbers; and the
 * dates of If-Range and If-Modified-Since. The first bytes are the size of the file. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "demos/http/file.h"

__extension__ typedef unsigned __int128 wide;
enum { NONE = -1 };

/* Digits at [*at], at most 2^100; NONE in [*there] if there is none. */
static wide wide_number(const char *text, size_t size, size_t *at, int *there)
{
    wide n = 0, most = (wide)1 << 100;

    *there = *at < size && text[*at] >= '0' && text[*at] <= '9' ? 1 : NONE;
    for (; *at < size && text[*at] >= '0' && text[*at] <= '9'; ++*at)
        n = n < most ? n * 10 + (unsigned)(text[*at] - '0') : most;
    return n;
}

/* RFC 9110 14.1.2 and 14.2, of one range. The status. */
static int second_reading(const char *text, size_t size, wide whole, wide *first, wide *length)
{
    size_t at = 6;
    int has_from, has_last;
    wide from, last;

    if (size < 6 || strncasecmp(text, "bytes=", 6) != 0)
        return 200;
    from = wide_number(text, size, &at, &has_from);
    if (at == size || text[at] != '-')
        return 200;
    at++;
    last = wide_number(text, size, &at, &has_last);
    if (at != size || (has_from < 0 && has_last < 0))
        return 200;
    if (has_from < 0) {
        if (last == 0)
            return 416;
        if (whole == 0)
            return 200;
        *length = last < whole ? last : whole;
        *first = whole - *length;
        return 206;
    }
    /* Beyond what an int64 holds, which is beyond any file, all numbers are one. */
    if (has_last > 0 && last < from && last < INT64_MAX)
        return 200;
    if (from >= whole)
        return 416;
    *first = from;
    *length = (has_last < 0 || last >= whole ? whole : last + 1) - from;
    return 206;
}

static void ranges(const char *text, size_t size, int64_t whole)
{
    int64_t first = -7, length = -7;
    wide want_first = 0, want_length = 0;
    int status = range_read(text, size, whole, &first, &length);

    CHECK(status == second_reading(text, size, (wide)whole, &want_first, &want_length));
    if (status != 206) {
        CHECK(first == -7 && length == -7);
        return;
    }
    CHECK(first >= 0 && length > 0 && first < whole && length <= whole - first);
    CHECK((wide)first == want_first && (wide)length == want_length);
}

static void dates(const char *text, size_t size)
{
    time_t date = date_read(text, size);
    char again[DATE_ROOM];

    if (date < 0)
        return;
    date_write(again, date);
    CHECK(date_read(again, strlen(again)) == date);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { data, size };
    unsigned bytes = fuzz_byte(&f) % 9;
    uint64_t whole = 0;
    char *text;

    for (unsigned i = 0; i < bytes; i++)
        whole = whole << 8 | fuzz_byte(&f);
    text = fuzz_copy(f.at, f.left);
    ranges(text, f.left, (int64_t)(whole & INT64_MAX));
    dates(text, f.left);
    free(text);
    return 0;
}
