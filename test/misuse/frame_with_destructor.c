/* mistake: a frame has a member with a destructor, which never runs */
/* forms: c++ */
/* expect: both silent */
#include "loop.h"

struct owner { int fd; ~owner() { fd = -1; } };
struct m { co_frame; owner it; };

co_define(m) {
    co_begin;
    self->it.fd = 1;
    co_try(co_sleep(0.001));
    co_end;
}
int main() { return (int)co_main(m); }
