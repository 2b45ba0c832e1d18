/* SPDX-License-Identifier: BSD-2-Clause
 * own.h: all headers of the program's own, and what else it uses. */
#ifdef USE_LIBEVENT
#include <event2/event.h>
#elif defined USE_EMULATION
#include "emulation.h"
#endif
#include "group.h"
#include "loop.h"
#include "net.h"
#include "process.h"
#include "stream.h"
#include "sync.h"
#include "task.h"
#include "thread.h"
