/* SPDX-License-Identifier: MIT */
/* The little of Criterion that our tests use, without its processes: each test runs in this one,
 * after the other, and the first assertion that fails ends it.
 *
 * ThreadSanitizer needs it: Criterion maps memory where that has its shadow, and aborts. A test that
 * is to end by a signal or with an exit code is left out, as it would take the others with it. */
#ifndef CRITERION_CRITERION_H
#define CRITERION_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inprocess_test {
    struct inprocess_test *next;
    const char *name;
    void (*run)(void);
    void (*init)(void);
    void (*fini)(void);
    const char *description;
    double timeout;
    int signal;
    int exit_code;
    bool disabled;
};

static struct inprocess_test *inprocess_first;

#define Test(suite, test, ...)                                                                     \
    static void suite##__##test(void);                                                             \
    __attribute__((constructor)) static void suite##__##test##_add(void)                           \
    {                                                                                              \
        static struct inprocess_test self = {.name = #suite "::" #test,                            \
                                             .run = suite##__##test __VA_OPT__(, ) __VA_ARGS__};   \
        self.next = inprocess_first;                                                               \
        inprocess_first = &self;                                                                   \
    }                                                                                              \
    static void suite##__##test(void)

int main(void)
{
    unsigned tested = 0, left_out = 0;

    for (struct inprocess_test *test = inprocess_first; test; test = test->next) {
        if (test->signal || test->exit_code || test->disabled) {
            left_out++;
            continue;
        }
        if (test->init)
            test->init();
        test->run();
        if (test->fini)
            test->fini();
        tested++;
    }
    printf("in one process: Tested: %u | Passing: %u | Left out: %u\n", tested, tested, left_out);
    if (tested + left_out == 0)
        fputs("no tests: this file needs more of Criterion than there is here\n", stderr);
    return tested + left_out == 0;
}

#define inprocess_check(condition, text, ...)                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, text);                      \
            __VA_OPT__(fprintf(stderr, __VA_ARGS__), fputs("\n", stderr);)                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define cr_fail(...) inprocess_check(false, "cr_fail" __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert(c, ...) inprocess_check(c, #c __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_not(c, ...) inprocess_check(!(c), "!(" #c ")" __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_null(p, ...) inprocess_check(!(p), #p " is null" __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_not_null(p, ...) inprocess_check(p, #p " is not null" __VA_OPT__(, ) __VA_ARGS__)

#define inprocess_compare(a, op, b, ...)                                                           \
    inprocess_check((a)op(b), #a " " #op " " #b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_eq(a, b, ...) inprocess_compare(a, ==, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_neq(a, b, ...) inprocess_compare(a, !=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_lt(a, b, ...) inprocess_compare(a, <, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_leq(a, b, ...) inprocess_compare(a, <=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_gt(a, b, ...) inprocess_compare(a, >, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_geq(a, b, ...) inprocess_compare(a, >=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
    inprocess_check(strcmp(a, b) == 0, #a " is " #b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                                               \
    inprocess_check(strcmp(a, b) != 0, #a " is not " #b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_str_empty(a, ...)                                                                \
    inprocess_check(!*(a), #a " is empty" __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...)                                                          \
    inprocess_check(memcmp(a, b, size) == 0, #a " has the bytes of " #b __VA_OPT__(, ) __VA_ARGS__)

#define cr_skip_test(...) return

#define cr_expect cr_assert
#define cr_expect_not cr_assert_not
#define cr_expect_null cr_assert_null
#define cr_expect_not_null cr_assert_not_null
#define cr_expect_eq cr_assert_eq
#define cr_expect_neq cr_assert_neq
#define cr_expect_lt cr_assert_lt
#define cr_expect_leq cr_assert_leq
#define cr_expect_gt cr_assert_gt
#define cr_expect_geq cr_assert_geq
#define cr_expect_str_eq cr_assert_str_eq
#define cr_expect_str_neq cr_assert_str_neq
#define cr_expect_str_empty cr_assert_str_empty
#define cr_expect_arr_eq cr_assert_arr_eq

#endif
