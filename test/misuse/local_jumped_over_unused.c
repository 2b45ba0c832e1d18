/* expect gcc: switch jumps over variable initialization */
/* gcc alone: it refuses the jump itself, where clang looks for a use of what was jumped over. */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    int n = self->x;
    self->x = n;
    co_pause;
    co_end;
}
