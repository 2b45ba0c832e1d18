/* SPDX-License-Identifier: BSD-2-Clause
 * debug.c: ../debug.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../debug.c"
