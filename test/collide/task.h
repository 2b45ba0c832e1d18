/* SPDX-License-Identifier: BSD-2-Clause
 * task.h: the program's own tasks and their scheduler, as those of FreeRTOS are called. */
#ifndef TASK_H
#define TASK_H
struct task { struct task *next; int runs; };
struct task_wait { int ticks; };
struct scheduler { struct task *first; int turns; };
struct completed { int count; };
enum task_state { TASK_STOPPED, TASK_STARTED };
typedef void task_callback(struct task *);

#ifdef __cplusplus
extern "C" {
#endif
void scheduler_init(struct scheduler *scheduler);
void scheduler_run(struct scheduler *scheduler);
void task_init(struct task *task);
int task_spawn(struct scheduler *scheduler, struct task *task);
int task_go(struct scheduler *scheduler, struct task *task);
void task_free(struct task *task);
void task_wake(struct task *task);
int task_cancel(struct task *task);
int task_done(const struct task *task);
enum task_state task_state(const struct task *task);
int task_result(const struct task *task);
const char *task_name(const struct task *task);
struct task *task_next(const struct task *task);
struct task *task_current(void);
#ifdef __cplusplus
}
#endif
#endif
