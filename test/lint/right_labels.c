/* expect: nothing */
/* flags: -DCO_LABELS */
/* An await in a switch, with CO_LABELS. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    switch (self->k) {
    case 1:
        co_try(co_sleep(1));
        break;
    default:
        co_pause;
    }
    co_end;
}
