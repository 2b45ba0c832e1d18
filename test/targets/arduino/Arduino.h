/* SPDX-License-Identifier: BSD-2-Clause
 * Arduino.h: as much of a board as the examples need, on the machine that runs the tests. Its clock
 * moves by 1 ms a loop(), pins note their changes, and the serial line has a script. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdbool.h>
#include <stdint.h>

#define HIGH 1
#define LOW 0
#define OUTPUT 1
#define LED_BUILTIN 13

#ifdef __cplusplus
extern "C" {
#endif
unsigned long micros(void);
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
#ifdef __cplusplus
}

struct serial {
    void begin(unsigned long baud);
    int available();
    int read();
    void println(const char *text);
};
extern struct serial Serial;
void setup();
void loop();
#endif
#endif
