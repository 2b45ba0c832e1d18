/* mistake: co_end is forgotten */
/* expect: gcc error expected 'while' at end of input */
/* expect: clang error expected 'while' in do/while loop */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    self->x = 1;
}
