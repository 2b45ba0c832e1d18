/* SPDX-License-Identifier: BSD-2-Clause
 * resume_drive.c: the loops of resume.c that resume the C kinds; they see no body. */
#include "coro.h"
#include "resume.h"

static inline int hand_resume(struct resume_hand *p)
{
    return p->fn(p);
}

static inline int ours_resume(struct co_chain *chain)
{
    return co_resume(chain) == CO_RETURNED;
}

RESUME_DRIVE(resume_drive_hand, hand_resume)
RESUME_DRIVE(resume_drive_switch, ours_resume)
RESUME_DRIVE(resume_drive_labels, ours_resume)
RESUME_DRIVE(resume_drive_deep, ours_resume)
