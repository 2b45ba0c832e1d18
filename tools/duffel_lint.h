/* SPDX-License-Identifier: BSD-2-Clause
 * duffel_lint.h: what duffel-lint reads instead of the words of coro.h. Each word is a call of a
 * function that does not exist, so that clang's tree shows the words themselves and not the switch
 * behind them. coro.h includes it at its end if CO_LINT_TOOL names it. Nothing of it ever runs. */
#ifndef DUFFEL_LINT_H
#define DUFFEL_LINT_H

void co_lint_begin_(void);
void co_lint_begin_labels_(void);               /* of a file with CO_LABELS */
void co_lint_finally_(void);
co_step_ co_lint_end_(void);
co_step_ co_lint_return_(intptr_t result);
intptr_t co_lint_await_(co_op op);
intptr_t co_lint_try_(co_op op);
intptr_t co_lint_each_(co_op op);
void co_lint_pause_(void);
void co_lint_yield_(void);
struct co_head *co_lint_frame_(void *frame, ...);       /* a frame, and its struct by value */

#undef co_define
#undef co_begin
#undef co_finally
#undef co_end
#undef co_return
#undef co_await
#undef co_try
#undef co_pause
#undef co_wait_until
#undef co_for_each
#undef co_yield
#undef CO_MAKE_
#undef CO_CALL_

#define co_define(NAME)                                                                           \
    co_declare(NAME);                                                                             \
    static inline co_step_ co_run_##NAME(struct NAME *self, struct co_chain *chain_)
#ifdef CO_LABELS
#define co_begin co_lint_begin_labels_()
#else
#define co_begin co_lint_begin_()
#endif
#define co_finally co_lint_finally_()
#define co_end return co_lint_end_()
#define co_return(value) return co_lint_return_((intptr_t)(value))
#define CO_LINT_STORE_(word, lvalue, op) (lvalue) = CO_CAST_(lvalue)word(op)
#define CO_LINT_AWAIT1_(op) co_lint_await_(op)
#define CO_LINT_AWAIT2_(lvalue, op) CO_LINT_STORE_(co_lint_await_, lvalue, op)
#define CO_LINT_TRY1_(op) co_lint_try_(op)
#define CO_LINT_TRY2_(lvalue, op) CO_LINT_STORE_(co_lint_try_, lvalue, op)
#define co_await(...) CO_EXPAND_(CO_PICK_(__VA_ARGS__, CO_LINT_AWAIT2_, CO_LINT_AWAIT1_, ~),      \
                                 __VA_ARGS__)
#define co_try(...) CO_EXPAND_(CO_PICK_(__VA_ARGS__, CO_LINT_TRY2_, CO_LINT_TRY1_, ~), __VA_ARGS__)
#define co_pause co_lint_pause_()
#define co_wait_until(condition) while (!(condition)) co_lint_pause_()
#define co_for_each(lvalue, generator)                                                            \
    while ((CO_LINT_STORE_(co_lint_each_, lvalue, co_next(generator))) > 0)
#define co_yield co_lint_yield_()
#define CO_MAKE_(NAME, frame, ...) co_lint_frame_(frame, (struct NAME){ __VA_ARGS__ })
#define CO_CALL_ CO_MAKE_
#endif
