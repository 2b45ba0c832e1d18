/* SPDX-License-Identifier: BSD-2-Clause
 * resume_hand.c: the hand-written peer of resume.c: a switch behind a function pointer. */
#include "resume.h"

struct hand {
    struct resume_hand head;
    int state;
    struct resume_data data;
};

static int hand_step(struct resume_hand *head)
{
    struct hand *p = (struct hand *)(void *)head;

    switch (p->state) {
    case 0: p->data.n += 3;         p->state = 1; return 0;
    case 1: p->data.n ^= 5;         p->state = 2; return 0;
    case 2: p->data.n -= p->data.m; p->state = 3; return 0;
    case 3: p->data.m ^= 3;         p->state = 4; return 0;
    case 4: p->data.m += p->data.n; p->state = 5; return 0;
    case 5: p->data.n *= 3;         p->state = 6; return 0;
    case 6: p->data.n <<= 1;        p->state = 7; return 0;
    case 7: p->data.m -= 1;         p->state = 0; return 0;
    default: return 1;
    }
}

static void *hand_make(void *room, size_t *bytes)
{
    struct hand *p = room;

    *p = (struct hand){ .head.fn = hand_step, .data = { 1, 2 } };
    *bytes = sizeof *p;
    return p;
}

static struct resume_data hand_peek(void *object)
{
    return ((struct hand *)object)->data;
}

const struct resume_kind resume_kind_hand = { "hand", hand_make, resume_drive_hand, hand_peek };
