/* You will see each line that you type come back, with its length. "bye" ends. */
#include "ring.h"
#include "say.h"

static struct ring input;

static void on_byte(uint8_t byte)               /* in the interrupt */
{
    ring_put(&input, byte);
}

/* Awaits a line of at most [size] - 1 bytes: its length. The rest of a longer one is dropped. */
struct line { co_frame; char *text; uint8_t size, n; int byte; };
co_define(line) {
    co_begin;
    for (;;) {
        while ((self->byte = ring_get(&input)) < 0)
            co_try(co_isr_event_wait(&input.filled));
        if (self->byte == '\n' || self->byte == '\r')
            break;
        if (self->n + 1 < self->size)
            self->text[self->n++] = (char)self->byte;
    }
    self->text[self->n] = '\0';
    co_return(self->n);
    co_end;
}

struct echo { co_frame; struct line line; char text[40]; int16_t n; };
co_define(echo) {
    co_begin;
    do {
        co_try(self->n, co_call(&self->line, line, .text = self->text, .size = sizeof self->text));
        say_number((uint16_t)self->n);
        say(" ");
        say(self->text);
        say(input.lost ? ", and bytes were lost\n" : "\n");
    } while (self->n != 3 || self->text[0] != 'b' || self->text[1] != 'y' || self->text[2] != 'e');
    co_end;
}

static struct echo frame;
static struct co_task task;

int main(void)
{
    mcu_init(NULL, 0);
    co_isr_event_init(&input.filled);
    board_on_byte(on_byte);
    co_task_init(&task, &frame, echo);
    mcu_run();
    board_stop(co_task_result(&task) < 0);
}
