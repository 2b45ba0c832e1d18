/* mistake: none: locals that are set and read between two awaits */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; int x, sum; };

co_define(m) {
    int scratch;
    co_begin;
    for (self->x = 0; self->x < 3; self->x++) {
        co_try(co_sleep(0.001));
        scratch = self->x * 2;
        for (int i = 0; i < scratch; i++)
            self->sum += i;
    }
    {
        const char *text = "abc";
        int n = text[0];

        if (n != 'a')
            co_return(-1);
    }
    co_end;
}
int main(void) { return (int)co_main(m); }
