/* SPDX-License-Identifier: MIT */
/* Tokens when the memory gives out, at a reload say: that is not taken for a wrong file. */
#include "../../support/c/short_memory.h"
#include "net/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char text[2000];

static void write_text(void)
{
    char digest[TOKEN_DIGEST_SIZE], name[8];
    size_t length = 0;

    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "n%d", i);
        token_digest(span_of(name), digest);
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s %s all\n", name, digest);
    }
}

static void expect_out_of_memory(bool only_once)
{
    char error[TOKENS_ERROR_SIZE];
    int line;

    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, only_once);
        struct tokens *tokens = tokens_parse(span_of(text), &line, error);
        int problem = errno;
        bool failed = memory_stop();
        if (!failed) {
            cr_assert_geq(fail_at, 5);
            cr_assert_eq(tokens_count(tokens), 9);
            tokens_unref(tokens);
            return;
        }
        cr_assert_null(tokens, "allocation %ld", fail_at);
        cr_assert_eq(problem, ENOMEM, "allocation %ld: %s", fail_at, error);
        cr_assert_str_eq(error, "out of memory");
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
}

Test(tokens_memory, is_out)
{
    write_text();
    expect_out_of_memory(false);
    expect_out_of_memory(true);
}
