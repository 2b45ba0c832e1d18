/* SPDX-License-Identifier: BSD-2-Clause
 * task.h: ../../task.h, for programs that have include/ on their path. */
#include "../../task.h"
