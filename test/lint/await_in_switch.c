/* expect: 11 co-await-in-switch */
/* An await in a switch of the user's. */
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    switch (self->k) {
    case 1:
        if (self->k)
            co_try(co_sleep(1));
        break;
    }
    co_end;
}
