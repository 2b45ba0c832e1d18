/* expect: negative|negative size */
#include "../../coro.h"

struct gen { co_frame; int value; };
co_define(gen) {
    co_begin;
    co_yield;
    co_finally;
    self->value = 10;
    co_yield;
    co_end;
}
