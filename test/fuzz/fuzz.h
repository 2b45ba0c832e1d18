/* SPDX-License-Identifier: BSD-2-Clause
 * fuzz.h: what the fuzz targets share. A target is NAME.c, which has LLVMFuzzerTestOneInput();
 * libFuzzer calls it with inputs that it invents (make fuzz), feed.c with those that were kept in
 * corpus/NAME (make test). What must hold of an input is a CHECK.
 *
 * An input begins with what the fuzzer decides: bytes that a target takes one by one. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    abort();
}

struct fuzz { const uint8_t *at; size_t left; };

/* The next byte; 0 where there is none. */
static inline unsigned fuzz_byte(struct fuzz *f)
{
    if (f->left == 0)
        return 0;
    f->left--;
    return *f->at++;
}

/* A count, at most [most], and as many bytes: used again and again. */
enum { FUZZ_CUTS = 15 };
struct fuzz_cuts { unsigned count, next; uint8_t sizes[FUZZ_CUTS]; };

static inline struct fuzz_cuts fuzz_cuts(struct fuzz *f)
{
    struct fuzz_cuts cuts = { .count = fuzz_byte(f) & FUZZ_CUTS };

    for (unsigned i = 0; i < cuts.count; i++)
        cuts.sizes[i] = (uint8_t)fuzz_byte(f);
    return cuts;
}

/* The size of the next piece, of [left] bytes that are left: 1 to 255; without cuts, all. */
static inline size_t fuzz_cut(struct fuzz_cuts *cuts, size_t left)
{
    size_t size = left;

    if (cuts->count > 0)
        size = 1u + cuts->sizes[cuts->next++ % cuts->count];
    return size < left ? size : left;
}

/* A copy of [size] bytes that ends where its memory does: to read behind it is seen. free() it. */
static inline char *fuzz_copy(const void *bytes, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

#endif
