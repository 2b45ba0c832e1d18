/* mistake: an op is made, then another is awaited, then the first */
/* expect: both silent */
/* expect: run stop co_sleep was made after this place and not awaited */
#include "loop.h"

struct m { co_frame; co_op op; };

co_define(m) {
    co_begin;
    self->op = co_sleep(0.002);
    co_try(co_sleep(0.001));
    co_try(self->op);
    co_end;
}
int main(void) { return (int)co_main(m); }
