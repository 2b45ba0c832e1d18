/* You will see a student study and play with the phone at once, in 3 s and not in 5.5 s. */
#include "loop.h"
#include "options.h"

#include <stdio.h>

struct scores { int maths, english; };

/* A coroutine whose result is more than an integer leaves it in its frame. */
struct study {
    co_frame;
    double nap;                 /* the argument */
    int hour;
    struct scores scores;       /* the result */
};

co_define(study) {
    co_begin;
    for (self->hour = 1; self->hour <= 3; self->hour++) {
        printf("I am studying: %d hour%s\n", self->hour, self->hour > 1 ? "s" : "");
        co_try(co_sleep(self->nap));
    }
    self->scores = (struct scores){ .maths = 95, .english = 88 };
    co_end;
}

struct phone { co_frame; double nap; int time; };
co_define(phone) {
    co_begin;
    for (self->time = 1; self->time <= 10; self->time++) {
        printf("    I am playing with the phone: %d\n", self->time);
        co_try(co_sleep(self->nap));
    }
    co_end;
}

struct student {
    co_frame;
    double scale;               /* the argument */
    double start;
    struct co_task *study, *phone;
};

co_define(student) {
    co_begin;
    self->start = co_time();
    self->study = co_spawn(study, .nap = 1 * self->scale);
    self->phone = co_spawn(phone, .nap = 0.25 * self->scale);
    co_try(co_join(self->study));
    printf("Scores: maths %d, english %d\n", CO_TASK_FRAME(self->study, study)->scores.maths,
           CO_TASK_FRAME(self->study, study)->scores.english);
    co_try(co_join(self->phone));
    printf("Cost time: %.2f, one after the other it would be %.2f\n",
           co_time() - self->start, 5.5 * self->scale);
    co_finally;
    co_task_detach(self->study);
    co_task_detach(self->phone);
    co_end;
}

int main(int argc, char **argv)
{
    double scale = options_read(argc, argv, "[--scale FACTOR]").scale;

    return co_main(student, .scale = scale) < 0;
}
