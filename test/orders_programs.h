/* SPDX-License-Identifier: BSD-2-Clause
 * orders_programs.h: the programs of test/orders.c: a script for each task, a letter for each op.
 *
 *     .  nothing               0 1 2 3   cancels that task           t sleep(1)   T a second passes
 *     C  cancels all           ( )  a deadline of 1 around what is in them
 *     event      w wait, s set, c clear         lock       a acquire, r release
 *     semaphore  A acquire, R release           condition  v wait, n notify 1, N notify all
 *     barrier    b wait, B abort, Z reset       queue      p put, g get, P G nowait, q close,
 *                                                          d task_done, J join
 *     of the last task:      j join, h shield, f wait_for(1)
 *     of the last two:       m gather, y wait_any, l x z wait_tasks (all, first failed, first
 *                            completed), e the next that is completed
 *     a group:               + starts a task, - one that fails, * one that swallows a cancel,
 *                            o awaits it, k cancels it
 *     with a deadline of 1:  W wait, H get, L acquire, V condition wait, M join, U gather,
 *                            K the group */
#ifndef ORDERS_PROGRAMS_H
#define ORDERS_PROGRAMS_H
#include "orders_world.h"

enum { EACH_PACE = 1 << ALONE | 1 << FIRST | 1 << QUIET, BY_TURNS = 1 << FIRST | 1 << QUIET };
enum { LONE = 1 << ALONE };

static const struct program of_three[] = {
    { "event", EACH_PACE, { "wcww", "sw0c", "w1sc" }, .is_set = 0 },
    { "lock", EACH_PACE, { "arar", "a0ar", "a1ar" }, .room = 0 },
    { "semaphore", EACH_PACE, { "ARAR", "A0RR", "1A2R" }, .value = 1, .bound = 2 },
    { "condition, notify", EACH_PACE, { "avvr", "avr0", "anNr" }, .room = 0 },
    { "condition, cancel", EACH_PACE, { "avvr", "anvr", "0anr" }, .room = 0 },
    { "condition, cancelled twice", EACH_PACE, { "avwr", "a00r", "0a0r" }, .is_set = 1 },
    { "barrier", EACH_PACE, { "bbbb", "b0bb", "bZb1" }, .parties = 2 },
    { "barrier of three", EACH_PACE, { "bbbb", "b0bb", "b1Bb" }, .parties = 3 },
    { "queue of one", EACH_PACE, { "pppp", "gg0p", "g1gg" }, .room = 1 },
    { "queue without room", EACH_PACE, { "pppp", "ggg0", "gP1g" }, .room = 0 },
    { "queue without bound", EACH_PACE, { "ppPp", "gg0G", "g1gg" }, .room = -1 },
    { "queue that grows", EACH_PACE, { "PPPP", "PPPP", "gPPPgggggggg" }, .room = -1 },
    { "queue, LIFO", EACH_PACE, { "pppp", "pg0g", "gp1g" }, .room = 2, .order = CO_QUEUE_LIFO },
    { "queue, priority", EACH_PACE, { "pppp", "pppg", "gg1g" }, .room = -1,
      .order = CO_QUEUE_PRIORITY },
    { "queue, close and join", EACH_PACE, { "ppJp", "gdgd", "dqJ0" }, .room = 1 },
    { "join", EACH_PACE, { "jj.j", "0jsj", "w.w." }, .leaves = 4 },
    { "join, unmet", EACH_PACE, { "jw.w", "00j1", ".s.!" }, .leaves = 4 },
    { "shield", EACH_PACE, { "hh.h", "0hsh", "w.w." }, .leaves = 4 },
    { "wait_for", EACH_PACE, { "ff.f", "0Tfs", "w.w." }, .leaves = 4 },
    { "gather", EACH_PACE, { "m.mm", "w0w.", "w.s!" }, .leaves = 6 },
    { "wait_any", EACH_PACE, { "y.yy", "w0w.", "w.s!" }, .leaves = 6 },
    { "wait_all", EACH_PACE, { "l.ll", "w0w.", "w.s!" }, .leaves = 6 },
    { "wait_all, first failed", EACH_PACE, { "x.xx", "w0w.", "w.s!" }, .leaves = 6 },
    { "wait_all, first completed", EACH_PACE, { "z.zz", "w0w.", "w.s!" }, .leaves = 6 },
    { "completed", EACH_PACE, { "eeee", "w0w.", "w.s!" }, .leaves = 6 },
    { "group", BY_TURNS, { "+o-o", "s+0k", "o+sc" }, .room = 0 },
    { "group, cancel", BY_TURNS, { "+o+o", "+0+s", "-ck0" }, .room = 0 },
    { "sleep", EACH_PACE, { "tTt.", "0tTt", "T1tT" }, .room = 0 },
    { "within, event", EACH_PACE, { "WTW.", "0WTW", "sT1c" }, .room = 0 },
    { "within, get", EACH_PACE, { "HTHH", "0HTp", "pT1p" }, .room = 1 },
    { "within, lock", EACH_PACE, { "LrLr", "L0Tr", "LT1r" }, .room = 0 },
    { "within, condition", EACH_PACE, { "aVVr", "aVnr", "T0T1" }, .room = 0 },
    { "within, join", EACH_PACE, { "M.Mw", "0MTs", "w.w." }, .leaves = 4 },
    { "within, cancelled before", EACH_PACE, { "T0Mr!", "T2w.", "sw2r!" }, .leaves = 4 },
    { "within, gather", EACH_PACE, { "U.Uw", "0wTs", "w.wT" }, .leaves = 4 },
    { "within, group", BY_TURNS, { "+KoK", "-0Ts", "*TK." }, .room = 0 },
    { "gather, cancelled before", EACH_PACE, { "0m.w", "w.w.", "s.w!" }, .leaves = 2 },
    { "gather, failures", EACH_PACE, { "mwm.", "w0w!", "w.s!" }, .leaves = 2 },
    { "group, failures", BY_TURNS, { "-owo", "+0k*", "0s.o" }, .room = 0 },
    { "what comes back", EACH_PACE, { "jmw.", "w0w!", "w0s." }, .room = 0 },
    { "what comes back, within", EACH_PACE, { "(jm)w.", "wTw!", "w.s." }, .room = 0 },
    { "brackets", EACH_PACE, { "((wj)w)w", "0T(wT)", "wTs." }, .room = 0 },
    { "brackets, gather", EACH_PACE, { "(mw)mw", "0(jT)w", "w.wT" }, .room = 0 },
    { "cancel all", EACH_PACE, { "mCw.", "jwC.", "w.wC" }, .leaves = 2 },
    { "oneself", EACH_PACE, { "1hm.", "jm2y", "ejlj" }, .leaves = 2 },
    { "barrier of none", LONE, { "b0bb", "B.b1", "bZbb" }, .parties = 0 },
};

static const struct program of_four[] = {
    { "event", LONE, { "www", "wcs", "sc0", "s1c" }, .is_set = 0 },
    { "lock", LONE, { "a.r", "a0r", "a1r", "a2r" }, .room = 0 },
    { "semaphore", LONE, { "A.R", "A0R", "RA1", "2AR" }, .value = 1, .bound = 2 },
    { "condition", LONE, { "avr", "avr", "anr", "01N" }, .room = 0 },
    { "barrier of three", LONE, { "bbb", "b0b", "bb1", "b2B" }, .parties = 3 },
    { "queue of one", LONE, { "ppp", "gg0", "g1p", "2pg" }, .room = 1 },
    { "queue without bound", LONE, { "ppP", "gG0", "g1p", "2gg" }, .room = -1 },
    { "queue, LIFO", LONE, { "ppp", "pg0", "g1p", "2pg" }, .room = 2, .order = CO_QUEUE_LIFO },
    { "queue, priority", LONE, { "ppp", "pg0", "p1g", "2gg" }, .room = 2,
      .order = CO_QUEUE_PRIORITY },
    { "queue, close and join", LONE, { "ppJ", "gd0", "gdq", "J1d" }, .room = 1 },
    { "join", LONE, { "jj.", "0jw", "j1s", "w.w" }, .leaves = 8 },
    { "shield", LONE, { "hh.", "0hw", "h1s", "w.w" }, .leaves = 8 },
    { "wait_for", LONE, { "ff.", "0Tf", "f1s", "w.w" }, .leaves = 8 },
    { "gather", LONE, { "mm.", "0sm", "w.w", "w0.!" }, .leaves = 12 },
    { "wait_any", LONE, { "yy.", "0sy", "w.w", "w0.!" }, .leaves = 12 },
    { "wait_all", LONE, { "ll.", "0sz", "w.w", "w0.!" }, .leaves = 12 },
    { "completed", LONE, { "eee", "0se", "w.w", "w0.!" }, .leaves = 12 },
    { "group", 1 << FIRST, { "+o-", "s0o", "+ks", "-1c" }, .room = 0 },
    { "within, get", LONE, { "HTH", "0Hp", "p1T", "2pT" }, .room = 1 },
    { "within, condition", LONE, { "aVr", "aVr", "anr", "0T1" }, .room = 0 },
    { "within, join", LONE, { "M.M", "0MT", "M1s", "w.w" }, .leaves = 8 },
    { "within, gather", LONE, { "U.w", "0TU", "wT1", "w.w" }, .leaves = 8 },
    { "within, group", 1 << FIRST, { "+K*", "s0o", "-kT", "0Kc" }, .room = 0 },
    { "what comes back", LONE, { "jmw", "0ws", "w1w!", "w.w" }, .room = 0 },
    { "brackets", LONE, { "(jw)w", "0Tj", "(mT)s", "w0w" }, .leaves = 8 },
};

#endif
