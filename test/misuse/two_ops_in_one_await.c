/* mistake: an op is given to co_within that was made before another await */
/* expect: both silent */
/* expect: run stop co_sleep was made and never awaited: before this place */
#include "loop.h"

struct m { co_frame; struct co_within slot; co_op op; };

co_define(m) {
    co_begin;
    self->op = co_sleep(0.002);
    co_pause;
    co_try(co_within(&self->slot, 1, self->op));
    co_end;
}
int main(void) { return (int)co_main(m); }
