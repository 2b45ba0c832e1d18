/* expect gcc: overflow in conversion|case label value exceeds maximum value */
/* expect clang: overflow converting case value to switch condition type */
/* flags: -DCO_LINT */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    switch (self->x) {
    case 1:
        co_pause;
        break;
    default:
        break;
    }
    co_end;
}
