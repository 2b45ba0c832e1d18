/* mistake: co_define(struct m) */
/* expect: gcc error expected '=', ',', ';', 'asm' or '__attribute__' before 'm' */
/* expect c++: gcc error expected initializer before 'm' */
/* expect: clang error expected ';' after top level declarator */
#include "coro.h"

struct m { co_frame; int x; };

co_define(struct m) {
    co_begin;
    self->x = 1;
    co_end;
}
