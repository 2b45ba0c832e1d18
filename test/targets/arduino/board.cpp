/* SPDX-License-Identifier: BSD-2-Clause
 * board.cpp: runs a sketch for 20 s of its clock, which begins 10 s before micros() wraps; prints
 * what its pins and its serial line do: "MS pin N = V", "MS said TEXT". */
#include "Arduino.h"

#include <stdio.h>

static uint32_t ms;
static const struct { uint32_t at; const char *text; } script[] = {
    { 1000, "hello\nwor" }, { 4000, "ld\n" }, { 8000, "slow" }, { 14000, "x\n" },
};
enum { LINES = sizeof script / sizeof *script };
static unsigned line, sent;

unsigned long micros(void)
{
    return (uint32_t)(UINT32_MAX - 10000000u + 1000u * ms);
}

void pinMode(uint8_t pin, uint8_t mode)
{
    printf("%lu pin %d mode %d\n", (unsigned long)ms, pin, mode);
}

void digitalWrite(uint8_t pin, uint8_t value)
{
    printf("%lu pin %d = %d\n", (unsigned long)ms, pin, value);
}

void serial::begin(unsigned long baud)
{
    printf("0 baud %lu\n", baud);
}

int serial::available()
{
    if (line < LINES && ms >= script[line].at && !script[line].text[sent]) {
        line++;
        sent = 0;
    }
    return line < LINES && ms >= script[line].at;
}

int serial::read()
{
    return available() ? script[line].text[sent++] : -1;
}

void serial::println(const char *text)
{
    printf("%lu said %s\n", (unsigned long)ms, text);
}

struct serial Serial;

int main()
{
    setup();
    for (ms = 0; ms < 20000; ms++)
        loop();
    return 0;
}
