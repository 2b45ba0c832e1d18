/* mistake: co_begin twice */
/* expect: gcc error duplicate label 'co_dispatch_' */
/* expect: clang error redefinition of label 'co_dispatch_' */
/* expect strict: clang error declaration shadows a local variable */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    co_begin;
    co_end;
}
