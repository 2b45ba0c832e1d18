/* SPDX-License-Identifier: BSD-2-Clause
 * isr.h: ../../isr.h, for programs that have include/ on their path. */
#include "../../isr.h"
