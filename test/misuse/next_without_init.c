/* mistake: co_for_each over a generator that co_init never made */
/* expect: both silent */
/* expect: debug stop this generator was not made: call co_init\(\) for it first */
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
    co_for_each(self->n, &self->numbers)
        self->numbers.value++;
    co_end;
}
int main(void) { return (int)co_main(m); }
