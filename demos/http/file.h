/* SPDX-License-Identifier: BSD-2-Clause
 * file.h: what an answer says of a file: its type, its date, and which part of it is sent. */
#ifndef DEMOS_HTTP_FILE_H
#define DEMOS_HTTP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- Types ----------------------------------------------------------------------------------- */

static inline const char *file_type(const char *path)
{
    static const char *const types[][2] = {
        { ".html", "text/html; charset=utf-8" }, { ".htm", "text/html; charset=utf-8" },
        { ".txt", "text/plain; charset=utf-8" }, { ".md", "text/markdown; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
        { ".json", "application/json" }, { ".xml", "application/xml" }, { ".svg", "image/svg+xml" },
        { ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".jpeg", "image/jpeg" },
        { ".gif", "image/gif" }, { ".webp", "image/webp" }, { ".ico", "image/x-icon" },
        { ".woff2", "font/woff2" }, { ".pdf", "application/pdf" }, { ".wasm", "application/wasm" },
        { ".mp3", "audio/mpeg" }, { ".mp4", "video/mp4" },
    };
    const char *suffix = strrchr(path, '.');

    for (size_t i = 0; suffix && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(suffix, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* ---- Dates ----------------------------------------------------------------------------------- */

enum { DATE_ROOM = 32 };

/* Sun, 06 Nov 1994 08:49:37 GMT */
static inline void date_write(char *to, time_t t)
{
    struct tm tm;

    if (!gmtime_r(&t, &tm) || strftime(to, DATE_ROOM, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        strcpy(to, "Thu, 01 Jan 1970 00:00:00 GMT");
}

/* Any of the three forms of RFC 9110 5.6.7. -1: it is none. */
static inline time_t date_read(const char *text, size_t size)
{
    static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                         "%a %b %e %H:%M:%S %Y" };
    char date[DATE_ROOM + 8];

    if (size >= sizeof date)
        return -1;
    memcpy(date, text, size);
    date[size] = '\0';
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = { 0 };
        const char *end = strptime(date, forms[i], &tm);

        if (end && *end == '\0')
            return timegm(&tm);
    }
    return -1;
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

/* Digits at *text: how many they say, at most INT64_MAX; -1: there is none. */
static inline int64_t range_number(const char **text, const char *end)
{
    int64_t n = 0;

    if (*text == end || **text < '0' || **text > '9')
        return -1;
    for (; *text < end && **text >= '0' && **text <= '9'; ++*text)
        n = n <= (INT64_MAX - (**text - '0')) / 10 ? n * 10 + (**text - '0') : INT64_MAX;
    return n;
}

/* Reads "bytes=FIRST-LAST", "bytes=FIRST-" or "bytes=-COUNT", of a file of [whole] bytes.
 * 206: that is *first and *size; 416: it has none of them; 200: not one range, so it is ignored. */
static inline int range_read(const char *text, size_t length, int64_t whole,
                             int64_t *first, int64_t *size)
{
    static const char unit[] = "bytes=";
    const char *end = text + length;
    int64_t from, last;

    if (length < sizeof unit - 1 || strncasecmp(text, unit, sizeof unit - 1) != 0)
        return 200;
    text += sizeof unit - 1;
    from = range_number(&text, end);
    if (text == end || *text++ != '-')
        return 200;
    last = range_number(&text, end);
    if (text != end || (from < 0 && last < 0) || (last >= 0 && last < from))
        return 200;
    if (from < 0 && last > 0 && whole == 0)             /* all of it, but there are no numbers */
        return 200;
    if (from < 0 ? last == 0 : from >= whole)
        return 416;
    *size = from < 0 ? (last < whole ? last : whole)
        : (last < 0 || last >= whole ? whole : last + 1) - from;
    *first = from < 0 ? whole - *size : from;
    return 206;
}

#endif
