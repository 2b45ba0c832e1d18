/* mistake: co_done(open(...)), whose -1 is taken for -EPERM */
/* expect: both silent */
#include "loop.h"
#include <fcntl.h>

struct m { co_frame; int fd; };

co_define(m) {
    co_begin;
    co_try(self->fd, co_done(open("/nowhere/at/all", O_RDONLY)));
    co_end;
}
int main(void) { return co_main(m) == -ENOENT; }
