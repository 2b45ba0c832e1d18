/* SPDX-License-Identifier: BSD-2-Clause
 * process.h: the program's own processes. It is also a header of Windows' and of Contiki's. */
#ifndef PROCESS_H
#define PROCESS_H
struct process { int number, alive; };
struct process_options { int unused; };

#ifdef __cplusplus
extern "C" {
#endif
int process_spawn(struct process *process);
int process_kill(struct process *process);
void process_close(struct process *process);
#ifdef __cplusplus
}
#endif
#endif
