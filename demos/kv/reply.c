/* SPDX-License-Identifier: BSD-2-Clause
 * reply.c: the replies of the key-value server. See reply.h. */
#include "reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int reply_make(struct kv_reply *reply)
{
    char *bytes = reply->room == KV_REPLY_ROOM ? reply->bytes : malloc(KV_REPLY_ROOM);

    if (!bytes)
        return -ENOMEM;
    if (bytes != reply->bytes)
        free(reply->bytes);
    reply->bytes = bytes;
    reply->room = KV_REPLY_ROOM;
    reply->size = 0;
    return 0;
}

static int grow(struct kv_reply *reply, size_t size)
{
    size_t room = reply->room;
    char *bytes;

    if (reply->error == 0 && size > reply->max)
        reply->error = -EMSGSIZE;
    if (reply->error < 0)
        return -1;
    while (room < size)
        room *= 2;
    if (room > reply->max)
        room = reply->max;
    bytes = realloc(reply->bytes, room);
    if (!bytes) {
        reply->error = -ENOMEM;
        return -1;
    }
    reply->bytes = bytes;
    reply->room = room;
    return 0;
}

/* Where the next [size] bytes go, or NULL: reply->error. */
static inline char *put(struct kv_reply *reply, size_t size)
{
    char *to;

    if (reply->room - reply->size < size && grow(reply, reply->size + size) < 0)
        return NULL;
    to = reply->bytes + reply->size;
    reply->size += size;
    return to;
}

void reply_raw(struct kv_reply *reply, const char *bytes, size_t size)
{
    char *to = put(reply, size);

    if (to)
        memcpy(to, bytes, size);
}

char *reply_digits(char *end, int64_t value)
{
    uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        *--end = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    if (value < 0)
        *--end = '-';
    return end;
}

/* [type], the number, the end of a line. */
static void number(struct kv_reply *reply, char type, int64_t value)
{
    char text[24], *end = text + sizeof text - 2, *digits = reply_digits(end, value);

    *--digits = type;
    memcpy(end, "\r\n", 2);
    reply_raw(reply, digits, (size_t)(end + 2 - digits));
}

void reply_integer(struct kv_reply *reply, int64_t value)
{
    number(reply, ':', value);
}

void reply_array(struct kv_reply *reply, size_t count)
{
    number(reply, '*', (int64_t)count);
}

void reply_bulk(struct kv_reply *reply, struct kv_text text)
{
    char *to;

    number(reply, '$', (int64_t)text.size);
    to = put(reply, text.size + 2);
    if (!to)
        return;
    memcpy(to, text.bytes, text.size);
    to[text.size] = '\r';
    to[text.size + 1] = '\n';
}

void reply_string(struct kv_reply *reply, const char *text)
{
    reply_bulk(reply, (struct kv_text){ text, strlen(text) });
}

void reply_error(struct kv_reply *reply, const char *format, ...)
{
    char text[KV_REPLY_SPARE - 64] = "-";
    size_t size;
    va_list list;

    va_start(list, format);
    vsnprintf(text + 1, sizeof text - 1, format, list);
    va_end(list);
    size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    reply_raw(reply, text, size);
    reply_text(reply, "\r\n");
}
