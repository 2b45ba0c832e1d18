/* mistake: an op is kept in a variable and never awaited */
/* expect: both silent */
/* expect: run stop co_sleep was made and never awaited: in this coroutine */
#include "loop.h"

struct m { co_frame; co_op op; };

co_define(m) {
    co_begin;
    self->op = co_sleep(0.001);
    co_end;
}
int main(void) { return (int)co_main(m); }
