/* expect: nothing */
/* An array that is filled in a loop after each await. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    int all[4];
    co_begin;
    for (;;) {
        for (int i = 0; i < 4; i++)
            all[i] = i * self->k;
        for (int i = 0; i < 4; i++)
            self->k += all[i];
        co_try(co_sleep(1));
    }
    co_end;
}
