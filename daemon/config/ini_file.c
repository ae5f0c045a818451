/* SPDX-License-Identifier: MIT */
#include "config/ini_file.h"

#include "core/log.h"
#include "core/span.h"
#include "net/redis_url.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX (1024 * 1024)
#define LINE_SIZE 8192
#define INI_NO_MEMORY (-2)

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct ini_file {
    const struct ini_file_reader *reader;
    const char *path;
    char *error;      /* INI_FILE_ERROR_SIZE */
    struct span rest; /* not read yet */
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
    char problem[160], shown[60];

    redis_url_redact(name, shown, sizeof shown); /* all of a line with share.server, perhaps */
    snprintf(problem, sizeof problem, "section %s: expected %s", shown, expected);
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

/* Copies the next line with its line feed, as fgets() would. False if libinih could not take it: it would
 * cut a long line, and take a NUL for its end. */
static bool copy_line(struct ini_file *file, char *line, size_t size)
{
    const char *feed = memchr(file->rest.at, '\n', file->rest.length);
    size_t length = feed ? (size_t)(feed + 1 - file->rest.at) : file->rest.length;

    file->line++;
    if (file->line == 1 &&
        (span_skip(&file->rest, "\xff\xfe") || span_skip(&file->rest, "\xfe\xff")))
        fail_at_line(file, "UTF-16 text: expected UTF-8");
    else if (memchr(file->rest.at, '\0', length))
        fail_at_line(file, "NUL byte in the line: expected text in UTF-8");
    else if (length >= size)
        fail_at_line(file, "line too long: expected fewer than 8190 bytes");
    else
        memcpy(line, file->rest.at, length);
    if (file->failure)
        return false;
    line[length] = '\0';
    file->rest = span_from(file->rest, length);
    return true;
}

/* Gives libinih the next line. */
static char *next_line(char *line, int size, void *ctx)
{
    struct ini_file *file = ctx;

    if (file->failure || file->rest.length == 0 || !copy_line(file, line, (size_t)size))
        return NULL;
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

static void parse_text(struct ini_file *file)
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
    }
}

bool ini_file_read(const char *path, const struct ini_file_reader *reader,
                   char error[INI_FILE_ERROR_SIZE])
{
    struct ini_file file = {.reader = reader, .path = path, .error = error};
    struct small_file content;

    if (!small_file_read(path, FILE_MAX, &content, error))
        return false;
    if (!small_file_check_mode(path, &content, S_IWOTH, error))
        log_warnx("%s", error);
    file.rest = (struct span){content.text, content.length};
    parse_text(&file);
    small_file_free(&content);
    errno = file.failure;
    return !file.failure;
}
