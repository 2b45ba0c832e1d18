/* mistake: an array of variable length with an await behind it */
/* forms: plain strict system labels debug */
/* expect: gcc error <no await inside switch, no local across an await: make it a */
/* expect labels: gcc warning 'text\.0' may be used uninitialized */
/* expect: clang error cannot jump from switch statement to this case label */
/* expect labels: clang error cannot jump from this indirect goto statement to one of its */
#include "loop.h"

struct m { co_frame; int x; };

co_define(m) {
    co_begin;
    char text[self->x + 1];
    text[0] = 0;
    co_try(co_sleep(0.001));
    self->x = text[0];
    co_end;
}
int main(void) { return (int)co_main(m); }
