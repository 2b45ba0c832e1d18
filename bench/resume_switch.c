/* SPDX-License-Identifier: BSD-2-Clause
 * resume_switch.c: our coroutines for resume.c, in the switch form. */
#undef CO_LABELS
#define OURS resume_ours_switch
#define OURS_DRIVE resume_drive_switch
#define OURS_NAME(what) what "switch"
#include "resume_ours.h"
