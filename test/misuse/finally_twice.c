/* mistake: co_finally twice */
/* expect: gcc error duplicate case value */
/* expect: clang error redefinition of label 'co_clean_up_' */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    co_finally;
    self->x = 1;
    co_finally;
    self->x = 2;
    co_end;
}
