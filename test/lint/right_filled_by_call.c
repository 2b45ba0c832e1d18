/* expect: nothing */
/* flags: -D_DEFAULT_SOURCE */
/* A local that a call fills after the await. */
#include <stdio.h>
#include <time.h>
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    struct tm now;
    time_t t;
    char text[32];
    co_begin;
    for (;;) {
        t = time(NULL);
        gmtime_r(&t, &now);
        strftime(text, sizeof text, "%H", &now);
        puts(text);
        co_try(co_sleep(1));
    }
    co_end;
}
