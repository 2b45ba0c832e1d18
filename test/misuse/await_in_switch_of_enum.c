/* expect gcc: overflow in conversion|case value .* not in enumerated type */
/* expect clang: overflow converting case value|case value not in enumerated type */
/* flags: -DCO_LINT */
#include "../../coro.h"

enum state { IDLE, BUSY };
struct plain { co_frame; enum state state; };

co_define(plain) {
    co_begin;
    switch (self->state) {
    case IDLE:
        co_pause;
        break;
    case BUSY:
        break;
    }
    co_end;
}
