/* SPDX-License-Identifier: BSD-2-Clause
 * sync.c: ../sync.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../sync.c"
