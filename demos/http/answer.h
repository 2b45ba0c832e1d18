/* SPDX-License-Identifier: BSD-2-Clause
 * answer.h: makes the answer to a request, which is a status and fields in one piece with a
 * small body, or with the part of a file that is to follow. It opens files but sends nothing. */
#ifndef DEMOS_HTTP_ANSWER_H
#define DEMOS_HTTP_ANSWER_H

#include "parse.h"
#include "file.h"
#include "path.h"

#include <stdio.h>
#include <sys/stat.h>

enum { ANSWER_MAX = 4096 };     /* bytes of a head with a small body; a Location may be long */

struct answer {
    int status;
    const char *type;                   /* Content-Type */
    int file;                           /* the body is in this file, yours to close; or -1 */
    int64_t first, size;                /* of the body; in the file, it begins at [first] */
    int64_t whole;                      /* the size of the file */
    time_t changed;                     /* its date */
    char *path;                         /* its path below the root, in PATH_ROOM bytes of yours */
};

static inline const char *answer_reason(int status)
{
    static const struct { int status; const char *reason; } reasons[] = {
        { 200, "OK" }, { 206, "Partial Content" }, { 301, "Moved Permanently" },
        { 304, "Not Modified" }, { 400, "Bad Request" }, { 403, "Forbidden" },
        { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
        { 413, "Content Too Large" }, { 414, "URI Too Long" }, { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" }, { 431, "Request Header Fields Too Large" },
        { 501, "Not Implemented" }, { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Internal Server Error";
}

/* ---- What it is ------------------------------------------------------------------------------ */

/* The status for what http_parse(), path_read() or path_open() failed with. */
static inline int answer_error(intptr_t error)
{
    switch (error) {
    case -EBADMSG:                              return 400;
    case -ENOENT: case -ENOTDIR:                return 404;
    case -ENAMETOOLONG:                         return 414;
    case -EMSGSIZE:                             return 431;
    case -EPROTONOSUPPORT:                      return 505;
    case -EMFILE: case -ENFILE: case -ENOMEM: case -EAGAIN:
                                                return 503;
    default:                                    return 403;     /* EACCES, EXDEV, ELOOP, ENXIO */
    }
}

static inline bool answer_expects(const struct http_message *m)
{
    return m->minor > 0 && m->field[HTTP_EXPECT].at != 0;
}

/* A method that is none of these is not implemented; one that is, is not allowed. */
static inline int answer_method(const char *method, size_t size)
{
    static const char *const known[] = { "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE",
                                         "PATCH" };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == size && memcmp(known[i], method, size) == 0)
            return 405;
    return 501;
}

/* Why the request at [head], of which http_parse() said [size], is not served; 0: it is. A body of
 * at most [body_max] bytes is dropped. */
static inline int answer_refusal(const struct http_message *m, const char *head, intptr_t size,
                                 int64_t body_max)
{
    struct http_part expect = m->field[HTTP_EXPECT];

    if (size < 0)
        return size == -EMSGSIZE && m->lines == 0 ? 414 : answer_error(size);
    if (!m->is_get && !m->is_head)
        return answer_method(head + m->method.at, m->method.size);
    if (answer_expects(m) && (expect.size != strlen("100-continue")
                              || strncasecmp(head + expect.at, "100-continue", expect.size) != 0))
        return 417;
    return m->is_coded ? 501 : m->length > body_max ? 413 : 0;
}

/* Whether the connection ends with the answer: the client says so, or where its next request would
 * begin cannot be known. Who expects a 100 is told at once that its body is not wanted, and may
 * send it or not. */
static inline bool answer_is_last(const struct http_message *m, intptr_t size, int64_t body_max)
{
    return size < 0 || m->is_coded || m->length > body_max || (m->length > 0 && answer_expects(m))
        || m->close || (m->minor == 0 && !m->keep_alive);
}

/* Whether the client has the file as it is. There are no entity tags here. */
static inline bool answer_is_known(const struct http_message *m, const char *head, time_t changed)
{
    struct http_part since = m->field[HTTP_IF_MODIFIED_SINCE];

    return since.at && !m->field[HTTP_IF_NONE_MATCH].at
        && changed <= date_read(head + since.at, since.size);
}

/* Which part of the file is asked for. An If-Range that is not its date, or a date so new that it
 * may change again within the second, means all of it. */
static inline void answer_range(struct answer *a, const struct http_message *m, const char *head,
                                time_t now)
{
    struct http_part range = m->field[HTTP_RANGE], same = m->field[HTTP_IF_RANGE];

    if (!m->is_get || !range.at || (same.at && (a->changed + 1 >= now
        || date_read(head + same.at, same.size) != a->changed)))
        return;
    a->status = range_read(head + range.at, range.size, a->whole, &a->first, &a->size);
}

/* What is open as a->file is sent, if it is a regular file. */
static inline void answer_file(struct answer *a, const struct http_message *m, const char *head,
                               time_t now)
{
    struct stat st;

    if (fstat(a->file, &st) < 0 || !S_ISREG(st.st_mode)) {
        a->status = S_ISDIR(st.st_mode) ? 301 : 403;    /* its relative links need a "/" */
        return;
    }
    a->status = 200;
    a->whole = a->size = st.st_size;
    a->changed = st.st_mtime;
    a->type = file_type(a->path);
    if (answer_is_known(m, head, a->changed))
        a->status = 304;
    else
        answer_range(a, m, head, now);
}

/* What the request [m], whose bytes are at [head], asks for below the directory [root]. */
static inline void answer_find(struct answer *a, int root, const struct http_message *m,
                               const char *head, time_t now)
{
    int result = path_read(a->path, head + m->target.at, m->target.size);
    size_t n = result > 0 ? strlen(a->path) : 0;

    if (result > 0 && n + sizeof "/index.html" > PATH_ROOM)
        result = -ENAMETOOLONG;
    else if (result > 0)
        strcpy(a->path + n, n > 0 ? "/index.html" : "index.html");
    a->file = result < 0 ? result : path_open(root, a->path);
    if (a->file < 0)
        a->status = answer_error(a->file);
    else
        answer_file(a, m, head, now);
    if (a->file >= 0 && (m->is_head || (a->status != 200 && a->status != 206))) {
        close(a->file);
        a->file = -1;
    }
}

/* ---- How it is written ----------------------------------------------------------------------- */

static inline char *put_number(char *to, int64_t number)
{
    return to + sprintf(to, "%lld", (long long)number);
}

static inline char *put_range(char *to, const struct answer *a)
{
    to = stpcpy(to, "Content-Range: bytes ");
    if (a->status == 206) {
        to = put_number(to, a->first);
        *to++ = '-';
        to = put_number(to, a->first + a->size - 1);
    } else {
        *to++ = '*';
    }
    *to++ = '/';
    return stpcpy(put_number(to, a->whole), "\r\n");
}

/* What only some have. */
static inline char *put_fields(char *to, const struct answer *a)
{
    if (a->status == 405)
        to = stpcpy(to, "Allow: GET, HEAD\r\n");
    if (a->status == 301)
        to = stpcpy(path_write(stpcpy(to, "Location: "), a->path), "/\r\n");
    if (a->status == 206 || a->status == 416)
        to = put_range(to, a);
    if (a->changed != 0) {
        date_write(stpcpy(to, "Accept-Ranges: bytes\r\nLast-Modified: "), a->changed);
        to = stpcpy(to + strlen(to), "\r\n");
    }
    return to;
}

/* Writes the head, and the body if it is not in a file, into [to], of ANSWER_MAX bytes: bytes. What
 * is not 200, 206 or 304 has its status for a body. */
static inline size_t answer_write(char *to, struct answer *a, const char *date, bool is_head,
                                  bool close)
{
    const char *reason = answer_reason(a->status);
    bool is_text = a->status != 200 && a->status != 206;
    char *start = to;

    to += sprintf(to, "HTTP/1.1 %d %s\r\nDate: %s\r\n", a->status, reason, date);
    to = put_fields(to, a);
    if (a->status != 304) {
        to = stpcpy(stpcpy(to, "Content-Type: "), is_text ? "text/plain" : a->type);
        to = stpcpy(to, "\r\nContent-Length: ");
        to = put_number(to, is_text ? (int64_t)strlen(reason) + 5 : a->size);
        to = stpcpy(to, "\r\n");
    }
    to = stpcpy(to, close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    if (is_text && a->status != 304 && !is_head)
        to += sprintf(to, "%d %s\n", a->status, reason);
    return (size_t)(to - start);
}

#endif
