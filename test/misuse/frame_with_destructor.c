/* mistake: a frame has a member with a destructor, which never runs */
/* forms: c++ */
/* expect: gcc error <co_define\(NAME\) needs a struct NAME of plain data that */
/* expect: clang error a frame holds plain data only: keep what has a constructor or */
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
