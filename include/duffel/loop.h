/* SPDX-License-Identifier: BSD-2-Clause
 * loop.h: ../../loop.h, for programs that have include/ on their path. */
#include "../../loop.h"
