/* expect: nothing */
/* A switch between awaits, and breaks of its own. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int n;
    co_begin;
    for (;;) {
        switch (self->k) {
        case 1:
            n = 1;
            break;
        case 2:
            n = 2;
            break;
        default:
            n = 0;
        }
        self->k += n;
        co_try(co_sleep(n));
    }
    co_end;
}
