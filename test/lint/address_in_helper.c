/* expect: 10 co-local-address */
/* A helper that makes an op is over before the op is. */
#include "net.h"

CO_OP ask(int fd);
CO_OP ask(int fd)
{
    char question[] = "how much?";

    return co_send_all(fd, question, sizeof question - 1);
}
