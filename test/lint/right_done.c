/* expect: nothing */
/* co_done() never suspends. */
#include "loop.h"

struct m { co_frame; int fd; };
co_define(m) {
    int fd;
    co_begin;
    fd = 3;
    co_try(co_done(fd));
    co_return(fd);
    co_end;
}
