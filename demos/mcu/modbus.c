/* You will see a Modbus RTU slave answer: functions 3, 6 and 16, on 16 registers. */
#include "modbus_pdu.h"
#include "ring.h"
#include "say.h"

enum { ADDRESS = 17, SILENCE = 4000 };          /* us: 3.5 characters at 9600 baud, and a bit */

static struct ring input;
static uint16_t registers[16];

static void on_byte(uint8_t byte)               /* in the interrupt */
{
    ring_put(&input, byte);
}

/* Awaits a frame: bytes, up to the first silence. Its length; one that is too long has 0. */
struct frame { co_frame; uint8_t *bytes; uint8_t n, too_long; struct co_within slot; intptr_t r; };
co_define(frame) {
    co_begin;
    co_try(co_isr_event_wait(&input.filled));
    do {
        for (int byte; (byte = ring_get(&input)) >= 0; )
            if (self->n < MODBUS_SIZE)
                self->bytes[self->n++] = (uint8_t)byte;
            else
                self->too_long = 1;
        co_await(self->r, co_within_us(&self->slot, SILENCE, co_isr_event_wait(&input.filled)));
    } while (self->r == 0);
    co_return(self->r != -ETIMEDOUT ? self->r : self->too_long ? 0 : self->n);
    co_end;
}

static void show(const char *what, const uint8_t *bytes, intptr_t n)
{
    say(what);
    for (intptr_t i = 0; i < n; i++) {
        say(" ");
        say_hex(bytes[i]);
    }
    say("\n");
}

/* On a real line the answer goes to the UART as it is; here it is shown. */
struct slave { co_frame; struct frame frame; uint8_t bytes[MODBUS_SIZE]; intptr_t n; };
co_define(slave) {
    co_begin;
    for (;;) {
        co_try(self->n, co_call(&self->frame, frame, .bytes = self->bytes));
        show("<", self->bytes, self->n);
        self->n = modbus_answer(self->bytes, (uint8_t)self->n, ADDRESS, registers, 16);
        if (self->n > 0)
            show(">", self->bytes, self->n);
    }
    co_end;
}

static struct co_timer_slot timers[3];
static struct slave frame;
static struct co_task task;

int main(void)
{
    mcu_init(timers, 3);
    co_isr_event_init(&input.filled);
    board_on_byte(on_byte);
    co_task_init(&task, &frame, slave);
    mcu_run();
    return 0;
}
