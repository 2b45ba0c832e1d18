/* SPDX-License-Identifier: BSD-2-Clause
 * coro.h: ../../coro.h, for programs that have include/ on their path. */
#include "../../coro.h"
