/* SPDX-License-Identifier: BSD-2-Clause
 * coro_words.c: every word and call of coro.h, once or more, with nothing but coro.h; compile.sh
 * builds it with every compiler, standard and form. Exits with 0 if all results are right. */
#include "../coro.h"

struct numbers { co_frame; int last, value; };
co_declare(numbers);
co_define(numbers) {
    co_begin;
    for (self->value = 1; self->value <= self->last; self->value++)
        co_yield;
    co_end;
}

struct square { co_frame; int x; };
static co_define(square) {
    co_begin;
    co_pause;
    co_return(self->x * self->x);
    co_end;
}

struct words {
    co_frame;
    struct numbers numbers;
    struct square square;
    intptr_t more, n, sum;
    int tested, cleaned;
};
static co_define(words) {
    co_begin;
    co_init(&self->numbers, numbers, .last = 3);
    for (;;) {
        co_try(self->more, co_next(&self->numbers));
        if (!self->more)
            break;
        co_await(self->n, co_call(&self->square, square, .x = self->numbers.value));
        self->sum += self->n;
    }
    co_await(co_call(&self->square, square));
    co_wait_until(++self->tested == 2);
    co_try(self->n, co_wait());
    self->sum += self->n;
    co_await(co_done(-1));
    co_try(co_done(-2));
    self->sum = 0;
    co_finally;
    co_pause;
    self->cleaned++;
    co_end;
}

/* Whether co_where() knows as much as it should: under CO_TINY, nothing. */
static int is_told(struct co_head *co)
{
    const struct co_site *where = co_where(co);

#ifdef CO_TINY
    return where == NULL;
#else
    return where->name[0] == 'w' && where->text[0] == 's' && where->line > 30 && where->file[0];
#endif
}

int main(void)
{
    struct words frame;
    struct co_chain chain;
    int signal, pauses = 0, told = 0;

    co_start(&chain, &frame, words);
    while ((signal = co_resume(&chain)) != CO_RETURNED)
        if (signal == CO_WAITING) {
            told = is_told(chain.top);
            chain.result = 100;
        } else
            pauses += signal == CO_PAUSED;
    return chain.result == -2 && frame.sum == 1 + 4 + 9 + 100 && frame.cleaned == 1
        && pauses == 3 + 1 + 1 + 1 && told ? 0 : 1;
}
