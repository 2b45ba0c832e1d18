/* SPDX-License-Identifier: BSD-2-Clause
 * parse.h: the heads of HTTP/1.x messages, parsed strictly and in place. Plain C, no I/O.
 *
 *     struct http_message m = { 0 };
 *     n = http_parse(&m, buf, size);       // 0: receive more behind it, and call again
 *
 * Lines may end in "\r\n" or "\n", all of a head in the same. Everything else that RFC 9112 does
 * not allow is refused, above all what two servers could read in two ways: a second Content-Length,
 * one beside a Transfer-Encoding, a folded line, a blank before the colon, a CR or a NUL inside a
 * line. */
#ifndef DEMOS_HTTP_PARSE_H
#define DEMOS_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 8192 };          /* bytes of a head; a good size for a buffer */

/* The fields whose values are kept. */
enum http_field {
    HTTP_HOST, HTTP_CONNECTION, HTTP_CONTENT_LENGTH, HTTP_TRANSFER_ENCODING, HTTP_EXPECT,
    HTTP_RANGE, HTTP_IF_RANGE, HTTP_IF_MODIFIED_SINCE, HTTP_IF_NONE_MATCH, HTTP_FIELDS
};

struct http_part { uint32_t at, size; };        /* a piece of the head: where it begins in it */

struct http_message {                   /* all zero: the head of a request, not begun */
    bool is_answer;                     /* rw: set it to parse an answer */
    bool is_get, is_head;               /* ro: the method of a request */
    bool has_length;                    /* ro: there was a Content-Length */
    bool is_coded;                      /* ro: there was a Transfer-Encoding */
    bool close, keep_alive;             /* ro: what Connection says; no list of both */
    uint8_t lines;                      /* ro: 0: not even its first one was complete */
    uint8_t line_end;                   /* private: bytes that end each line */
    int minor;                          /* ro: 0 in HTTP/1.0, else 1 */
    int status;                         /* ro: of an answer */
    int64_t length;                     /* ro: Content-Length */
    size_t size;                        /* ro: bytes of all lines so far */
    struct http_part method, target;    /* ro: of a request */
    struct http_part field[HTTP_FIELDS];        /* ro: [at] 0: there was none; the last of many */
};

/* Parses the head that begins at [text], of which [size] bytes are there. When there are more, the
 * next call goes on where this one stopped; the bytes may have moved, but not changed.
 * The size of the head; 0: it needs more; -EBADMSG: malformed; -EPROTONOSUPPORT: a version other
 * than HTTP/1.x; -EMSGSIZE: longer than HTTP_HEAD_MAX. */
intptr_t http_parse(struct http_message *message, const char *text, size_t size);

/* Parses one line, of [size] bytes without its end and [bytes] with it.
 * 1: more lines follow; 0: it was the empty one that ends the head; negative as above. */
int http_parse_line(struct http_message *message, const char *line, size_t size, size_t bytes);

#endif
