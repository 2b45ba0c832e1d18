/* SPDX-License-Identifier: BSD-2-Clause
 * sync.h: ../../sync.h, for programs that have include/ on their path. */
#include "../../sync.h"
