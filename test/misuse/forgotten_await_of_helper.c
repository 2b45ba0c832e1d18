/* mistake: a helper returns co_op and not CO_OP, and its await is forgotten */
/* expect: gcc warning ignoring return(ed)? value of type .co_op */
/* expect: clang warning ignoring return value of function declared */
/* expect: run stop co_sleep was made and never awaited: in this coroutine */
/* expect: lint co-not-awaited */
#include "loop.h"

struct m { co_frame; };
static co_op doze(void) { return co_sleep(0.001); }

co_define(m) {
    co_begin;
    doze();
    co_end;
}
int main(void) { return (int)co_main(m); }
