/* SPDX-License-Identifier: BSD-2-Clause
 * tasks_cpp.cpp: C++20 coroutines for tasks.c: a frame of the heap, and a bare list of handles for
 * a scheduler, which is less than any real one does. */
#include "tasks.h"

#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

struct routine {
    struct promise_type {
        routine get_return_object()
        {
            return { std::coroutine_handle<promise_type>::from_promise(*this) };
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }      /* frees itself */
        void return_void() { }
        void unhandled_exception() { std::abort(); }
    };
    std::coroutine_handle<> self;
};

routine ends(long *ended)
{
    ++*ended;
    co_return;
}

routine yields(long *ended)
{
    co_await std::suspend_always{};
    ++*ended;
}

double cpu()
{
    timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void sleepers()
{
    static long ended;

    for (int i = 0; i < TASKS_SLEEPERS; i++)
        yields(&ended).self.resume();
}

template <routine (*make)(long *), int resumes> double spawn(const uint32_t *)
{
    static std::coroutine_handle<> batch[TASKS_BATCH];
    double start = cpu();
    long ended = 0;

    for (int i = 0; i < TASKS_SPAWNS / TASKS_BATCH; i++) {
        for (auto &one : batch)
            one = make(&ended).self;
        for (int k = 0; k < resumes; k++)
            for (auto &one : batch)
                one.resume();
    }
    start = cpu() - start;
    if (ended != TASKS_SPAWNS) {
        std::fputs("tasks: a C++20 coroutine did not end\n", stderr);
        std::exit(1);
    }
    return start / double(TASKS_SPAWNS);
}

} // namespace

extern "C" const struct tasks_kind tasks_cpp[] = {
    { "C++20 spawn", nullptr, spawn<ends, 1> },
    { "C++20 spawn and yield", nullptr, spawn<yields, 2> },
    { "C++20 spawn among many", sleepers, spawn<ends, 1> },
    { "C++20 spawn and yield among many", sleepers, spawn<yields, 2> },
    { nullptr, nullptr, nullptr }
};
