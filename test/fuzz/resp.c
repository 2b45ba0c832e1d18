/* SPDX-License-Identifier: BSD-2-Clause
 * resp.c: fuzz target: requests of RESP2, whole, in pieces and byte by byte: the same requests, the
 * same error. And what was parsed, written as an array again, is the same request. */
#include "fuzz.h"

#include "demos/kv/resp.h"

/* What a parser made of the bytes: all arguments, one after another, and how it ended. */
struct run {
    struct resp resp;
    char *bytes;                        /* what is left of the input, in memory of that size */
    size_t size, used;
    char *text;                         /* each argument as "SIZE:bytes,", each request as "\n" */
    size_t text_size, text_room;
    uint32_t requests;
    int is_bad;
};

static void run_write(struct run *run, const char *bytes, size_t size)
{
    if (run->text_size + size > run->text_room) {
        run->text_room = 2 * (run->text_size + size);
        run->text = realloc(run->text, run->text_room);
        CHECK(run->text != NULL);
    }
    memcpy(run->text + run->text_size, bytes, size);
    run->text_size += size;
}

/* Written anew and parsed alone, in memory of its own. */
static void request_again(const struct run *run)
{
    const struct resp *r = &run->resp;
    struct resp_arg args[64];
    struct resp again;
    size_t size = 32, at;
    char *text;

    for (uint32_t i = 0; i < r->count; i++)
        size += 32 + r->args[i].size;
    text = malloc(size);
    CHECK(text && r->count <= 64);
    at = (size_t)sprintf(text, "*%u\r\n", (unsigned)r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        at += (size_t)sprintf(text + at, "$%u\r\n", (unsigned)r->args[i].size);
        memcpy(text + at, run->bytes + r->args[i].at, r->args[i].size);
        memcpy(text + at + r->args[i].size, "\r\n", 2);
        at += r->args[i].size + 2;
    }
    resp_init(&again, (struct resp_limits){ 1 << 20, 1 << 22, 64 });
    again.args = args;
    again.room = 64;
    CHECK(resp_parse(&again, text, at) == RESP_REQUEST);
    CHECK(again.used == at && again.count == r->count);
    for (uint32_t i = 0; i < r->count; i++)
        CHECK(args[i].size == r->args[i].size
              && memcmp(text + args[i].at, run->bytes + r->args[i].at, args[i].size) == 0);
    free(text);
}

static void run_request(struct run *run)
{
    const struct resp *r = &run->resp;
    char size[32];

    CHECK(r->used > 0 && r->used <= run->size && r->count <= r->room);
    CHECK(r->count <= r->limits.args);
    for (uint32_t i = 0; i < r->count; i++) {
        CHECK((size_t)r->args[i].at + r->args[i].size <= r->used);
        snprintf(size, sizeof size, "%u:", (unsigned)r->args[i].size);
        run_write(run, size, strlen(size));
        run_write(run, run->bytes + r->args[i].at, r->args[i].size);
    }
    run_write(run, "\n", 1);
    request_again(run);
    run->requests++;
}

/* The rest, without the [n] bytes that are done, and with [more] behind it. */
static void run_move(struct run *run, size_t n, const uint8_t *more, size_t size)
{
    char *bytes = malloc(run->size - n + size + 1);

    CHECK(bytes != NULL);
    if (run->size > n)
        memcpy(bytes, run->bytes + n, run->size - n);
    if (size > 0)
        memcpy(bytes + run->size - n, more, size);
    free(run->bytes);
    run->size += size - n;
    run->bytes = fuzz_copy(bytes, run->size);
    free(bytes);
}

static void run_parse(struct run *run)
{
    struct resp *r = &run->resp;

    while (!run->is_bad)
        switch (resp_parse(r, run->bytes, run->size)) {
        case RESP_MORE:
            CHECK(r->used <= run->size);
            return;
        case RESP_ARGS:
            CHECK(r->count == r->room && r->room < r->limits.args);
            r->args = realloc(r->args, ++r->room * sizeof *r->args);
            CHECK(r->args != NULL);
            break;
        case RESP_BAD:
            CHECK(strncmp(r->error, "Protocol error: ", 16) == 0);
            run_write(run, r->error, strlen(r->error));
            run->is_bad = 1;
            break;
        case RESP_REQUEST:
            run_request(run);
            run_move(run, r->used, NULL, 0);
        }
}

static struct run run_pieces(const uint8_t *data, size_t size, struct resp_limits limits,
                             struct fuzz_cuts cuts)
{
    struct run run = { .size = 0 };

    resp_init(&run.resp, limits);
    for (size_t at = 0, n; at < size; at += n) {
        n = fuzz_cut(&cuts, size - at);
        run_move(&run, 0, data + at, n);
        run_parse(&run);
    }
    free(run.bytes);
    free(run.resp.args);
    return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { data, size };
    unsigned flags = fuzz_byte(&f);
    struct resp_limits limits = { flags & 1 ? 8 : 3000, flags & 2 ? 40 : 6000, flags & 4 ? 3 : 60 };
    struct fuzz_cuts forms[3] = { { 0, 0, { 0 } }, { 1, 0, { 0 } }, { 0, 0, { 0 } } };
    struct run runs[3];

    forms[2] = fuzz_cuts(&f);
    for (int i = 0; i < 3; i++)
        runs[i] = run_pieces(f.at, f.left, limits, forms[i == 1 && f.left > 512 ? 2 : i]);
    for (int i = 1; i < 3; i++) {
        CHECK(runs[i].is_bad == runs[0].is_bad && runs[i].requests == runs[0].requests);
        CHECK(runs[i].text_size == runs[0].text_size);
        CHECK(runs[0].text_size == 0
              || memcmp(runs[i].text, runs[0].text, runs[0].text_size) == 0);
    }
    for (int i = 0; i < 3; i++)
        free(runs[i].text);
    return 0;
}
