/* mistake: one op is awaited twice */
/* expect: both silent */
#include "loop.h"

struct m { co_frame; co_op op; };

co_define(m) {
    co_begin;
    self->op = co_sleep(0.002);
    co_try(self->op);
    co_try(self->op);
    co_end;
}
int main(void) { return (int)co_main(m); }
