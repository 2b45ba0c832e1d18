/* SPDX-License-Identifier: BSD-2-Clause
 * board_avr.c: ATmega328P at 16 MHz: the Arduino Uno. The plain way: timer 0 interrupts each
 * millisecond. Lights on PB5 (the board's own), PB4 and PB3, the button from PD2 to ground. */
#include "board.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

const uint32_t board_tick_ns = 1000000;
static volatile uint32_t ticks_now;
static void (*on_byte)(uint8_t);
static void (*on_pend)(void);

void board_init(void)
{
    OCR0A = 16000000UL / 64 / 1000 - 1;
    TCCR0A = 1 << WGM01;                        /* counts to OCR0A */
    TCCR0B = 1 << CS01 | 1 << CS00;             /* clock / 64 */
    TIMSK0 = 1 << OCIE0A;
    DDRB |= 7 << 3;
    PORTD |= 1 << PD2;
    UCSR0A = 1 << U2X0;
    UBRR0 = 16;                                 /* 115200 baud */
    UCSR0B = 1 << TXEN0;
    sei();
}

ISR(TIMER0_COMPA_vect)
{
    ticks_now++;
}

uint32_t board_ticks(void)
{
    uint8_t was = SREG;
    uint32_t ticks;

    cli();
    ticks = ticks_now;
    SREG = was;
    return ticks;
}

/* sei lets one more instruction through: nothing comes between it and the sleep. */
void board_sleep(uint32_t ticks)
{
    (void)ticks;
    SMCR = 1 << SE;                             /* idle: timers and the UART go on */
    sei();
    sleep_cpu();
    SMCR = 0;
}

void board_led(int led, int on)
{
    uint8_t bit = (uint8_t)(1 << (5 - led));

    PORTB = (uint8_t)(on ? PORTB | bit : PORTB & ~bit);
}

__attribute__((weak)) int board_button(void)
{
    return !(PIND & 1 << PD2);
}

void board_put(char byte)
{
    while (!(UCSR0A & 1 << UDRE0)) { }
    UDR0 = (uint8_t)byte;
}

__attribute__((weak)) void board_on_byte(void (*handler)(uint8_t))
{
    on_byte = handler;
    UCSR0B |= 1 << RXEN0 | 1 << RXCIE0;
}

ISR(USART_RX_vect)
{
    on_byte(UDR0);
}

/* "The UART has room" is true after each byte sent: so it serves as an interrupt by software. */
void board_pend(void (*handler)(void))
{
    on_pend = handler;
    UCSR0B |= 1 << UDRIE0;
}

ISR(USART_UDRE_vect)
{
    UCSR0B &= (uint8_t)~(1 << UDRIE0);
    on_pend();
}

_Noreturn void board_stop(int status)
{
    (void)status;
    cli();                                      /* simavr ends here */
    for (;;)
        sleep_mode();
}
