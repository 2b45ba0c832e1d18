/* SPDX-License-Identifier: BSD-2-Clause
 * trial.h: ../../trial.h, for programs that have include/ on their path. */
#include "../../trial.h"
