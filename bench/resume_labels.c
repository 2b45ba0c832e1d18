/* SPDX-License-Identifier: BSD-2-Clause
 * resume_labels.c: our coroutines for resume.c, with CO_LABELS. */
#ifndef CO_LABELS
#define CO_LABELS
#endif
#define OURS resume_ours_labels
#define OURS_DRIVE resume_drive_labels
#define OURS_NAME(what) what "labels"
#include "resume_ours.h"
