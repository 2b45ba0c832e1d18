/* SPDX-License-Identifier: BSD-2-Clause
 * group.c: ../group.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../group.c"
