/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2], real_stderr;
static char text[4096];

static void redirect(void)
{
    cr_assert_eq(pipe(ends), 0);
    real_stderr = dup(STDERR_FILENO);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
}

/* What was written meanwhile. */
static const char *restore(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    ssize_t got = read(ends[0], text, sizeof text - 1);
    cr_assert_geq(got, 0);
    text[got] = '\0';
    close(ends[0]);
    return text;
}

Test(log, one_line_each)
{
    redirect();
    errno = ENOENT;
    log_info("%d %s", 1, "info");
    log_warnx("warnx");
    log_warn("warn");
    log_errx("errx");
    log_err("err");
    int kept = errno;
    cr_assert_str_eq(restore(), "p0f-lookupd: 1 info\n"
                                "p0f-lookupd: warnx\n"
                                "p0f-lookupd: warn: No such file or directory\n"
                                "p0f-lookupd: errx\n"
                                "p0f-lookupd: err: No such file or directory\n");
    cr_assert_eq(kept, ENOENT);
}

Test(log, errno_is_kept_when_writing_fails)
{
    redirect();
    close(STDERR_FILENO);
    errno = ENOENT;
    log_err("nobody hears");
    int kept = errno;
    cr_assert_str_empty(restore());
    cr_assert_eq(kept, ENOENT);
}

Test(log, long_lines_are_cut)
{
    char message[3000];

    memset(message, 'x', sizeof message);
    message[sizeof message - 1] = '\0';
    redirect();
    log_err("%s", message);
    restore();
    cr_assert_leq(strlen(text), 1024);
    cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
    cr_assert_eq(strspn(text + strlen("p0f-lookupd: "), "x"), strlen(text) - 14);
}

Test(log, journal_lines_have_a_priority)
{
    char stream[64];
    struct stat own;

    redirect();
    cr_assert_eq(fstat(STDERR_FILENO, &own), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)own.st_dev,
             (unsigned long long)own.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init();
    log_info("a");
    log_warnx("b");
    log_errx("c");
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_init();
    log_info("elsewhere");
    unsetenv("JOURNAL_STREAM");
    log_init();
    log_info("nowhere");
    cr_assert_str_eq(restore(), "<6>a\n<4>b\n<3>c\n"
                                "p0f-lookupd: elsewhere\np0f-lookupd: nowhere\n");
}

Test(log, a_line_stays_one)
{
    redirect();
    log_info("GET %s", "/x\nforged: line\r\t\x1b[31m\x7f\xc3\xa9");
    cr_assert_str_eq(restore(), "p0f-lookupd: GET /x?forged: line???[31m?\xc3\xa9\n");
}
