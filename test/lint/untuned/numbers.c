/* Generators. */
#include "loop.h"
#include <stdio.h>
#include <string.h>

struct squares { co_frame; int n, value; };
co_define(squares) {
    int i;
    co_begin;
    for (i = 1; i <= self->n; i++) {
        self->value = i * i;
        co_yield;
    }
    co_end;
}

struct evens { co_frame; int i, value; };
co_define(evens) {
    co_begin;
    for (self->i = 0; self->i < 10; self->i += 2) {
        int half = self->i / 2;
        self->value = half + half;
        co_yield;
    }
    co_end;
}

struct sum { co_frame; struct squares squares; struct evens evens; intptr_t r; int sum; };
co_define(sum) {
    int biggest;
    char title[20];
    co_begin;
    strcpy(title, "sum");
    biggest = 0;
    co_init(&self->squares, squares, .n = 5);
    co_for_each(self->r, &self->squares) {
        self->sum += self->squares.value;
        if (self->squares.value > biggest)
            biggest = self->squares.value;
    }
    co_init(&self->evens, evens);
    co_for_each(self->r, &self->evens)
        printf("%d\n", self->evens.value);
    printf("%s %d\n", title, self->sum);
    co_end;
}

int main(void) { return co_main(sum) < 0; }
