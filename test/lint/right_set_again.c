/* expect: nothing */
/* A local that is set again after each await. */
#include <stdio.h>
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n, i;
    const char *text;
    co_begin;
    n = 1;
    do {
        for (i = 0; i < n; i++)
            self->k += i;
        text = self->k > 5 ? "many" : "few";
        puts(text);
        co_await(co_sleep(1));
        n = self->k;
    } while (n < 10);
    co_end;
}
