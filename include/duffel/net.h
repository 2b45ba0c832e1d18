/* SPDX-License-Identifier: BSD-2-Clause
 * net.h: ../../net.h, for programs that have include/ on their path. */
#include "../../net.h"
