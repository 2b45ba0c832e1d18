/* SPDX-License-Identifier: BSD-2-Clause
 * resume.h: what resume.c asks of each kind of coroutine that it measures.
 *
 * The bodies lie in files of their own, so that none is inlined into the loop that drives it; that
 * loop has the same text for every kind. All bodies do the same: for ever, the eight operations of
 * RESUME_WORK, and after each of them a yield. */
#ifndef BENCH_RESUME_H
#define BENCH_RESUME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct resume_data { uint32_t n, m; };          /* what a body works on; starts as { 1, 2 } */

struct resume_kind {
    const char *name;
    /* Makes an object at [room], which has RESUME_ROOM bytes; *bytes: what it takes there. */
    void *(*make)(void *room, size_t *bytes);
    /* Resumes objects[order[i]] for all i below [n]; -1 if one of them ended. */
    int (*drive)(void *const *objects, const uint32_t *order, size_t n);
    struct resume_data (*peek)(void *object);   /* NULL: it has none */
};
enum { RESUME_ROOM = 256 };

/* Every kind has a driver of its own, which calls one body only, as those of the peers do: a call
 * with two targets is predicted worse (0.7 ns a resume). gcc must not fold those that are alike. */
#if defined __GNUC__ && !defined __clang__
#define RESUME_ALONE __attribute__((noinline, no_icf))
#else
#define RESUME_ALONE
#endif
#define RESUME_DRIVE(NAME, step)                                                                  \
    RESUME_ALONE int NAME(void *const *objects, const uint32_t *order, size_t n)                  \
    {                                                                                             \
        for (size_t i = 0; i < n; i++)                                                            \
            if (step(objects[order[i]]))                                                          \
                return -1;                                                                        \
        return 0;                                                                                 \
    }

/* [yield] is the name of a macro: each use of it must expand anew. */
#define RESUME_WORK(n, m, yield) do {                                                             \
        (n) += 3; yield();                                                                        \
        (n) ^= 5; yield();                                                                        \
        (n) -= (m); yield();                                                                      \
        (m) ^= 3; yield();                                                                        \
        (m) += (n); yield();                                                                      \
        (n) *= 3; yield();                                                                        \
        (n) <<= 1; yield();                                                                       \
        (m) -= 1; yield();                                                                        \
    } while (0)

/* The hand-written one: its head is all that the driver sees. 1 from [fn]: it has ended. */
struct resume_hand { int (*fn)(struct resume_hand *); };

int resume_drive_hand(void *const *objects, const uint32_t *order, size_t n);
int resume_drive_switch(void *const *objects, const uint32_t *order, size_t n);
int resume_drive_labels(void *const *objects, const uint32_t *order, size_t n);
int resume_drive_deep(void *const *objects, const uint32_t *order, size_t n);

/* One of ours: a resume; an await of a child that returns at once; a resume of the innermost under
 * so many frames. */
struct resume_ours { struct resume_kind resume, call, depth1, depth10, depth100; };

extern const struct resume_kind resume_kind_hand, resume_kind_cpp;
extern const struct resume_ours resume_ours_switch, resume_ours_labels;

#ifdef __cplusplus
}
#endif
#endif
