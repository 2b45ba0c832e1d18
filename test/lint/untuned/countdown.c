/* Counts down, and says how long it took. */
#include "loop.h"
#include <stdio.h>
#include <unistd.h>

struct countdown { co_frame; int from; };
co_define(countdown) {
    int i;
    double began;
    co_begin;
    began = co_time();
    for (i = self->from; i > 0; i--) {
        printf("%d...\n", i);
        co_try(co_sleep(1));
    }
    printf("done in %.1f s\n", co_time() - began);
    co_end;
}

struct launch { co_frame; struct countdown countdown; int tries; };
co_define(launch) {
    co_begin;
    for (self->tries = 0; self->tries < 3; self->tries++) {
        int last = self->tries == 2;
        co_call(&self->countdown, countdown, .from = 3);
        co_await(co_call(&self->countdown, countdown, .from = 5));
        if (last)
            printf("that was the last one\n");
        sleep(1);
    }
    co_end;
}

int main(void) { return co_main(launch) < 0; }
