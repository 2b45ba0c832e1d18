/* SPDX-License-Identifier: BSD-2-Clause
 * outbox.h: lines for a slow reader: a bounded queue of them, and a task that sends them. */
#ifndef DEMOS_OUTBOX_H
#define DEMOS_OUTBOX_H

#include "net.h"

#include <stdio.h>
#include <string.h>

enum { OUTBOX_ROOM = 64, OUTBOX_LINE = 512 };           /* lines; bytes of one, with its end */

struct outbox_writer { co_frame; int fd; struct co_queue *queue; char line[OUTBOX_LINE]; };
static co_define(outbox_writer) {
    co_begin;
    for (;;) {
        co_try(co_queue_get(self->queue, self->line));          /* -EPIPE: closed, and empty */
        co_try(co_send_all(self->fd, self->line, strlen(self->line)));
    }
    co_end;
}

struct outbox {
    struct co_queue queue;
    char room[OUTBOX_ROOM][OUTBOX_LINE];
    struct outbox_writer writer;
    struct co_task writing;
    struct co_within deadline;
};

/* Sends to [fd] from now on, until outbox_end(), which must be awaited before the storage goes. */
static inline void outbox_start(struct outbox *box, int fd)
{
    co_queue_init(&box->queue, box->room, OUTBOX_ROOM, OUTBOX_LINE);
    co_task_init(&box->writing, &box->writer, outbox_writer, .fd = fd, .queue = &box->queue);
}

/* Puts a line, cut to what there is room for; at once. Control characters become blanks: on a
 * terminal they would overwrite what others said. 0, or -EAGAIN: the outbox is full. */
static inline int outbox_put(struct outbox *box, int from, const char *text)
{
    char line[OUTBOX_LINE];

    snprintf(line, sizeof line, "%d: %.*s\n", from, OUTBOX_LINE - 16, text);
    for (char *c = line; c[1]; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = ' ';
    return co_queue_put_now(&box->queue, line);
}

/* Sends what is left, for a second at most, or what is left of it is lost. */
static inline CO_OP outbox_end(struct outbox *box)
{
    co_queue_shutdown(&box->queue);
    return co_within(&box->deadline, 1, co_join(&box->writing));
}

#endif
