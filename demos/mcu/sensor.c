/* You will see a thermometer read over I2C, though it hangs at times and fails at times. */
#include "mcu.h"
#include "i2c.h"
#include "say.h"

#ifndef EIO
#define EIO 5
#endif

static struct co_isr_event transferred;
static volatile int8_t transfer_result;

static void on_transferred(int8_t result)       /* in the interrupt */
{
    transfer_result = result;
    co_isr_event_set(&transferred);
}

/* Reads the temperature, in 1/256 degree: three tries, each of at most 20 ms. */
struct read_celsius {
    co_frame;
    struct co_within slot;
    uint8_t bytes[2], tries;
    intptr_t r;
};
co_define(read_celsius) {
    co_begin;
    for (; self->tries < 3; self->tries++) {
        co_isr_event_clear(&transferred);
        i2c_read(0x48, 0, self->bytes, 2, on_transferred);
        co_await(self->r, co_within(&self->slot, 0.02, co_isr_event_wait(&transferred)));
        if (self->r == 0 && transfer_result == 0)
            co_return(self->bytes[0] << 8 | self->bytes[1]);
        if (self->r == -ECANCELED)
            co_return(self->r);
        say(self->r == -ETIMEDOUT ? "no answer in time\n" : "an error on the bus\n");
        i2c_reset();
        co_try(co_sleep(0.005));
    }
    co_return(-EIO);
    co_finally;
    i2c_reset();
    co_end;
}

struct sensor { co_frame; struct read_celsius read; intptr_t n; };
co_define(sensor) {
    co_begin;
    for (;;) {
        co_try(self->n, co_call(&self->read, read_celsius));
        say_number((uint8_t)(self->n >> 8));
        say(".");
        say_number((uint32_t)(self->n & 255) * 100 / 256);
        say(" C\n");
        co_try(co_sleep(1));
    }
    co_end;
}

static struct co_timer_slot timers[3];
static struct sensor frame;
static struct co_task task;

int main(void)
{
    mcu_init(timers, 3);
    co_isr_event_init(&transferred);
    co_task_init(&task, &frame, sensor);
    mcu_run();
    return 0;
}
