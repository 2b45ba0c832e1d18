/* mistake: a generator returns more than 0 */
/* expect: both silent */
#include "loop.h"

struct numbers { co_frame; int value; };
struct m { co_frame; struct numbers numbers; intptr_t n; };

co_define(numbers) {
    co_begin;
    co_yield;
    co_return(7);
    co_end;
}
co_define(m) {
    co_begin;
    co_init(&self->numbers, numbers);
    co_for_each(self->n, &self->numbers)
        self->numbers.value++;
    co_end;
}
int main(void) { return (int)co_main(m); }
