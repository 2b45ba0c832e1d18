// SPDX-License-Identifier: BSD-2-Clause
// coro_cxx20.cpp: C++20 has keywords where coro.h has words; the types and the calls remain, for
// coroutines that a C file defines: here the one of frame_other.c.
#include "../coro.h"
extern "C" {
#include "frame_other.h"
}

int main()
{
    struct add frame;
    struct co_chain chain;
    int resumes = 1;

    co_start(&chain, &frame, add, .pauses = 2, .a = 3, .b = 4);
    while (co_resume(&chain) != CO_RETURNED)
        resumes++;
    return chain.result == 7 && resumes == 3 && co_where(&frame.co)->name[0] == 'a' ? 0 : 1;
}
