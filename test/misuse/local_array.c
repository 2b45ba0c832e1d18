/* mistake: an array is filled, then an await, then it is read */
/* expect: both silent */
/* expect: lint co-stale-local */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    char text[64];
    co_begin;
    snprintf(text, sizeof text, "%d", 42);
    co_try(co_sleep(0.001));
    puts(text);
    co_end;
}
int main(void) { return (int)co_main(m); }
