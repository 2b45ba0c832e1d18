/* expect gcc: redeclaration of enumerator 'co_begin_is_missing_'|duplicate label 'co_dispatch_' */
/* expect clang: redefinition of label 'co_dispatch_' */
#include "../../coro.h"

struct plain { co_frame; int x; };

co_define(plain) {
    co_begin;
    co_pause;
    co_begin;
    co_end;
}
