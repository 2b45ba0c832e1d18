/* mistake: a frame has a std::string as a member */
/* forms: c++ */
/* expect: gcc error <co_define\(NAME\) needs a struct NAME of plain data that */
/* expect: clang error a frame holds plain data only: keep what has a constructor or */
#include "loop.h"
#include <cstdio>
#include <string>

struct m { co_frame; std::string text; };

co_define(m) {
    co_begin;
    self->text = "a text that is too long for the string itself, so that it lies in the heap";
    co_try(co_sleep(0.001));
    puts(self->text.c_str());
    co_end;
}
int main() { return (int)co_main(m); }
