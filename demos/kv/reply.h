/* SPDX-License-Identifier: BSD-2-Clause
 * reply.h: replies of RESP2, written one after another into a buffer that grows. */
#ifndef DEMOS_KV_REPLY_H
#define DEMOS_KV_REPLY_H

#include "store.h"

/* An error, a number and the like need KV_REPLY_SPARE bytes at most. */
enum { KV_REPLY_ROOM = 16 << 10, KV_REPLY_SPARE = 512 };

struct kv_reply {
    char *bytes;                /* ro: malloc'd; NULL: not made */
    size_t size, room;          /* ro: size may be set back */
    size_t max;                 /* rw: it does not grow beyond; KV_REPLY_ROOM at least */
    int error;                  /* rw: 0; -ENOMEM; -EMSGSIZE: beyond max */
};

/* Makes it, or makes it as small as that again. 0 or -ENOMEM: then it is as it was. */
int reply_make(struct kv_reply *reply);

void reply_raw(struct kv_reply *reply, const char *bytes, size_t size);
#define reply_text(reply, literal) reply_raw(reply, literal, sizeof literal - 1)
#define REPLY_NULL "$-1\r\n"

void reply_integer(struct kv_reply *reply, int64_t value);
void reply_array(struct kv_reply *reply, size_t count);         /* its elements come next */
void reply_bulk(struct kv_reply *reply, struct kv_text text);
void reply_string(struct kv_reply *reply, const char *text);    /* the same of a string */

/* "-" and the text, which is cut to KV_REPLY_SPARE; control characters are made blanks. */
#ifdef __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void reply_error(struct kv_reply *reply, const char *format, ...);

/* The decimal digits of [value], from the result up to [end], of 20 bytes at most. */
char *reply_digits(char *end, int64_t value);

#endif
