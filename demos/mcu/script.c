/* SPDX-License-Identifier: BSD-2-Clause
 * script.c: plays a script to a demo in an emulator. Its button and its UART's input take the
 * place of the board's, which are weak. The bytes come in an interrupt. */
#include "script.h"
#include "mcu.h"

static uint8_t level;
static volatile uint8_t byte;
static void (*on_byte)(uint8_t);

int board_button(void)
{
    return level;
}

void board_on_byte(void (*handler)(uint8_t))
{
    on_byte = handler;
}

static void byte_comes(void)
{
    on_byte(byte);
}

struct player { co_frame; uint8_t i, k; };
static co_define(player) {
    co_begin;
    for (; self->i < script_length; self->i++) {
        co_try(co_sleep_ms(script[self->i].wait));
        level = script[self->i].level;
        for (self->k = 0; self->k < script[self->i].length; self->k++) {
            byte = (uint8_t)script[self->i].bytes[self->k];
            board_pend(byte_comes);
            co_try(co_sleep_ms(1));
        }
    }
    board_stop(0);
    co_end;
}

void script_start(void);
void script_start(void)
{
    static struct player frame;
    static struct co_task task;

    co_task_init(&task, &frame, player);
}
