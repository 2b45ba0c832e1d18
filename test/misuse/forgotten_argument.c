/* mistake: an argument of an op is forgotten */
/* expect: gcc error too few arguments to function 'http_get' */
/* expect c++: gcc error too few arguments to function 'co_op http_get\(http_get\*, */
/* expect: clang error too few arguments to function call, expected 2, have 1 */
/* expect c++: clang error no matching function for call to 'http_get' */
#include "coro.h"

struct http_get { co_frame; const char *url; };
struct parent { co_frame; struct http_get get; };
co_op http_get(struct http_get *frame, const char *url);

co_define(parent) {
    co_begin;
    co_await(http_get(&self->get));
    co_end;
}
