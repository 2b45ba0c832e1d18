/* SPDX-License-Identifier: BSD-2-Clause
 * task.c: ../task.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../task.c"
