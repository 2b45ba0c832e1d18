/* mistake: the task that co_spawn returns is dropped */
/* expect: gcc warning ignoring return value of 'co_task_start_' declared */
/* expect system: gcc silent */
/* expect c++: gcc warning ignoring return value of 'co_task\* co_task_start_\(co_task\*, */
/* expect: clang warning ignoring return value of function declared */
#include "loop.h"

struct child { co_frame; int x; };
struct m { co_frame; };

co_define(child) {
    co_begin;
    co_pause;
    co_end;
}
co_define(m) {
    co_begin;
    co_spawn(child, .x = 1);
    co_end;
}
int main(void) { return (int)co_main(m); }
