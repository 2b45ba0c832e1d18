/* mistake: co_end without its semicolon */
/* expect: gcc error expected ';' before '\}' token */
/* expect: clang error expected ';' after return statement */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    self->x = 1;
    co_end
}
