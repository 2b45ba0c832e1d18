/* expect: no member named 'co' */
#include "../../coro.h"

struct plain { int x; };

co_define(plain) {
    co_begin;
    co_pause;
    co_end;
}
