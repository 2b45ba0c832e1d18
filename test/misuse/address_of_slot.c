/* mistake: the slot of a deadline is a local */
/* expect: both silent */
/* expect: lint co-local-address */
/* expect: debug stop lies on the C stack, which is gone when the await suspends */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    struct co_within slot;
    co_begin;
    co_try(co_within(&slot, 0.01, co_sleep(0.001)));
    co_end;
}
int main(void) { return (int)co_main(m); }
