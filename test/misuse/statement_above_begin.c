/* mistake: a statement above co_begin, which runs at each resume and each dump */
/* expect: both silent */
/* expect: lint co-above-begin */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; int x; };

co_define(m) {
    puts("hello");
    co_begin;
    co_try(co_sleep(0.001));
    co_end;
}
int main(void) { return (int)co_main(m); }
