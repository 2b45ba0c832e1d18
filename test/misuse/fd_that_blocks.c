/* mistake: co_read of a pipe that blocks */
/* expect: both silent */
#include "loop.h"
#include <unistd.h>

struct m { co_frame; struct co_within slot; int fds[2]; char text[8]; };

co_define(m) {
    co_begin;
    if (pipe(self->fds) < 0)
        co_return(-EIO);
    co_try(co_within(&self->slot, 0.1, co_read(self->fds[0], self->text,
                                              sizeof self->text)));
    co_end;
}
int main(void) { return (int)co_main(m); }
