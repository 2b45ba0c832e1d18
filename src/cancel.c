/* SPDX-License-Identifier: BSD-2-Clause
 * cancel.c: ../cancel.c, for the Arduino tools, which compile what lies here. */
#include "Duffel.h"
#include "../cancel.c"
