/* You will see 42, the value of a coroutine that another one awaits. */
#include "loop.h"
#include "options.h"

#include <stdio.h>

struct inner { co_frame; };
co_define(inner) {
    co_begin;
    co_try(co_sleep(0.1));
    co_return(42);
    co_end;
}

struct outer {
    co_frame;
    struct inner inner;         /* the frame of the call lies in the caller's: no allocation */
    int value;
};

/* Without the await,
 *     co_call(&self->inner, inner);
 * inner would not run, and the compiler says so:
 *     gcc:   ignoring return value of 'co_run_' declared with attribute 'warn_unused_result'
 *     clang: ignoring return value of function declared with 'warn_unused_result' attribute
 * and its value, taken without one, is an error:
 *     self->value = co_call(&self->inner, inner);
 *     gcc:   incompatible types when assigning to type 'int' from type 'co_op'
 *     clang: assigning to 'int' from incompatible type 'co_op' */
co_define(outer) {
    co_begin;
    co_try(self->value, co_call(&self->inner, inner));
    printf("%d\n", self->value);
    co_end;
}

int main(int argc, char **argv)
{
    options_read(argc, argv, "");
    return co_main(outer) < 0;
}
