/* expect: 8 co-above-begin */
/* An initialiser that allocates anew at each resume. */
#include <stdlib.h>
#include "loop.h"

struct m { co_frame; void *p; };
co_define(m) {
    void *p = malloc(8);
    co_begin;
    self->p = p;
    co_try(co_sleep(1));
    co_finally;
    free(self->p);
    co_end;
}
