/* SPDX-License-Identifier: MIT */
#include "net/tokens.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

/* Of "test", "abc" and "". */
#define TEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct tokens *read_tokens(const char *text)
{
    char error[TOKENS_ERROR_SIZE] = "";
    int line;
    struct tokens *tokens = tokens_parse(span_of(text), &line, error);

    cr_assert_not_null(tokens, "%s: line %d: %s", text, line, error);
    return tokens;
}

static void expect_refused(const char *text, int expected_line, const char *message)
{
    char error[TOKENS_ERROR_SIZE] = "";
    int line = -1;

    errno = 0;
    cr_assert_null(tokens_parse(span_of(text), &line, error), "%s", text);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(line, expected_line, "%s: line %d", text, line);
    cr_assert_not_null(strstr(error, message), "%s: %s", text, error);
}

static int find_role(const struct tokens *tokens, const char *token)
{
    enum token_role role;

    return tokens_find(tokens, span_of(token), &role) ? (int)role : -1;
}

Test(tokens, digests)
{
    char text[TOKEN_DIGEST_SIZE];

    token_digest(span_of("test"), text);
    cr_assert_str_eq(text, TEST);
    token_digest((struct span){"abcd", 3}, text);
    cr_assert_str_eq(text, ABC);
}

Test(tokens, are_found_with_their_role)
{
    struct tokens *tokens = read_tokens("a " TEST "\nb\t" ABC " \t metrics\n");

    cr_assert_eq(tokens_count(tokens), 2);
    cr_assert_eq(find_role(tokens, "test"), ROLE_LOOKUP);
    cr_assert_eq(find_role(tokens, "abc"), ROLE_METRICS);
    cr_assert_eq(find_role(tokens, "tesu"), -1);
    cr_assert_eq(find_role(tokens, "test "), -1);
    cr_assert_eq(find_role(tokens, ""), -1);
    cr_assert_eq(find_role(tokens, TEST), -1);
    tokens_unref(tokens);
}

Test(tokens, every_role)
{
    struct tokens *tokens = read_tokens("a " TEST " self\nb " ABC " all");

    cr_assert_eq(find_role(tokens, "test"), ROLE_SELF);
    cr_assert_eq(find_role(tokens, "abc"), ROLE_ALL);
    tokens_unref(tokens);
    for (enum token_role role = ROLE_LOOKUP; role <= ROLE_ALL; role++) {
        enum token_role found;
        cr_assert(token_role_find(span_of(token_role_name(role)), &found));
        cr_assert_eq(found, role);
    }
}

Test(tokens, what_roles_permit)
{
    cr_assert_eq(token_role_permits(ROLE_SELF), PERMIT_SELF);
    cr_assert_eq(token_role_permits(ROLE_LOOKUP), PERMIT_SELF | PERMIT_LOOKUP);
    cr_assert_eq(token_role_permits(ROLE_METRICS), PERMIT_METRICS);
    cr_assert_eq(token_role_permits(ROLE_ALL), PERMIT_ANY);
}

Test(tokens, file_as_people_write_it)
{
    struct tokens *tokens = read_tokens(
        "\xef\xbb\xbf# tokens\r\n\r\n  \t\n   # more\n  web-1.example_X  " TEST "  all  \r\n#" ABC);

    cr_assert_eq(tokens_count(tokens), 1);
    cr_assert_eq(find_role(tokens, "test"), ROLE_ALL);
    tokens_unref(tokens);
    tokens =
        read_tokens("a sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08");
    cr_assert_eq(find_role(tokens, "test"), ROLE_LOOKUP);
    tokens_unref(tokens);
}

Test(tokens, lines_that_are_wrong)
{
    expect_refused("", 0, "it holds no token");
    expect_refused("\n#\n\n", 0, "it holds no token");
    expect_refused("\n\na", 3, "expected NAME sha256:DIGEST [ROLE]");
    expect_refused("a p0fl_secret", 1, "expected sha256:DIGEST; if this is the token itself");
    expect_refused("a p0fl_secret lookup", 1, "printf %s TOKEN | sha256sum");
    expect_refused("a lookup", 1, "expected sha256:DIGEST");
    expect_refused("a sha256:", 1, "expected 64 hexadecimal digits");
    expect_refused("a " TEST "0", 1, "expected 64 hexadecimal digits");
    expect_refused("a sha256:xf86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 1,
                   "expected 64 hexadecimal digits");
    expect_refused("a 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 1,
                   "no sha256: in front of it");
    expect_refused("a sha512:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 1,
                   "expected sha256:DIGEST");
    expect_refused("a " NOTHING, 1, "the digest of an empty token");
    expect_refused("a " TEST " admin", 1, "unknown role: expected lookup, self, metrics or all");
    expect_refused("a " TEST " all # ours", 1, "expected nothing after the role");
    expect_refused("a/b " TEST, 1, "expected a name of 1 to 64 letters");
    expect_refused(TEST " a", 1, "expected a name");
    expect_refused("a " TEST "\nb " ABC "\n\na " ABC, 4, "duplicate name a: already on line 1");
    expect_refused("a " TEST "\nb " TEST " all", 2, "b has the same token as a on line 1");
}

Test(tokens, nul_byte)
{
    char error[TOKENS_ERROR_SIZE];
    int line;

    cr_assert_null(tokens_parse((struct span){"a\0 " TEST, 3 + 71}, &line, error));
    cr_assert_str_eq(error, "NUL byte: expected text");
}

Test(tokens, errors_never_show_what_may_be_a_token)
{
    static const char *const texts[] = {
        "SECRET",          "SECRET SECRET",     "a SECRET",
        "a sha256:SECRET", "a " TEST " SECRET", "a " TEST " all SECRET",
        "a=SECRET",        "SECRET " TEST " x", "Bearer SECRET"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char error[TOKENS_ERROR_SIZE];
        int line;
        cr_assert_null(tokens_parse(span_of(texts[i]), &line, error), "%s", texts[i]);
        cr_assert_null(strstr(error, "SECRET"), "%s: %s", texts[i], error);
    }
}

Test(tokens, names)
{
    char name[TOKEN_NAME_MAX + 2];

    memset(name, 'x', sizeof name);
    cr_assert(token_name_is_valid((struct span){name, TOKEN_NAME_MAX}));
    cr_assert_not(token_name_is_valid((struct span){name, TOKEN_NAME_MAX + 1}));
    cr_assert_not(token_name_is_valid(span_of("")));
    cr_assert_not(token_name_is_valid(span_of("a b")));
    cr_assert_not(token_name_is_valid(span_of("#a")));
    cr_assert_not(token_name_is_valid(span_of("caf\xc3\xa9")));
}

/* As many as there may be, and one more. */
Test(tokens, many)
{
    static char text[(TOKENS_MAX + 1) * 100];
    char digest[TOKEN_DIGEST_SIZE], token[16];
    size_t length = 0, end = 0;

    for (int i = 0; i <= TOKENS_MAX; i++) {
        end = length;
        snprintf(token, sizeof token, "t%d", i);
        token_digest(span_of(token), digest);
        length += (size_t)snprintf(text + length, sizeof text - length, "n%d %s %s\n", i, digest,
                                   i % 2 ? "self" : "all");
    }
    expect_refused(text, TOKENS_MAX + 1, "too many tokens: expected at most 1000");
    text[end] = '\0';
    struct tokens *tokens = read_tokens(text);
    cr_assert_eq(tokens_count(tokens), TOKENS_MAX);
    cr_assert_eq(find_role(tokens, "t0"), ROLE_ALL);
    cr_assert_eq(find_role(tokens, "t501"), ROLE_SELF);
    cr_assert_eq(find_role(tokens, "t999"), ROLE_SELF);
    cr_assert_eq(find_role(tokens, "t1000"), -1);
    tokens_unref(tokens);
}

Test(tokens, references)
{
    struct tokens *tokens = read_tokens("a " TEST);

    cr_assert_eq(tokens_ref(tokens), tokens);
    tokens_unref(tokens);
    cr_assert_eq(find_role(tokens, "test"), ROLE_LOOKUP);
    tokens_unref(tokens);
    tokens_unref(NULL);
}
