/* SPDX-License-Identifier: BSD-2-Clause
 * timer.c: ../timer.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../timer.c"
