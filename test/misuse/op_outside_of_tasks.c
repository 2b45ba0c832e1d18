/* mistake: an op is made outside of any task */
/* expect: both silent */
/* expect: run stop co_sleep\(\) needs a scheduler: call it under co_main, */
#include "loop.h"

int main(void)
{
    co_op op = co_sleep(1);

    (void)op;
    return 0;
}
