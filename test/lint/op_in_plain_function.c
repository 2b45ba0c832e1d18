/* expect: 8 co-not-awaited */
/* A function that is no coroutine cannot wait. */
#include "loop.h"

void nap(void);
void nap(void)
{
    co_sleep(1);
}
