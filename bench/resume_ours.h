/* SPDX-License-Identifier: BSD-2-Clause
 * resume_ours.h: our coroutines for resume.c. resume_switch.c and resume_labels.c include it, each
 * in its form, with names of their own for what is exported: OURS, OURS_DRIVE, OURS_NAME(). */
#include "coro.h"
#include "resume.h"

#define WAIT() co_await(co_wait())

/* ---- A resume -------------------------------------------------------------------------------- */

struct eight { co_frame; struct resume_data data; };
static co_define(eight)
{
    co_begin;
    for (;;)
        RESUME_WORK(self->data.n, self->data.m, WAIT);
    co_end;
}

struct eight_object { struct co_chain chain; struct eight frame; };
static void *eight_make(void *room, size_t *bytes)
{
    struct eight_object *object = room;

    co_start(&object->chain, &object->frame, eight, .data = { 1, 2 });
    *bytes = sizeof *object;
    return object;
}

static struct resume_data eight_peek(void *object)
{
    return ((struct eight_object *)object)->frame.data;
}

/* ---- An await of a child that returns at once ------------------------------------------------ */

struct leaf { co_frame; uint32_t n; };
static co_define(leaf)
{
    co_begin;
    co_return(self->n + 3);
    co_end;
}

struct caller { co_frame; struct leaf child; uint32_t n; size_t left; };
static co_define(caller)
{
    co_begin;
    for (;;) {
        for (; self->left; self->left--)
            co_await(self->n, co_call(&self->child, leaf, .n = self->n));
        co_await(co_wait());
    }
    co_end;
}

struct caller_object { struct co_chain chain; struct caller frame; };
static void *caller_make(void *room, size_t *bytes)
{
    struct caller_object *object = room;

    co_start(&object->chain, &object->frame, caller, .n = 1);
    *bytes = sizeof *object;
    return object;
}

static int caller_drive(void *const *objects, const uint32_t *order, size_t n)
{
    struct caller_object *object = objects[order[0]];

    object->frame.left = n;
    return co_resume(&object->chain) == CO_RETURNED ? -1 : 0;
}

/* ---- A resume under many frames -------------------------------------------------------------- */

struct deep { co_frame; struct resume_data data; int under; };
static co_define(deep)
{
    co_begin;
    if (self->under > 0)                        /* the frames lie in an array */
        co_await(co_call(self + 1, deep, .data = self->data, .under = self->under - 1));
    for (;;)
        RESUME_WORK(self->data.n, self->data.m, WAIT);
    co_end;
}

struct deep_object { struct co_chain chain; struct deep frames[101]; };
static void *deep_make(int under, size_t *bytes)
{
    static struct deep_object objects[3];
    struct deep_object *object = &objects[under == 1 ? 0 : under == 10 ? 1 : 2];

    co_start(&object->chain, &object->frames[0], deep, .data = { 1, 2 }, .under = under);
    *bytes = 0;
    return object;
}

static void *deep_make_1(void *room, size_t *bytes) { return (void)room, deep_make(1, bytes); }
static void *deep_make_10(void *room, size_t *bytes) { return (void)room, deep_make(10, bytes); }
static void *deep_make_100(void *room, size_t *bytes) { return (void)room, deep_make(100, bytes); }

static struct resume_data deep_peek(void *object)
{
    struct deep *frame = ((struct deep_object *)object)->frames;

    return frame[frame->under].data;
}

const struct resume_ours OURS = {
    { OURS_NAME(""), eight_make, OURS_DRIVE, eight_peek },
    { OURS_NAME("call-"), caller_make, caller_drive, NULL },
    { OURS_NAME("depth1-"), deep_make_1, resume_drive_deep, deep_peek },
    { OURS_NAME("depth10-"), deep_make_10, resume_drive_deep, deep_peek },
    { OURS_NAME("depth100-"), deep_make_100, resume_drive_deep, deep_peek },
};
