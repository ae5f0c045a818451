/* SPDX-License-Identifier: MIT */
#include "config/ini_file.h"

#include "core/span.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 8192
#define INI_NO_MEMORY (-2)

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct ini_file {
    const struct ini_file_reader *reader;
    const char *path;
    char *error; /* INI_FILE_ERROR_SIZE */
    FILE *stream;
    int line;
    char text[64]; /* of the line, as much as a message shows */
    int failure;   /* errno, 0 while all is well */
};

static void fail_at_line(struct ini_file *file, const char *problem)
{
    if (!file->failure)
        snprintf(file->error, INI_FILE_ERROR_SIZE, "%.300s:%d: %s", file->path, file->line,
                 problem);
    file->failure = EINVAL;
}

static void fail_in_section(struct ini_file *file, struct span name, const char *expected)
{
    char problem[160];

    snprintf(problem, sizeof problem, "section %.*s: expected %s",
             name.length < 60 ? (int)name.length : 60, name.at, expected);
    fail_at_line(file, problem);
}

/* libinih reports a section with its first key, so one without keys would go unseen. It also ignores
 * what follows the bracket. */
static void check_section(struct ini_file *file, const char *line)
{
    struct span rest = span_of(line);
    char name[64];

    if (file->line == 1)
        span_skip(&rest, BYTE_ORDER_MARK); /* libinih skips it, too */
    rest = span_trim(rest);
    if (!span_skip(&rest, "["))
        return;
    rest.length = strcspn(rest.at, "\r\n");
    size_t before = rest.length;
    struct span section = span_split(&rest, ']');
    bool closed = section.length < before;
    rest = span_trim(rest);
    if (!closed) {
        fail_in_section(file, section, "a closing bracket");
    } else if (rest.length > 0 && rest.at[0] != ';' && rest.at[0] != '#') {
        fail_in_section(file, section, "nothing after the closing bracket");
    } else {
        snprintf(name, sizeof name, "%.*s", (int)section.length, section.at);
        if (!file->reader->section(file->reader->ctx, file->line, name))
            file->failure = ECANCELED;
    }
}

static void keep_text(struct ini_file *file, const char *line)
{
    struct span text = span_trim((struct span){line, strcspn(line, "\r\n")});
    size_t length = text.length < sizeof file->text ? text.length : sizeof file->text - 1;

    memcpy(file->text, text.at, length);
    file->text[length] = '\0';
}

/* libinih ends a value at a ';' behind whitespace, but not at a '#'. */
static void cut_comment(char *line)
{
    for (char *at = line; (at = strchr(at, '#')); at++) {
        if (at > line && isspace((unsigned char)at[-1])) {
            strcpy(at, "\n");
            return;
        }
    }
}

/* Gives libinih the next line, as fgets() would. libinih would cut a long line, and take a NUL for
 * its end. */
static char *next_line(char *line, int size, void *ctx)
{
    struct ini_file *file = ctx;

    if (file->failure || !fgets(line, size, file->stream))
        return NULL;
    file->line++;
    if (file->line == 1 &&
        (strncmp(line, "\xff\xfe", 2) == 0 || strncmp(line, "\xfe\xff", 2) == 0)) {
        fail_at_line(file, "UTF-16 text: expected UTF-8");
        return NULL;
    }
    if (!strchr(line, '\n') && !feof(file->stream)) {
        fail_at_line(file, strlen(line) + 1 < (size_t)size
                               ? "NUL byte in the line: expected text in UTF-8"
                               : "line too long: expected fewer than 8190 bytes");
        return NULL;
    }
    keep_text(file, line);
    check_section(file, line);
    cut_comment(line);
    return file->failure ? NULL : line;
}

/* "ttl 5m" lacks only the '='. */
static void fail_syntax(struct ini_file *file)
{
    struct span rest = span_of(file->text), key = span_split(&rest, ' ');
    char problem[256], hint[96] = "";

    rest = span_trim(rest);
    if (rest.length > 0 && key.length == strspn(key.at, "abcdefghijklmnopqrstuvwxyz_"))
        snprintf(hint, sizeof hint, "; did you mean %.*s = %.*s?", (int)key.length, key.at,
                 (int)rest.length, rest.at);
    snprintf(problem, sizeof problem,
             "syntax error: expected [section], key = value, or # comment, not '%s'%s", file->text,
             hint);
    fail_at_line(file, problem);
}

static int take_setting(void *ctx, const char *section, const char *key, const char *value)
{
    struct ini_file *file = ctx;

    if (!file->failure &&
        !file->reader->setting(file->reader->ctx, file->line, section, key, value))
        file->failure = ECANCELED;
    return !file->failure;
}

static void read_stream(struct ini_file *file)
{
    ini_use_stack = false;
    ini_max_line = LINE_SIZE;
    ini_initial_alloc = LINE_SIZE;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    int bad_line = ini_parse_stream(next_line, file, take_setting, file);

    if (file->failure)
        return;
    if (bad_line == INI_NO_MEMORY) {
        snprintf(file->error, INI_FILE_ERROR_SIZE, "out of memory");
        file->failure = ENOMEM;
    } else if (bad_line != 0) {
        fail_syntax(file);
    } else if (ferror(file->stream)) {
        snprintf(file->error, INI_FILE_ERROR_SIZE, "%.300s: %s", file->path, strerror(errno));
        file->failure = EINVAL;
    }
}

bool ini_file_read(const char *path, const struct ini_file_reader *reader,
                   char error[INI_FILE_ERROR_SIZE])
{
    struct ini_file file = {.reader = reader, .path = path, .error = error};

    file.stream = fopen(path, "re");
    if (!file.stream) {
        file.failure = errno == ENOMEM ? ENOMEM : EINVAL;
        snprintf(error, INI_FILE_ERROR_SIZE, "%.300s: %s", path, strerror(errno));
    } else {
        read_stream(&file);
        fclose(file.stream);
    }
    errno = file.failure;
    return !file.failure;
}
