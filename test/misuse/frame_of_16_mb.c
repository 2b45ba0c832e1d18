/* mistake: a frame of 16 MB, which co_call makes on the C stack at -O0 */
/* expect: both silent */
#include "loop.h"

struct child { co_frame; char big[16 << 20]; };
struct m { co_frame; struct child child; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    self->big[0] = 1;
    co_end;
}
co_define(m) {
    co_begin;
    co_try(co_call(&self->child, child));
    co_end;
}
int main(void) { return (int)co_main(m); }
