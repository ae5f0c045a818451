/* SPDX-License-Identifier: MIT */
#include "config/ini_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64], error[INI_FILE_ERROR_SIZE], seen[512];
static const char *stop_at;

#define SYNTAX "syntax error: expected [section], key = value, or # comment, not "

static bool note(const char *text)
{
    strcat(seen, text);
    return !stop_at || !strstr(text, stop_at);
}

static bool on_section(void *ctx, int line, const char *section)
{
    char text[128];

    (void)ctx;
    snprintf(text, sizeof text, "%d[%s] ", line, section);
    return note(text);
}

static bool on_setting(void *ctx, int line, const char *section, const char *key, const char *value)
{
    char text[128];

    (void)ctx;
    snprintf(text, sizeof text, "%d[%s]%s=%s ", line, section, key, value);
    return note(text);
}

static bool read_bytes(const char *text, size_t length)
{
    const struct ini_file_reader reader = {.section = on_section, .setting = on_setting};

    strcpy(path, "/tmp/test_ini_file-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
    seen[0] = error[0] = '\0';
    bool good = ini_file_read(path, &reader, error);
    int problem = errno;
    unlink(path);
    errno = problem;
    return good;
}

static void expect(const char *text, const char *expected)
{
    cr_assert(read_bytes(text, strlen(text)), "%s: %s", text, error);
    cr_assert_str_eq(seen, expected, "%s: %s", text, seen);
}

static void expect_error_bytes(const char *text, size_t length, int line, const char *problem)
{
    char expected[256];

    cr_assert_not(read_bytes(text, length), "%s", text);
    cr_assert_eq(errno, EINVAL);
    snprintf(expected, sizeof expected, "%s:%d: %s", path, line, problem);
    cr_assert_str_eq(error, expected, "%s: %s", text, error);
}

static void expect_error(const char *text, int line, const char *problem)
{
    expect_error_bytes(text, strlen(text), line, problem);
}

Test(ini_file, sections_and_settings_in_order)
{
    expect("", "");
    expect("# x\n; y\n\n", "");
    expect("a=1\n[s]\n b = 2 ; x\n\nc:3\n[t]\n[s]\nd =",
           "1[]a=1 2[s] 3[s]b=2 5[s]c=3 6[t] 7[s] 8[s]d= ");
    expect("\xef\xbb\xbf[s]\r\na=1\r\n", "1[s] 2[s]a=1 ");
    expect(" \t[s] \t\n", "1[s] ");
    expect("[s]# x\n[t]\t; x\n[ u ]", "1[s] 2[t] 3[ u ] ");
    expect("[]", "1[] ");
}

Test(ini_file, comments_behind_values)
{
    expect("a=1 # x\nb=2\t#\nc=3 ; x # y\nd=# x\ne= # x\nf=a#b;c#\n # x",
           "1[]a=1 2[]b=2 3[]c=3 4[]d=# x 5[]e= 6[]f=a#b;c# ");
    expect("a=1 #", "1[]a=1 ");
}

Test(ini_file, bad_sections)
{
    expect_error("[s\n", 1, "section s: expected a closing bracket");
    expect_error("\n[", 2, "section : expected a closing bracket");
    expect_error("[s] a=1\n", 1, "section s: expected nothing after the closing bracket");
    expect_error("[s]]\n", 1, "section s: expected nothing after the closing bracket");
    expect_error("a=1\n\xef\xbb\xbf[s]\n", 2, SYNTAX "'\xef\xbb\xbf[s]'");
    cr_assert_str_eq(seen, "1[]a=1 ", "a byte order mark is on the first line only");
}

Test(ini_file, bad_lines)
{
    char line[9000] = "a=";

    expect_error("[s]\n\n word\r\n", 3, SYNTAX "'word'");
    expect_error("ttl 5m\n", 1, SYNTAX "'ttl 5m'; did you mean ttl = 5m?");
    expect_error("listen   on this", 1,
                 SYNTAX "'listen   on this'; did you mean listen = on this?");
    expect_error("s] x\n", 1, SYNTAX "'s] x'");
    expect_error_bytes("a=1\nb=\0x\n", 9, 2, "NUL byte in the line: expected text in UTF-8");
    expect_error_bytes("\xff\xfe[\0s\0]\0\n\0", 10, 1, "UTF-16 text: expected UTF-8");
    expect_error_bytes("\xfe\xff\0[\0s\0]\0\n", 10, 1, "UTF-16 text: expected UTF-8");
    expect_error("\n\xff\xfe", 2, SYNTAX "'\xff\xfe'");
    expect_error_bytes("a=1\nb=2\0", 8, 2, "NUL byte in the line: expected text in UTF-8");
    memset(line + 2, 'x', sizeof line - 3);
    expect_error(line, 1, "line too long: expected fewer than 8190 bytes");
}

Test(ini_file, stops_when_told_to)
{
    stop_at = "[t]";
    cr_assert_not(read_bytes("[s]\na=1\n[t]\nb=1\nword\n", 21));
    cr_assert_eq(errno, ECANCELED);
    cr_assert_str_eq(seen, "1[s] 2[s]a=1 3[t] ");
    cr_assert_str_empty(error);
    stop_at = "a=1";
    cr_assert_not(read_bytes("[s]\na=1\n[t]\nb=1\nword\n", 21));
    cr_assert_eq(errno, ECANCELED);
    cr_assert_str_eq(seen, "1[s] 2[s]a=1 ");
    cr_assert_str_empty(error);
    stop_at = NULL;
}

Test(ini_file, files_that_cannot_be_read)
{
    const struct ini_file_reader reader = {.section = on_section, .setting = on_setting};

    cr_assert_not(ini_file_read("/nonexistent/x.conf", &reader, error));
    cr_assert_eq(errno, EINVAL);
    cr_assert_str_eq(error, "/nonexistent/x.conf: no such file; create it, or correct the path");
    cr_assert_not(ini_file_read("/tmp", &reader, error));
    cr_assert_eq(errno, EINVAL);
    cr_assert_str_eq(error, "/tmp: it is a directory; a regular file is needed");
}
