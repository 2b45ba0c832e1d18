/* expect: too few arguments to function */
#include "../../coro.h"

struct http_get { co_frame; const char *url; };
struct parent { co_frame; struct http_get get; };
co_op http_get(struct http_get *frame, const char *url);

co_define(parent) {
    co_begin;
    co_await(http_get(&self->get));
    co_end;
}
