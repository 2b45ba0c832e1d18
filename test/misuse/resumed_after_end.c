/* mistake: a chain is resumed after its end */
/* expect: both silent */
/* expect: run stop a coroutine was resumed after its end */
#include "coro.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    co_pause;
    co_end;
}
int main(void)
{
    struct m frame;
    struct co_chain chain;

    co_start(&chain, &frame, m);
    for (;;)
        co_resume(&chain);
}
