/* mistake: co_queue_get is given the address of a local */
/* expect: gcc silent */
/* expect: clang warning variable 'item' may be uninitialized when used here */
/* expect: lint co-local-address */
/* expect: debug stop lies on the C stack, which is gone when the await suspends */
#include "loop.h"
#include <stdio.h>

struct m { co_frame; struct co_queue queue; int room[2]; };
struct later { co_frame; struct co_queue *queue; int item; };

co_define(later) {
    co_begin;
    co_try(co_sleep(0.001));
    self->item = 42;
    co_try(co_queue_put(self->queue, &self->item));
    co_end;
}
co_define(m) {
    int item;
    co_begin;
    co_queue_init(&self->queue, self->room, 2, sizeof self->room[0]);
    if (co_go(later, .queue = &self->queue) < 0)
        co_return(-ENOMEM);
    co_try(co_queue_get(&self->queue, &item));
    printf("%d\n", item);
    co_end;
}
int main(void) { return (int)co_main(m); }
