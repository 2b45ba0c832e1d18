/* expect: 15 co-blocking */
/* expect: 16 co-blocking */
/* expect: 17 co-blocking */
/* expect: 19 co-blocking */
/* flags: -D_DEFAULT_SOURCE */
/* Names that are looked up, locks and threads that are waited for. */
#include <netdb.h>
#include <pthread.h>
#include "loop.h"

static pthread_mutex_t mutex;
struct m { co_frame; struct addrinfo *found; pthread_t thread; };
co_define(m) {
    co_begin;
    getaddrinfo("localhost", NULL, NULL, &self->found);
    gethostbyname("localhost");
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(self->thread, NULL);
    co_end;
}
