/* mistake: two awaits on one line, where there is no __COUNTER__ */
/* flags: -Wno-builtin-macro-redefined -U__COUNTER__ */
/* expect: gcc error duplicate (case value|label) */
/* expect: clang error redefinition of label */
/* expect labels: clang error redefinition of label 'co_label_12_' */
#include "coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause; co_pause;
    co_end;
}
