/* mistake: a coroutine that yields is awaited by co_call */
/* expect: both silent */
/* expect: debug pending */
#include "loop.h"

struct numbers { co_frame; int value; };
struct m { co_frame; struct numbers numbers; intptr_t n; };

co_define(numbers) {
    co_begin;
    for (self->value = 0; self->value < 3; self->value++)
        co_yield;
    co_end;
}
co_define(m) {
    co_begin;
    co_try(self->n, co_call(&self->numbers, numbers));
    co_end;
}
int main(void) { return (int)co_main(m); }
