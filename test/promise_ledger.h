#ifndef PROMISE_LEDGER_H
#define PROMISE_LEDGER_H
#include "promise_program.h"
static struct { const char *broken; int who; } ledger;
static void ledger_reset(const struct program *p) { (void)p; }
static void ledger_task(int who) { (void)who; }
static void ledger_ask(int who, int scope) { (void)who; (void)scope; }
static void ledger_begin(int who, int op) { (void)who; (void)op; }
static void ledger_end(int who, int op, intptr_t result) { (void)who; (void)op; (void)result; }
static void ledger_ended(int who, intptr_t result) { (void)who; (void)result; }
static void ledger_turn(int64_t now) { (void)now; }
static bool ledger_fault(void) { return false; }
#endif
