/* SPDX-License-Identifier: BSD-2-Clause
 * coro.h: turns a C function into a coroutine without a stack of its own, by Duff's device.
 *
 *     struct square { co_frame; int x; };              // a frame: what survives an await
 *     struct sum { co_frame; struct square child; intptr_t a, b; };
 *
 *     co_define(square) {
 *         co_begin;
 *         co_pause;
 *         co_return(self->x * self->x);
 *         co_end;
 *     }
 *     co_define(sum) {
 *         co_begin;
 *         co_try(self->a, co_call(&self->child, square, .x = 3));
 *         co_try(self->b, co_call(&self->child, square, .x = 4));
 *         co_return(self->a + self->b);
 *         co_end;
 *     }
 *     int main(void) {
 *         struct sum frame;
 *         struct co_chain chain;
 *         co_start(&chain, &frame, sum);
 *         while (co_resume(&chain) != CO_RETURNED) { }
 *         return chain.result == 25 ? 0 : 1;
 *     }
 *
 * One rule: an op is made inside co_await(), co_try() or co_for_each(), and nowhere else. So the
 * word around a call shows each place where a coroutine may suspend; any other call never suspends.
 * One trap: a local does not survive an await; what must survive is a member of the frame. gcc
 * refuses an initialised local that an await jumps over, and both compilers warn of most others. No
 * compiler catches an initialised local above co_begin: it is re-initialised at every resume.
 * docs/explanation.md opens the macros by hand and says how they work.
 *
 * Switches, to be defined before the include or with -D:
 * CO_LABELS  dispatches by computed goto, a GNU C extension, in this file. It is faster, and an
 *            await may stand inside a switch of yours, but the compiler no longer sees a local that
 *            an await jumps over.
 * CO_LINT    warns of an await inside a switch. It is on by default where pointers have 64 bits,
 *            since it costs nothing there.
 * CO_DEBUG   finds more mistakes, at a price, and must be the same in the whole program. It stops
 *            when a frame is used that is in use already or that lies on the C stack, makes stale
 *            locals rubbish every time, and tells of swallowed cancels and of failures that nobody
 *            saw. docs/how-to/debug.md has the list.
 * CO_TINY    is for microcontrollers and must be the same in the whole program. It leaves out
 *            source texts, messages and line numbers. An await inside a switch of yours stops the
 *            program when it is first resumed; only CO_LINT reports it at compile time.
 * CO_PLAIN_TEXTS  leaves gcc's messages as they are, instead of beginning them with what to do.
 * CO_STOP(file, line, text)  is called upon misuse and must not return. By default it prints the
 *            text and aborts, or traps where there is no libc.
 * CO_WARN(file, line, text)  is called under CO_DEBUG for what may be a mistake, and returns. By
 *            default it prints the text, or does nothing where there is no libc. */
#ifndef CO_CORO_H
#define CO_CORO_H

/* gcc says where a token is spelled, and who expands a macro of a system header; see the end. */
#if defined __GNUC__ && !defined __clang__ && __GNUC__ >= 10 && !defined CO_PLAIN_TEXTS
#if __INCLUDE_LEVEL__ > 0
#pragma GCC system_header
#define CO_TEXTS_
#endif
#endif

#include <stddef.h>
#include <stdint.h>
#if !defined CO_STOP && __STDC_HOSTED__ && !defined CO_TINY
#include <stdio.h>
#include <stdlib.h>
#define CO_STOP(file, line, text) (fprintf(stderr, "%s:%d: %s\n", file, line, text), abort())
#elif !defined CO_STOP && defined __GNUC__
#define CO_STOP(file, line, text) __builtin_trap()
#elif !defined CO_STOP
#define CO_STOP(file, line, text) do { } while (1)
#endif
#if !defined CO_WARN && defined CO_DEBUG && __STDC_HOSTED__ && !defined CO_TINY
#include <stdio.h>
#define CO_WARN(file, line, text) ((void)fprintf(stderr, "%s:%d: %s\n", file, line, text))
#elif !defined CO_WARN
#define CO_WARN(file, line, text) ((void)(file), (void)(line), (void)(text))
#endif

#ifdef __AVR__      /* AVR aligns nothing, and bit 0 of these pointers is a tag: force even ones */
#define CO_EVEN_ __attribute__((aligned(2)))
#else
#define CO_EVEN_
#endif

/* What co_resume returns; CO_CALLED_ never leaves co_resume. */
enum co_signal { CO_CALLED_ = -1, CO_RETURNED, CO_PAUSED, CO_WAITING, CO_YIELDED };
typedef struct { int signal; } co_step_;      /* a struct, so that `return 0;` does not compile */
struct co_head;
struct co_chain;
typedef co_step_ co_body(struct co_head *, struct co_chain *);

/* The head of every frame: 32 bytes on a 64-bit machine, 16 on a 32-bit one, 8 on AVR. A head that
 * is all zero but for its body is a coroutine that has not started. */
struct co_head {
    union { uintptr_t word; uint16_t half[sizeof(uintptr_t) / 2]; } at;  /* private: co_where() */
    struct co_head *caller; /* ro: the frame that awaits this one, or NULL */
    intptr_t result;        /* private: its result, kept while co_finally runs */
    co_body *body;          /* ro; last, so that a positional initialiser goes on with your field */
#ifdef __cplusplus
    co_head() = default;
    co_head(co_body *b) : at(), caller(0), result(0), body(b) { }
#endif
};
#define co_frame struct co_head co           /* must be the first member of every frame */

/* A running coroutine together with everything it awaits. */
struct co_chain {
    struct co_head *top;    /* ro: the innermost frame, which runs next */
    intptr_t result;        /* rw: the result of the await in progress; at the end, the root's */
};

/* What can be awaited: a result that is there, a frame to run, or a wait that somebody will end. */
#ifdef __clang__                        /* the compiler warns if a co_op is not awaited, */
#define CO_MUST_AWAIT_ __attribute__((warn_unused_result))
#define CO_MUST_USE_ __attribute__((warn_unused_result))    /* or if a result is not looked at */
#elif defined CO_TEXTS_                 /* gcc would complain of the brackets elsewhere */
#define CO_MUST_AWAIT_ [[__nodiscard__]]
#define CO_MUST_USE_ [[__nodiscard__]]
#else
#define CO_MUST_AWAIT_
#define CO_MUST_USE_ CO_ATTRIBUTE_(warn_unused_result)
#endif
typedef struct CO_MUST_AWAIT_ co_op {
    intptr_t result;        /* private: the result; CO_RUN_ or CO_WAIT_ if it is not complete */
    struct co_head *frame;  /* private: NULL if the op is complete */
} co_op;

/* Return type of a function that makes an op: CO_OP http_get(struct http_get *, const char *url);
 * It is co_op with an attribute, by which the compiler warns if the op is not awaited. */
#ifdef CO_TEXTS_                        /* co_op itself has one */
#define CO_OP co_op
#else
#define CO_OP CO_ATTRIBUTE_(warn_unused_result) co_op
#endif

/* Source location and text of one await; its address is even. */
struct co_site {
    CO_EVEN_ const void *label;             /* private: CO_LABELS; of co_begin: the frame's size */
    const char *file, *name, *text;         /* ro: the coroutine's file and name; what it awaits */
    int line;                               /* ro */
#if defined CO_DEBUG && !defined CO_TINY
    int cleans;                             /* private: it is in co_finally */
#endif
};

/* Words
 * co_define(NAME) { co_begin; ... co_end; }   defines the body of coroutine NAME. Its frame is
 *     struct NAME and is called self inside. As with a function, `static` keeps it to this file.
 * co_declare(NAME);   declares it in a header. It is better to export a typed constructor, so that
 *     a forgotten argument does not compile:
 *     CO_OP http_get(struct http_get *frame, const char *url);
 * co_end   returns 0 when it is reached.
 * co_return(value);   leaves through co_finally with a result, which is an integer or a pointer.
 * co_finally;   opens the clean-up section, which runs once however the body is left: by its end, a
 *     return, a failed try or a cancel. It may await but not yield. A co_return or a failed co_try
 *     in it ends the coroutine at once, since clean-up must not start again.
 * co_await(op); co_await(lvalue, op);   evaluates op once, suspends until it is complete, and
 *     stores its result. An op that is already complete does not suspend. asyncio: await
 * co_try(op); co_try(lvalue, op);   does the same, but upon a negative result it leaves with that,
 *     as co_return does. Do not use it for a pointer, which is negative in the upper half of a
 *     32-bit memory.
 * co_pause;   lets the others run; in a task that was cancelled, it leaves with -ECANCELED.
 * co_wait_until(condition);   pauses until the condition holds, as is usual on bare metal.
 * co_for_each(lvalue, &frame) { ... }   awaits co_next again and again and runs the block for each
 *     value. After the last one, lvalue is 0, or negative if the generator failed.
 *     asyncio: async for
 * co_yield;   suspends a generator, which has left a value in its frame for whoever resumed it.
 *     asyncio: yield
 *
 * Calls
 * co_call(&frame, NAME, .field = ...)   is an op that runs coroutine NAME in a frame of yours,
 *     which it zeroes except for the fields named. The frame must stay until the await is over. The
 *     expression &frame may be evaluated twice, here and below.
 * co_init(&frame, NAME, .field = ...);   makes a frame ready, as a generator or to be run by hand.
 * co_start(&chain, &frame, NAME, .field = ...);   does the same for the root of a chain.
 * co_next(&frame)   is an op that runs a generator to its next co_yield and returns 1; at the end
 *     it returns 0, then and ever after, or the negative result with which the generator failed. So
 *     a generator must return 0 or less. asyncio: anext()
 * co_gen_close(&frame)   is an op that ends a generator early, through its co_finally, and returns
 *     the result of that. A generator that has not started or has ended is left alone, and the
 *     result is 0. asyncio: aclose()
 * co_done(result)   is an op that is complete.
 * co_wait()   is an op that waits until somebody puts its result in chain->result and resumes.
 * co_where(&frame.co)   returns the co_site where a coroutine stands; NULL under CO_TINY.
 *     asyncio: get_stack() */

#define CO_CONTAINER_(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
#ifdef __GNUC__
#define CO_RARELY_(condition) __builtin_expect((condition), 0)
#define CO_ATTRIBUTE_(...) __attribute__((__VA_ARGS__))
#define CO_CAST_(lvalue) (__typeof__(lvalue))
#else
#define CO_RARELY_(condition) (condition)
#define CO_ATTRIBUTE_(...)
#define CO_CAST_(lvalue)
#endif

/* Resumes the innermost coroutine of [chain] and runs the chain up to its next suspension. The cost
 * of a resume does not depend on the depth. asyncio: coroutine.send()
 * CO_PAUSED: resume the chain when you like.
 * CO_WAITING: resume it once the awaited result is in chain->result.
 * CO_YIELDED: the root has yielded a value.
 * CO_RETURNED: the root has ended, and chain->result is its result. */
#if defined CO_DEBUG && !defined CO_TINY
static inline co_step_ co_enter_(struct co_chain *chain);
#else
static inline co_step_ co_enter_(struct co_chain *chain)
{
    return chain->top->body(chain->top, chain);
}
#endif
static inline int co_resume(struct co_chain *chain)
{
    co_step_ step = co_enter_(chain);

    while (CO_RARELY_(step.signal <= 0)) {      /* a suspension, the usual case, is one branch */
        if (step.signal == CO_RETURNED)
            break;
        step = co_enter_(chain);
    }
    return step.signal;
}

/* ---- Machinery: private from here on ------------------------------------------------------------
 * frame.at is 0 before the start and 1 after the end. In between it is, with CO_LABELS, the address
 * of a co_site, which is even; otherwise a state, which is odd, with the source line above it where
 * the word has room. States are dense and come in pairs: entered at the even one, a body only
 * reports where it stands; entered at the odd one, it goes on. */
enum { CO_ENDED_ = 1, CO_FINALLY_ = 2, CO_WHERE_ = 3, CO_RUN_ = 0, CO_WAIT_ = 1 };
#define CO_LINE_(co) ((int)((uint32_t)(co)->at.word >> 16))
#ifdef CO_TINY
#define CO_STATE_(co) ((unsigned)(co)->at.word)
#elif defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CO_STATE_(co) (co)->at.half[0]
#else
#define CO_STATE_(co) ((unsigned)((co)->at.word & 0xFFFF))
#endif
#if UINTPTR_MAX > 0xFFFF && !defined CO_TINY
#define CO_PLACE_(state) ((uintptr_t)(state) | (uintptr_t)(__LINE__ & 0xFFFF) << 16)
#else
#define CO_PLACE_(state) ((uintptr_t)(state))
#endif

/* Our case labels start at a large base, so that they differ from those of the user's own switches.
 * Where the base has 64 bits, a label of ours that lands in such a switch does not fit its type,
 * and both compilers warn. The base is folded away, so it costs nothing. */
#if defined CO_LINT || (UINTPTR_MAX > 0xFFFFFFFF && !defined CO_TINY)
#define CO_CASE_ 0x1000000040000000ULL
#elif defined CO_TINY
#define CO_CASE_ 0U
#else
#define CO_CASE_ (UINTPTR_MAX / 4)
#endif

#define CO_OP_ static inline CO_OP
CO_OP_ co_done(intptr_t result) { co_op op = { result, NULL }; return op; }
CO_OP_ co_run_(struct co_head *frame) { co_op op = { CO_RUN_, frame }; return op; }
CO_OP_ co_wait(void)
{
    co_op op = { CO_WAIT_, (struct co_head *)sizeof(struct co_head) };

    return op;
}

static inline co_step_ co_signal_(enum co_signal signal) { co_step_ s = { signal }; return s; }
static inline co_step_ co_tell_(struct co_chain *chain, const struct co_site *site)
{
    chain->result = (intptr_t)site;
    return co_signal_(CO_WAITING);
}

/* Goes down to the child that [op] runs, or leaves the chain to wait. */
static inline co_step_ co_down_(struct co_head *self, struct co_chain *chain, co_op op)
{
    if (op.result != CO_RUN_)
        return co_signal_(CO_WAITING);
    op.frame->caller = self;
    chain->top = op.frame;
    return co_signal_(CO_CALLED_);
}

/* Goes up to the caller with [result]; the root leaves the chain with the signal [root]. */
static inline co_step_ co_up_(struct co_head *self, struct co_chain *chain, intptr_t result,
                              enum co_signal root)
{
    chain->result = result;
    if (!self->caller)
        return co_signal_(root);
    chain->top = self->caller;
    self->caller = NULL;
    return co_signal_(CO_CALLED_);
}

/* Ends a coroutine. It is not inlined in tiny programs, to save flash. */
#ifdef CO_TINY
CO_ATTRIBUTE_(noinline, unused) static
#else
static inline
#endif
co_step_ co_finish_(struct co_head *self, struct co_chain *chain)
{
    self->at.word = CO_ENDED_;
    return co_up_(self, chain, self->result, CO_RETURNED);
}

/* No case label matched: the coroutine was resumed after its end, or at an await inside a switch of
 * the user's; or co_gen_close() ends a generator that has no co_finally. */
CO_ATTRIBUTE_(cold, noinline, unused)
static co_step_ co_lost_(struct co_head *co, struct co_chain *chain, const char *file, int end)
{
    (void)file, (void)end;
    if (CO_STATE_(co) == CO_FINALLY_)
        return co_finish_(co, chain);
#ifdef CO_TINY
    CO_STOP(file, end, "a coroutine was resumed after its end, or awaits inside a switch");
#else
    if (CO_STATE_(co) == CO_ENDED_)
        CO_STOP(file, end, "a coroutine was resumed after its end");
    else if (co->at.word & 1)
        CO_STOP(file, CO_LINE_(co), "an await inside a switch cannot be resumed: write it with "
                                    "if and else, or define CO_LABELS in this file");
    co_tell_(chain, NULL);
#endif
    return co_signal_(co->at.word & 1 ? CO_RETURNED : CO_WAITING);  /* co_where(): no site */
}

CO_OP_ co_next_(struct co_head *co, const char *file, int line)
{
    (void)file, (void)line;
#ifndef CO_TINY
    if (!co->body)
        CO_STOP(file, line, "this generator was not made: call co_init() for it first");
#endif
#if !defined CO_DEBUG || defined CO_TINY        /* else co_apart_ does that, with both places */
    if (co->caller)
        CO_STOP(file, line, "this generator is being awaited already");
#endif
    return CO_STATE_(co) == CO_ENDED_ ? co_done(0) : co_run_(co);
}

CO_OP_ co_gen_close_(struct co_head *co, const char *file, int line)
{
    (void)file, (void)line;
    if (co->caller)
        CO_STOP(file, line, "this generator is being awaited: close it when it has yielded");
    if (co->at.word == 0 || CO_STATE_(co) == CO_ENDED_)
        return co->at.word = CO_ENDED_, co_done(0);
    co->at.word = CO_FINALLY_;
    return co_run_(co);
}

static inline const struct co_site *co_where(struct co_head *co)
{
#ifdef CO_TINY
    return (void)co, (const struct co_site *)NULL;
#else
    struct co_chain chain = { co, 0 };
    uintptr_t at = co->at.word;

    if (at && !(at & 1))
        return (const struct co_site *)at;
    co->at.word = CO_STATE_(co) <= CO_ENDED_ ? (uintptr_t)CO_WHERE_ : (uintptr_t)CO_STATE_(co) - 1;
    co->body(co, &chain);
    co->at.word = at;
    return (const struct co_site *)chain.result;
#endif
}

/* The size of the frame [co]; 0 if nobody knows. */
static inline size_t co_frame_size_(struct co_head *co)
{
#ifdef CO_TINY
    return (void)co, (size_t)0;
#else
    struct co_chain chain = { co, 0 };
    uintptr_t at = co->at.word;
    const struct co_site *site;

    co->at.word = CO_WHERE_;
    co->body(co, &chain);
    co->at.word = at;
    site = (const struct co_site *)chain.result;
    return site ? (size_t)site->label : 0;
#endif
}

/* ---- What CO_DEBUG looks at --------------------------------------------------------------------
 * The place of a mistake is that of the user's await, and not of the library's own coroutines, such
 * as co_within, which may lie below it. */
#ifndef CO_TINY
/* Where [co], or the first of its callers that is no coroutine of the library, stands; or NULL. */
CO_ATTRIBUTE_(cold, unused)
static const struct co_site *co_user_site_(struct co_head *co)
{
    const struct co_site *first = NULL;

    for (; co; co = co->caller) {
        const struct co_site *site = co_where(co);

        if (site && (site->name[0] != 'c' || site->name[1] != 'o' || site->name[2] != '_'))
            return site;
        if (!first)
            first = site;
    }
    return first;
}
#endif
#if defined CO_DEBUG && !defined CO_TINY
/* Writes to [to] as much as there is room for of: [before], the place of [site], [after]. */
CO_ATTRIBUTE_(cold, unused)
static const char *co_words_(char *to, size_t size, const char *before, const struct co_site *site,
                             const char *after)
{
    char digits[12] = "", *digit = digits + sizeof digits - 1;
    const char *parts[5];
    size_t n = 0;

    for (unsigned line = site ? (unsigned)site->line : 0; line > 0; line /= 10)
        *--digit = (char)('0' + line % 10);
    parts[0] = before, parts[1] = site ? site->file : "", parts[2] = site ? ":" : "";
    parts[3] = site ? digit : "", parts[4] = after;
    for (int i = 0; i < 5; i++)
        for (const char *p = parts[i]; *p && n + 1 < size; p++)
            to[n++] = *p;
    to[n] = '\0';
    return to;
}

/* The C stack below the frame of who calls this is dead: what a body left there, and may read after
 * an await by mistake, is made rubbish. */
CO_ATTRIBUTE_(noinline, unused)
static void co_scribble_(void)
{
    const uintptr_t rubbish = (uintptr_t)0x00A5A5A5A5A5A5A5U;       /* a string of it ends */
    volatile uintptr_t dead[2048 / sizeof(uintptr_t)];

    for (volatile uintptr_t *p = dead; p < dead + sizeof dead / sizeof *dead; p += 8) {
        p[0] = rubbish, p[1] = rubbish, p[2] = rubbish, p[3] = rubbish;     /* a quarter of the */
        p[4] = rubbish, p[5] = rubbish, p[6] = rubbish, p[7] = rubbish;     /* time of one each */
    }
    (void)dead[0];
}

/* [self] went down to [child], or up to it: is that in the dead part of the C stack? This looks at
 * one page: whatever the stack, what lies below it is no further away. */
CO_ATTRIBUTE_(noinline, unused)
static void co_check_down_(struct co_head *self, struct co_head *child)
{
    const struct co_site *site;

#if defined __GNUC__ && !defined __TINYC__
    if ((uintptr_t)__builtin_frame_address(0) - (uintptr_t)child < 4096) {
        site = co_user_site_(self);
        CO_STOP(site->file, site->line, "what is awaited here lies on the C stack, which is gone "
                "when the await suspends: make it a member of the frame");
    }
#endif
    if (!child->body) {
        site = co_user_site_(self);
        CO_STOP(site->file, site->line, "the frame that is awaited here was not made: co_call() "
                "or co_init() it");
    }
    (void)site;
}

static inline co_step_ co_enter_(struct co_chain *chain)
{
    struct co_head *self = chain->top;
    co_step_ step;

    if (!self || !self->body)
        CO_STOP(__FILE__, __LINE__, "co_resume() of a chain that co_start() did not make");
    co_scribble_();
    step = self->body(self, chain);
    if (step.signal == CO_CALLED_)
        co_check_down_(self, chain->top);
    return step;
}

/* Stands in for a frame that is used a second time, [co_used_], and stops where it is awaited. */
static struct co_head *co_used_;
CO_ATTRIBUTE_(cold, unused)
static co_step_ co_twice_body_(struct co_head *co, struct co_chain *chain)
{
    const struct co_site *here = co->caller ? co_user_site_(co->caller) : NULL;
    char text[300];

    (void)here;                         /* CO_STOP of yours may use none of these */
    co_words_(text, sizeof text, "what is awaited here is being awaited already at ",
              co_user_site_(co_used_->caller), ": give each await a frame or slot of its own");
    CO_STOP(here ? here->file : __FILE__, here ? here->line : __LINE__, text);
    return co_tell_(chain, NULL);
}
CO_ATTRIBUTE_(cold, unused)
static struct co_head *co_twice_(struct co_head *used)
{
    static struct co_head head;

    co_used_ = used;
    head.at.word = 0;
    head.body = co_twice_body_;
    return &head;
}
#endif

/* clang has no such texts as stand at the end. So an assertion says that a word stands outside of a
 * body, and each await has a label in words, which clang names if it stands in an expression. */
#ifdef __clang__
struct co_inside_ { char no; };
#define CO_ENTER_ struct co_inside_ { char yes[2]; };
#define CO_INSIDE_ __extension__ CO_ASSERT_(sizeof(struct co_inside_) == 2,                       \
    "no co_begin stands above this word: write co_define(NAME) { co_begin; ... co_end; }");
#define CO_DO_(n) CO_DO1_(n)
#define CO_DO1_(n) await_is_a_statement_write_co_await_x_op_##n: do
#define CO_BODY_BEGINS_                                                                           \
    CO_PRAGMA_("clang diagnostic push") CO_PRAGMA_("clang diagnostic ignored \"-Wunused-label\"") \
    CO_PRAGMA_("clang diagnostic warning \"-Wuninitialized\"")                                    \
    CO_PRAGMA_("clang diagnostic warning \"-Wconditional-uninitialized\"")
#define CO_BODY_ENDS_ CO_PRAGMA_("clang diagnostic pop")
#else
#define CO_ENTER_
#define CO_INSIDE_
#define CO_BODY_BEGINS_
#define CO_BODY_ENDS_
#endif
#ifdef __cplusplus
#define CO_ASSERT_ static_assert
#else
#define CO_ASSERT_ _Static_assert
#endif
#if defined __GNUC__ && !defined __TINYC__ && defined __cplusplus
#define CO_FRAME_IS_(NAME) static_assert(__is_trivially_copyable(NAME),                           \
    "a frame holds plain data only: keep what has a constructor or destructor behind a pointer");
#elif defined __GNUC__ && !defined __TINYC__
#define CO_FRAME_IS_(NAME) struct NAME; __extension__ CO_ASSERT_(sizeof(struct NAME) > 0, "");
#else
#define CO_FRAME_IS_(NAME)
#endif

/* The head of the frame, by a cast: so an unknown struct of a frame is complained of only once. */
#define CO_SELF_ ((struct co_head *)(void *)self)

/* A resume point notes its place, leaves by [step], and is where the next resume goes on. Numbers
 * must be dense, so that the switch becomes a jump table. */
#ifdef __COUNTER__
#define CO_COUNT_ __COUNTER__
#else
#define CO_COUNT_ __LINE__
#endif
#if defined CO_DEBUG && !defined CO_TINY
#define CO_CLEANS_(cleans) , cleans
#else
#define CO_CLEANS_(cleans)
#endif
#define CO_SITE_(label, words, cleans) static const struct co_site co_site_ =                     \
        { label, __FILE__, __func__ + sizeof "co_run_" - 1, words, __LINE__ CO_CLEANS_(cleans) }
#ifdef CO_TINY
#define CO_TELL_(state, label, words, cleans)
#else
#define CO_TELL_(state, label, words, cleans)                                                     \
    CO_LABEL_(state): { CO_SITE_(label, words, cleans); return co_tell_(chain_, &co_site_); }
#endif
#if defined CO_LABELS && defined CO_TINY
#define CO_POINT_(n, words, step)                                                                 \
    CO_SELF_->at.word = (uintptr_t)__extension__ &&co_label_##n##_;                               \
    return step;                                                                                  \
    co_label_##n##_:;
#define CO_PLACE_TO_GO_ ((void *)CO_SELF_->at.word)
#elif defined CO_LABELS
#define CO_POINT_(n, words, step)                                                                 \
    CO_SITE_(__extension__ &&co_label_##n##_, words, co_in_finally_);                             \
    CO_SELF_->at.word = (uintptr_t)&co_site_;                                                     \
    return step;                                                                                  \
    co_label_##n##_:;
#define CO_PLACE_TO_GO_ (((const struct co_site *)CO_SELF_->at.word)->label)
#else
#define CO_POINT_(n, words, step)                                                                 \
    enum { co_here_ = 2 * (n - co_begin_is_missing_) + 2 };                                       \
    CO_SELF_->at.word = CO_PLACE_(co_here_ + 1);                                                  \
    return step;                                                                                  \
    CO_TELL_(co_here_, NULL, words, co_in_finally_)                                               \
    case CO_CASE_ + co_here_ + 1:;
#endif
#ifdef CO_LABELS
#define CO_JUMP_                                                                                  \
    CO_PRAGMA_("GCC diagnostic push") CO_PRAGMA_("GCC diagnostic ignored \"-Wpedantic\"")         \
    (void)&&co_out_;                                                                              \
    if (CO_RARELY_(CO_SELF_->at.word <= CO_WHERE_)) { } else                                      \
        goto *CO_PLACE_TO_GO_;                                                                    \
    CO_PRAGMA_("GCC diagnostic pop")
#else
#define CO_JUMP_
#endif
#if defined __GNUC__ && !defined __TINYC__
#define CO_PRAGMA_(text) _Pragma(text)
#else
#define CO_PRAGMA_(text)
#endif
#if defined __GNUC__ && __GNUC__ < 10 && !defined __clang__     /* avr-gcc moves a pragma that */
#define CO_QUIETLY_(text)                   /* stands in an argument in front of the statement */
#else
#define CO_QUIETLY_(text) CO_PRAGMA_(text)
#endif
#if !defined __GNUC__ || defined __TINYC__ || defined __cplusplus
#define CO_GUARD_
#elif defined __clang__
#define CO_GUARD_ CO_GUARD_TOO_
#else
#define CO_GUARD_ CO_PRAGMA_("GCC diagnostic error \"-Wjump-misses-init\"") CO_GUARD_TOO_
#endif
#define CO_GUARD_TOO_                                                                             \
    CO_PRAGMA_("GCC diagnostic error \"-Wreturn-type\"")                                          \
    CO_PRAGMA_("GCC diagnostic error \"-Wincompatible-pointer-types\"")

#define CO_LEAVE_(value) do {                                                                     \
        CO_SELF_->result = (value);                                                               \
        if (co_in_finally_)                                                                       \
            goto co_out_;                                                                         \
        co_leaving_ = 1, co_state_ = CO_FINALLY_;                                                 \
        goto co_dispatch_;                                                                        \
    } while (0)
#define CO_AWAIT_(n, words, op, then) CO_DO_(n) { CO_INSIDE_                                      \
        co_op_ = (op);                                                                            \
        if (co_op_.frame) {                                                                       \
            CO_APART_                                                                             \
            CO_POINT_(n, words, co_down_(CO_SELF_, chain_, co_op_))                               \
            co_op_.result = chain_->result;                                                       \
        }                                                                                         \
        then                                                                                      \
    } while (0)
#if defined CO_DEBUG && !defined CO_TINY
/* The walk up is bounded, so that recursion does not cost the square of its depth. */
CO_ATTRIBUTE_(unused)
static co_op co_apart_(struct co_head *up, co_op op, const char *file, int line)
{
    (void)file, (void)line;
    if (op.result != CO_RUN_)
        return op;
    for (int i = 0; up && i < 200; i++, up = up->caller)
        if (up == op.frame)
            CO_STOP(file, line, "a coroutine awaits itself: the child needs its own frame");
    if (op.frame->caller)
        op.frame = co_twice_(op.frame);
    return op;
}
#define CO_APART_ co_op_ = co_apart_(CO_SELF_, co_op_, __FILE__, __LINE__);
#else
#define CO_APART_
#endif
#define CO_STEP_(n, words, step, then) \
    CO_DO_(n) { CO_INSIDE_ CO_POINT_(n, words, step) then } while (0)
#define CO_PAUSE_(n, words) CO_STEP_(n, words, (chain_->result = 0, co_signal_(CO_PAUSED)),       \
    if (chain_->result < 0) CO_LEAVE_(chain_->result);)
#define CO_YIELD_(n) do { CO_INSIDE_                                                              \
        (void)sizeof(char[co_in_finally_ ? -1 : 1]);            /* refused in co_finally */       \
        CO_POINT_(n, "co_yield", co_up_(CO_SELF_, chain_, 1, CO_YIELDED))                         \
    } while (0)
#define CO_EACH_(n, words, lvalue, generator)                                                     \
    for (;;)                                                                                      \
        if (co_op_ = co_next(generator), co_op_.frame) {                                          \
            CO_APART_                                                                             \
            CO_POINT_(n, words, co_down_(CO_SELF_, chain_, co_op_))                               \
            (lvalue) = CO_CAST_(lvalue)chain_->result;                                            \
            if ((lvalue) > 0)                                                                     \
                goto co_each_##n##_;                                                              \
            break;                                                                                \
        } else if (((lvalue) = CO_CAST_(lvalue)co_op_.result) <= 0)                               \
            break;                                                                                \
        else                                                                                      \
            co_each_##n##_:
#define CO_STORE_(lvalue) (lvalue) = CO_CAST_(lvalue)co_op_.result;
#define CO_CHECK_ if (co_op_.result < 0) CO_LEAVE_(co_op_.result);
#define CO_AWAIT1_(n, words, op) CO_AWAIT_(n, words, op, )
#define CO_AWAIT2_(n, words, lvalue, op) CO_AWAIT_(n, words, op, CO_STORE_(lvalue))
#define CO_TRY1_(n, words, op) CO_AWAIT_(n, words, op, CO_CHECK_)
#define CO_TRY2_(n, words, lvalue, op) CO_AWAIT_(n, words, op, CO_STORE_(lvalue) CO_CHECK_)
#define CO_EXPAND_(macro, ...) macro(__VA_ARGS__)       /* expands __COUNTER__ first */
#define CO_FIRST_(first, ...) first
#define CO_PICK_(a, b, pick, ...) pick

/* Assigns to *frame a NAME with the body co_body_NAME. In co_body_##__VA_ARGS__ only the first
 * argument, which is NAME, is pasted; the others are the fields. */
#ifdef __cplusplus
#define CO_LITERAL_(NAME, ...) NAME{ __VA_ARGS__ }
#define CO_BODY_ .co
#else
#define CO_LITERAL_(NAME, ...) (struct NAME){ __VA_ARGS__ }
#define CO_BODY_ .co.body
#endif
#ifdef __GNUC__
#define CO_MAKE_(NAME, frame, ...) __extension__({                                                \
        CO_QUIETLY_("GCC diagnostic push")                                                        \
        CO_QUIETLY_("GCC diagnostic ignored \"-Wmissing-field-initializers\"")                    \
        struct NAME *co_new_ = (frame);                                                           \
        *co_new_ = CO_LITERAL_(NAME, __VA_ARGS__);                                                \
        CO_QUIETLY_("GCC diagnostic pop")                                                         \
        &co_new_->co; })
#else                       /* [frame] is evaluated twice */
#define CO_MAKE_(NAME, frame, ...) (*(frame) = CO_LITERAL_(NAME, __VA_ARGS__), &(frame)->co)
#endif

#if defined CO_DEBUG && defined __GNUC__ && !defined CO_TINY
CO_ATTRIBUTE_(noinline, unused)     /* inlined, gcc would warn that malloc() sets no frame */
static int co_in_use_(struct co_head *co, co_body *made)   /* not const: gcc would warn, too */
{
    return co->body == made && co->caller;
}
#define CO_CALL_(NAME, frame, ...) __extension__({                                                \
        struct NAME *co_old_ = (frame);                                                           \
        co_in_use_(&co_old_->co, co_body_##NAME) ? co_twice_(&co_old_->co)                        \
                                                 : CO_MAKE_(NAME, co_old_, __VA_ARGS__); })
#else
#define CO_CALL_ CO_MAKE_
#endif
#if !defined __cplusplus || __cplusplus < 202002L       /* in C++20 these are keywords */
#define co_begin                                                                                  \
    CO_PRAGMA_("GCC diagnostic push") CO_GUARD_ CO_ENTER_                                         \
    enum { co_begin_is_missing_ = CO_COUNT_ };                                                    \
    unsigned co_state_;                                                                           \
    int co_leaving_ = 0;                                                                          \
    CO_ATTRIBUTE_(unused) co_op co_op_;                                                           \
    CO_JUMP_                                                                                      \
    co_state_ = CO_STATE_(CO_SELF_);                                                              \
    co_dispatch_: CO_ATTRIBUTE_(unused);                                                          \
    switch (co_state_ + CO_CASE_) {                                                               \
    CO_TELL_(CO_WHERE_, (const void *)sizeof *self, "", 0)                                        \
    case CO_CASE_: do { enum { co_in_finally_ = 0 }
#define co_finally                                                                                \
        goto co_clean_up_; } while (0);                                                           \
        break;                                                                                    \
    case CO_CASE_ + CO_FINALLY_: co_clean_up_: do { enum { co_in_finally_ = 1 }
#define co_end                                                                                    \
        goto co_out_; } while (0);                                                                \
        break;                                                                                    \
    default:                                                                                      \
        if (!co_leaving_)                                                                         \
            return co_lost_(CO_SELF_, chain_, __FILE__, __LINE__);                                \
        goto co_out_;                                                                             \
    }                                                                                             \
    CO_STOP(__FILE__, __LINE__, "a break that stands in no loop left this coroutine");            \
    co_out_:                                                                                      \
    CO_PRAGMA_("GCC diagnostic pop") CO_BODY_ENDS_                                                \
    return co_finish_(CO_SELF_, chain_)
#endif

/* ---- Texts --------------------------------------------------------------------------------------
 * gcc begins a message with the file in which the reported token is spelled, or else with the file
 * that defines the word that the user wrote. So each of these is spelled in a file whose name says
 * what to do; ccache takes names in such brackets for the compiler's own. Before that, this file is
 * a system header, so that gcc shows the user's lines and not ours, and keeps quiet about what only
 * our lines do; a line marker without a flag ends that. Only macros may follow. */
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<no await inside switch, no local across an await: make it a member of the frame>"
#endif
#define CO_LABEL_(state) case CO_CASE_ + (state)        /* no await inside switch, see above */
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<await is a statement: co_await(x, op); if (x < 0) ...>"
#endif
#ifndef __clang__
#define CO_DO_(n) do
#endif
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_define(NAME) needs a struct NAME of plain data that begins with co_frame>"
#endif
#define co_declare(NAME) co_step_ co_body_##NAME(struct co_head *, struct co_chain *)
#define co_define(NAME)                                                                           \
    co_declare(NAME);                                                                             \
    CO_FRAME_IS_(NAME)                                                                            \
    static inline co_step_ co_run_##NAME(struct NAME *self, struct co_chain *chain_);             \
    co_step_ co_body_##NAME(struct co_head *co_, struct co_chain *chain_)                         \
    {                                                                                             \
        (void)sizeof(char[offsetof(struct NAME, co) ? -1 : 1]);     /* co_frame must be first */  \
        return co_run_##NAME((struct NAME *)co_, chain_);                                         \
    }                                                                                             \
    CO_BODY_BEGINS_                                                                               \
    static inline co_step_ co_run_##NAME(struct NAME *self, struct co_chain *chain_)
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_call(&frame, NAME, .field = ...) needs a frame of struct NAME and an await>"
#endif
#define co_call(frame, ...) co_run_(CO_EXPAND_(CO_CALL_, CO_FIRST_(__VA_ARGS__, ~), frame,        \
                                               CO_BODY_ = co_body_##__VA_ARGS__))
#define co_init(frame, ...) ((void)CO_EXPAND_(CO_MAKE_, CO_FIRST_(__VA_ARGS__, ~), frame,         \
                                              CO_BODY_ = co_body_##__VA_ARGS__))
#define co_start(chain, frame, ...) ((void)((chain)->result = 0, (chain)->top =                   \
    CO_EXPAND_(CO_MAKE_, CO_FIRST_(__VA_ARGS__, ~), frame, CO_BODY_ = co_body_##__VA_ARGS__)))
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_next(&frame) and co_gen_close(&frame) are ops on a generator: await them>"
#endif
#define co_next(frame) co_next_(&(frame)->co, __FILE__, __LINE__)
#define co_gen_close(frame) co_gen_close_(&(frame)->co, __FILE__, __LINE__)

#if !defined __cplusplus || __cplusplus < 202002L       /* in C++20 these are keywords */
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_return takes an integer or a pointer, and a local does not survive an await>"
#endif
#define co_return(value) do { CO_INSIDE_ CO_LEAVE_((intptr_t)(value)); } while (0)
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<this word needs an op, and co_define(NAME) { co_begin; ... co_end; } around it>"
#endif
#define co_await(...) CO_EXPAND_(CO_PICK_(__VA_ARGS__, CO_AWAIT2_, CO_AWAIT1_, ~),                \
                                 CO_COUNT_, #__VA_ARGS__, __VA_ARGS__)
#define co_try(...) CO_EXPAND_(CO_PICK_(__VA_ARGS__, CO_TRY2_, CO_TRY1_, ~),                      \
                               CO_COUNT_, #__VA_ARGS__, __VA_ARGS__)
#define co_pause CO_EXPAND_(CO_PAUSE_, CO_COUNT_, "co_pause")
#define co_wait_until(condition) \
    while (!(condition)) CO_EXPAND_(CO_PAUSE_, CO_COUNT_, #condition)
#define co_for_each(lvalue, generator) \
    CO_EXPAND_(CO_EACH_, CO_COUNT_, #generator, lvalue, generator)
#ifdef CO_TEXTS_
#pragma GCC system_header
# 1 "<co_yield needs co_define(NAME) { co_begin; ... } around it, and no co_finally above it>"
#endif
#define co_yield CO_EXPAND_(CO_YIELD_, CO_COUNT_)
#endif
#ifdef CO_LINT_TOOL
#include CO_LINT_TOOL
#endif
#endif
