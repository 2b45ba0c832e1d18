/* A logger: a queue of messages, and a task that writes them. */
#include "loop.h"
#include "sync.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct message { int level; char text[60]; };
static struct message room[8];
static struct co_queue queue;

static CO_OP log_text(const char *text)
{
    struct message m = { .level = 1 };

    snprintf(m.text, sizeof m.text, "%s", text);
    return co_queue_put(&queue, &m);
}

struct writer { co_frame; struct message message; intptr_t r; int lines; };
co_define(writer) {
    static int started;
    started++;
    co_begin;
    for (;;) {
        co_await(self->r, co_queue_get(&queue, &self->message));
        if (self->r < 0)
            break;
        printf("%d: %s\n", self->lines++, self->message.text);
        usleep(1000);
    }
    co_end;
}

struct talker { co_frame; int i; struct message m; };
co_define(talker) {
    struct message m;
    co_begin;
    for (self->i = 0; self->i < 3; self->i++) {
        m.level = self->i;
        snprintf(m.text, sizeof m.text, "message %d", self->i);
        self->m = m;
        co_try(co_queue_put(&queue, &self->m));
        co_try(log_text("again"));
        co_try(co_queue_put(&queue, &(struct message){ .level = 2 }));
    }
    co_queue_shutdown(&queue);
    co_end;
}

struct both { co_frame; struct co_task *writer; struct talker talker; };
co_define(both) {
    co_op later;
    co_begin;
    co_queue_init(&queue, room, 8, sizeof *room);
    self->writer = co_spawn(writer);
    co_try(co_call(&self->talker, talker));
    later = co_join(self->writer);
    co_finally;
    co_task_free(self->writer);
    co_end;
}

int main(void) { return co_main(both) < 0; }
