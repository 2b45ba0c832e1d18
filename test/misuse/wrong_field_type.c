/* mistake: co_call with a field of another type */
/* expect: gcc warning initialization of 'int' from 'char \*' makes integer */
/* expect c++: gcc error invalid conversion from 'const char\*' to 'int' \[-fpermissive\] */
/* expect: clang warning incompatible pointer to integer conversion initializing 'int' */
/* expect c++: clang error cannot initialize a member subobject of type 'int' with an */
#include "coro.h"

struct child { co_frame; int x; };
struct parent { co_frame; struct child child; };
co_declare(child);

co_define(parent) {
    co_begin;
    co_await(co_call(&self->child, child, .x = "1"));
    co_end;
}
