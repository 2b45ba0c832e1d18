/* expect: 10 co-blocking */
/* options: --blocking database_query */
/* A call that the user says blocks. */
#include "loop.h"

void database_query(const char *);
struct m { co_frame; int k; };
co_define(m) {
    co_begin;
    database_query("select");
    co_end;
}
