/* A menu on the terminal, as somebody would write it who comes from threads. */
#include "loop.h"
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static CO_OP pause_for(double seconds)
{
    return co_sleep(seconds);
}

struct menu { co_frame; char line[80]; int key; struct addrinfo *found; };
co_define(menu) {
    co_begin;
    for (;;) {
        printf("> ");
        if (!fgets(self->line, sizeof self->line, stdin))
            co_return(0);
        self->key = self->line[0];
        switch (self->key) {
        case 'w':
            co_try(pause_for(1));
            break;
        case 's':
            pause_for(2);
            break;
        case 'l':
            system("ls");
            break;
        case 'n':
            if (getaddrinfo("localhost", NULL, NULL, &self->found) == 0)
                freeaddrinfo(self->found);
            break;
        case 'q':
            co_return(counter);
        }
        pthread_mutex_lock(&guard);
        counter++;
        pthread_mutex_unlock(&guard);
        co_pause;
    }
    co_end;
}

int main(void) { return co_main(menu) < 0; }
