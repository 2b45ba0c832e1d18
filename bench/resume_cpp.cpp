/* SPDX-License-Identifier: BSD-2-Clause
 * resume_cpp.cpp: the C++20 coroutine that resume.c measures as a peer. */
#include "resume.h"

#include <coroutine>
#include <cstdlib>

namespace {

struct routine {
    struct promise_type;
    using handle = std::coroutine_handle<promise_type>;

    struct promise_type {
        resume_data *data = nullptr;

        routine get_return_object() { return { handle::from_promise(*this) }; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() { }
        void unhandled_exception() { std::abort(); }
        void *operator new(std::size_t size, void *room, std::size_t *bytes)
        {
            if (size > RESUME_ROOM)
                std::abort();
            *bytes = size;
            return room;
        }
        void operator delete(void *) { }
    };
    handle self;
};

/* Tells the promise where the body's data lie; does not suspend. */
struct publish {
    resume_data *data;

    bool await_ready() noexcept { return false; }
    bool await_suspend(routine::handle self) noexcept
    {
        self.promise().data = data;
        return false;
    }
    void await_resume() noexcept { }
};

#define YIELD() co_await std::suspend_always{}
routine eight(void *, std::size_t *)
{
    resume_data data = { 1, 2 };

    co_await publish{ &data };
    for (;;)
        RESUME_WORK(data.n, data.m, YIELD);
}

void *cpp_make(void *room, std::size_t *bytes)
{
    return eight(room, bytes).self.address();
}

inline bool cpp_resume(void *object)
{
    auto self = std::coroutine_handle<>::from_address(object);

    self.resume();
    return self.done();
}

resume_data cpp_peek(void *object)
{
    return *routine::handle::from_address(object).promise().data;
}

RESUME_DRIVE(cpp_drive, cpp_resume)

} // namespace

extern "C" const resume_kind resume_kind_cpp = { "cpp", cpp_make, cpp_drive, cpp_peek };
