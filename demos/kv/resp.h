/* SPDX-License-Identifier: BSD-2-Clause
 * resp.h: requests of RESP2, the protocol of Redis, parsed in place as they come; no I/O.
 *
 *     resp_init(&resp, (struct resp_limits){ .bulk = 1 << 20, .request = 1 << 22, .args = 1024 });
 *     resp.args = args, resp.room = 16;
 *     while (resp_parse(&resp, bytes, size) == RESP_REQUEST) {
 *         // resp.count arguments: bytes + resp.args[i].at, of resp.args[i].size bytes
 *         bytes += resp.used, size -= resp.used;
 *     }
 *
 * A request is an array of bulk strings, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", or a line of words,
 * "GET k\r\n", whose quotes and escapes are those of redis-cli; in it bytes are changed. */
#ifndef DEMOS_RESP_H
#define DEMOS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESP_LINE_MAX = 64 << 10 };      /* bytes of a line, with its end */

enum resp_result {
    RESP_MORE,          /* it goes on: call again with the same bytes and more of them */
    RESP_REQUEST,       /* it is whole */
    RESP_ARGS,          /* args is full: make it larger, and call again with the same bytes */
    RESP_BAD            /* it is malformed: resp.error; no other request can be found behind it */
};

struct resp_arg { uint32_t at, size; };         /* where in the request; bytes */

struct resp_limits {
    uint32_t bulk;              /* bytes of an argument */
    uint32_t request;           /* bytes of a whole request */
    uint32_t args;              /* arguments of a request */
};

struct resp {
    struct resp_limits limits;  /* ro */
    struct resp_arg *args;      /* rw: yours */
    uint32_t room;              /* rw: how many there is room for */
    uint32_t count;             /* ro: how many there are; 0 in an empty request, to be ignored */
    size_t used;                /* ro: bytes of the request; before its end, those parsed so far */
    uint32_t left;              /* private: arguments to come */
    int64_t bulk;               /* private: size of the one in progress; -1: not yet known */
    size_t line;                /* private: size of a line that is being split; 0: none is */
    enum resp_result last;      /* private */
    char error[64];             /* ro: after RESP_BAD, what is wrong */
};

void resp_init(struct resp *resp, struct resp_limits limits);

/* Parses the request that begins at [bytes]; [size] bytes of it, and of those behind it, are there.
 * What was parsed is not looked at again, and the bytes may have moved between two calls. */
enum resp_result resp_parse(struct resp *resp, char *bytes, size_t size);

/* Reads a decimal integer as Redis does: no blanks, no plus, no needless zero, no overflow. */
bool resp_integer(const char *text, size_t size, int64_t *value);

#endif
