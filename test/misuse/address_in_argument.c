/* mistake: a child is given the address of a local array */
/* expect: both silent */
/* expect: lint co-local-address */
#include "loop.h"
#include <stdio.h>
#include <string.h>

struct child { co_frame; const char *text; };
struct m { co_frame; struct child child; };

co_define(child) {
    co_begin;
    co_try(co_sleep(0.001));
    puts(self->text);
    co_end;
}
co_define(m) {
    char text[20];
    co_begin;
    strcpy(text, "hello");
    co_try(co_call(&self->child, child, .text = text));
    co_end;
}
int main(void) { return (int)co_main(m); }
