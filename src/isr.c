/* SPDX-License-Identifier: BSD-2-Clause
 * isr.c: ../isr.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../isr.c"
