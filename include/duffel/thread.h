/* SPDX-License-Identifier: BSD-2-Clause
 * thread.h: ../../thread.h, for programs that have include/ on their path. */
#include "../../thread.h"
