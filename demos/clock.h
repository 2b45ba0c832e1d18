/* SPDX-License-Identifier: BSD-2-Clause
 * clock.h: the time of day before a line, and a nap that blocks the whole program. */
#ifndef DEMOS_CLOCK_H
#define DEMOS_CLOCK_H

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* printf, with HH:MM:SS in front and a newline behind. */
static inline void clock_print(const char *format, ...)
{
    char stamp[sizeof "23:59:59"], text[80];
    time_t now = time(NULL);
    struct tm day;
    va_list list;

    strftime(stamp, sizeof stamp, "%H:%M:%S", localtime_r(&now, &day));
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    printf("%s %s\n", stamp, text);         /* one call: lines of threads do not mix */
}

/* Sleeps, and everything with it: what co_sleep() is not. */
static inline void clock_nap(double seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds };

    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0) { }
}

#endif
