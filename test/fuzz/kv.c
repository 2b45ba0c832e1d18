/* SPDX-License-Identifier: BSD-2-Clause
 * kv.c: fuzz target: requests, executed by the key-value server on a store of its own: each gets
 * one well-formed reply, and in the end the store has counted its bytes right. */
#include "fuzz.h"

#include "demos/kv/commands.h"
#include "loop.h"

enum { ARGS = 64, DEPTH = 4 };

/* ---- Replies, read by a second reader -------------------------------------------------------- */

/* The digits up to "\r\n"; [*end] is behind it. */
static int64_t reply_number(const char *text, const char *limit, const char **end)
{
    const char *line_end = text;
    int64_t value;

    while (line_end < limit && *line_end != '\r')
        line_end++;
    CHECK(limit - line_end >= 2 && line_end[1] == '\n');
    CHECK(resp_integer(text, (size_t)(line_end - text), &value));
    *end = line_end + 2;
    return value;
}

/* Reads one reply; where it ends. */
static const char *reply_read(const char *text, const char *limit, int depth)
{
    const char *end;
    int64_t n;

    CHECK(text < limit && depth < DEPTH);
    if (*text == '+' || *text == '-') {
        for (end = text + 1; end < limit && *end != '\r'; end++)
            CHECK((unsigned char)*end >= ' ');
        CHECK(limit - end >= 2 && end[1] == '\n');
        return end + 2;
    }
    CHECK(*text == ':' || *text == '$' || *text == '*');
    n = reply_number(text + 1, limit, &end);
    if (*text == ':' || n == -1)
        return end;
    CHECK(n >= 0 && n <= limit - end);
    if (*text == '$') {
        CHECK(n <= limit - end - 2 && memcmp(end + n, "\r\n", 2) == 0);
        return end + n + 2;
    }
    while (n-- > 0)
        end = reply_read(end, limit, depth + 1);
    return end;
}

/* ---- A session ------------------------------------------------------------------------------- */

static void execute(struct kv *kv, struct kv_reply *reply, const struct resp *resp,
                    const char *bytes)
{
    struct kv_call call = { kv, reply, bytes, resp->args, resp->count, false, NULL };
    size_t before;

    if (reply->size > KV_REPLY_ROOM - KV_REPLY_SPARE)           /* it was sent */
        reply->size = 0;
    before = reply->size;
    if (call.count == 0)
        return;
    kv_execute(&call);
    CHECK(reply->error == 0 && reply->size > before && reply->size <= reply->room);
    CHECK(reply->size <= reply->max);
    CHECK(reply_read(reply->bytes + before, reply->bytes + reply->size, 0)
          == reply->bytes + reply->size);
}

static void session(struct kv *kv, struct kv_reply *reply, const uint8_t *data, size_t size)
{
    struct resp_arg args[ARGS];
    struct resp resp;

    resp_init(&resp, (struct resp_limits){ kv->max_bulk, 4 * kv->max_bulk, ARGS });
    resp.args = args;
    resp.room = ARGS;
    for (size_t at = 0; at < size; at += resp.used) {
        char *bytes = fuzz_copy(data + at, size - at);
        enum resp_result result = resp_parse(&resp, bytes, size - at);

        if (result == RESP_REQUEST)
            execute(kv, reply, &resp, bytes);
        free(bytes);
        if (result != RESP_REQUEST)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct co_loop *loop;
    struct fuzz f = { data, size };
    unsigned flags = fuzz_byte(&f);
    struct kv kv = { .max_bulk = 4096, .port = 1 };
    struct kv_reply reply = { .max = KV_REPLY_ROOM };

    if (!loop) {
        loop = co_loop_new(NULL);       /* never freed: libFuzzer's end is not seen */
        kv_commands_init();
    }
    CHECK(loop && reply_make(&reply) == 0);
    kv_init(&kv.store, flags & 1 ? 1500 : 0);
    kv.started = kv_now();
    session(&kv, &reply, f.at, f.left);
    CHECK(flags & 1 ? kv.store.bytes <= 1500 : 1);
    kv_clear(&kv.store);
    CHECK(kv_count(&kv.store) == 0 && kv.store.bytes == 0 && kv.store.expiring == 0);
    free(reply.bytes);
    return 0;
}
