/* mistake: co_spawn without a scheduler */
/* expect: both silent */
/* expect: run stop co_spawn\(\) needs a scheduler: call it under co_main, */
#include "loop.h"

struct child { co_frame; int x; };
co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
int main(void) { return co_spawn(child, .x = 1) == NULL; }
