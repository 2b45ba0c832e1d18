/* SPDX-License-Identifier: BSD-2-Clause
 * process.h: ../../process.h, for programs that have include/ on their path. */
#include "../../process.h"
