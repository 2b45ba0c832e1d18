/* SPDX-License-Identifier: BSD-2-Clause
 * group.h: ../../group.h, for programs that have include/ on their path. */
#include "../../group.h"
