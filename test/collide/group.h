/* SPDX-License-Identifier: BSD-2-Clause
 * group.h: the program's own groups. */
#ifndef GROUP_H
#define GROUP_H
struct group { int members; };
struct task_group { int members; };
struct group_options { int unused; };

#ifdef __cplusplus
extern "C" {
#endif
void group_init(struct group *group);
int group_go(struct group *group);
int group_cancel(struct group *group);
#ifdef __cplusplus
}
#endif
#endif
