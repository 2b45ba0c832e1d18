/* SPDX-License-Identifier: BSD-2-Clause
 * stream.h: ../../stream.h, for programs that have include/ on their path. */
#include "../../stream.h"
