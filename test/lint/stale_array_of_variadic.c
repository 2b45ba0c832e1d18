/* expect: 12 co-stale-local */
/* An array that printf() reads, whose parameters say nothing of it. */
#include <stdio.h>
#include "loop.h"

struct m { co_frame; int k; };
co_define(m) {
    char name[8] = "x";
    co_begin;
    name[0] = 'a';
    co_pause;
    printf("%s\n", name);
    co_end;
}
