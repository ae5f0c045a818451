/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "config/option.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX 8192
#define INI_NO_MEMORY (-2)

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define ENV_PREFIX "P0F_LOOKUPD_"

struct loading {
    struct config *config;
    char *error; /* CONFIG_ERROR_SIZE */
    const char *file;
    FILE *stream;
    int line;
    bool failed;
    bool no_memory; /* is why */
    bool *seen;     /* in the file, by option */
};

static bool set(struct loading *loading, const char *origin, const struct option *option,
                const char *value)
{
    char expected[OPTION_EXPECTED_SIZE];

    errno = 0;
    if (option_set(option, loading->config, value, expected))
        return true;
    loading->no_memory = errno == ENOMEM;
    snprintf(loading->error, CONFIG_ERROR_SIZE, "%s: %s.%s = %.60s: expected %s", origin,
             option->section, option->key, value, expected);
    return false;
}

static bool fail_for_memory(struct loading *loading)
{
    snprintf(loading->error, CONFIG_ERROR_SIZE, "out of memory");
    loading->no_memory = true;
    return false;
}

/* ---- The file */

static void fail_at_line(struct loading *loading, const char *problem, const char *what,
                         const char *advice)
{
    if (!loading->failed)
        snprintf(loading->error, CONFIG_ERROR_SIZE, "%s:%d: %s %.80s: %s", loading->file,
                 loading->line, problem, what, advice);
    loading->failed = true;
}

/* libinih tells of a section only with its first key, so an empty unknown one is looked for here. */
static void check_section(struct loading *loading, const char *line)
{
    char name[64];
    if (loading->line == 1 && strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        line += strlen(BYTE_ORDER_MARK); /* libinih passes over it, too */
    const char *start = line + strspn(line, " \t");
    size_t length = strcspn(start, "]\r\n");

    if (*start != '[' || loading->failed)
        return;
    snprintf(name, sizeof name, "%.*s", (int)(length > 1 ? length - 1 : 0), start + 1);
    if (start[length] != ']')
        fail_at_line(loading, "section", name, "expected a closing bracket");
    else if (!option_has_section(name))
        fail_at_line(loading, "unknown section", name, "expected http, p0f or cache");
    else if (!strchr(";#\r\n", start[length + 1 + strspn(start + length + 1, " \t")]))
        fail_at_line(loading, "section", name, "expected nothing behind the closing bracket");
}

/* libinih's source of lines, like fgets; it counts them and refuses one that would be cut. */
static char *read_line(char *line, int size, void *ctx)
{
    struct loading *loading = ctx;

    if (loading->failed || !fgets(line, size, loading->stream))
        return NULL;
    loading->line++;
    if (!strchr(line, '\n') && !feof(loading->stream)) {
        if (strlen(line) + 1 < (size_t)size)
            fail_at_line(loading, "this line", "has a NUL in it", "expected text");
        else
            fail_at_line(loading, "this line", "is too long", "expected fewer than 8190 bytes");
        return NULL;
    }
    check_section(loading, line);
    return line;
}

static int take_line(void *ctx, const char *section, const char *key, const char *value)
{
    struct loading *loading = ctx;
    char name[160], origin[256];

    if (loading->failed)
        return 0;
    const struct option *option = option_find(section, strlen(section), key);
    snprintf(name, sizeof name, "%s%s%s", section, section[0] ? "." : "", key);
    snprintf(origin, sizeof origin, "%s:%d", loading->file, loading->line);
    if (!option) {
        fail_at_line(loading, "unknown key", name, "p0f-lookupd -h lists those there are");
    } else if (loading->seen[option_index(option)]) {
        fail_at_line(loading, "duplicate key", name, "expected once only");
    } else {
        loading->seen[option_index(option)] = true;
        loading->failed = !set(loading, origin, option, value);
    }
    return !loading->failed;
}

static bool load_stream(struct loading *loading)
{
    ini_use_stack = false;
    ini_max_line = LINE_MAX;
    ini_initial_alloc = LINE_MAX;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    int bad_line = ini_parse_stream(read_line, loading, take_line, loading);

    if (bad_line == INI_NO_MEMORY)
        return fail_for_memory(loading);
    if (bad_line != 0 && !loading->failed)
        fail_at_line(loading, "this line", "is none",
                     "expected [section], key = value, or # comment");
    if (ferror(loading->stream) && !loading->failed) {
        snprintf(loading->error, CONFIG_ERROR_SIZE, "%s: %s", loading->file, strerror(errno));
        loading->failed = true;
    }
    return !loading->failed;
}

static bool load_file(struct loading *loading)
{
    loading->stream = fopen(loading->file, "re");
    if (!loading->stream) {
        loading->no_memory = errno == ENOMEM;
        snprintf(loading->error, CONFIG_ERROR_SIZE, "%s: %s", loading->file, strerror(errno));
        return false;
    }
    bool good = load_stream(loading);
    fclose(loading->stream);
    return good;
}

/* ---- The environment and the command line */

static bool load_variable(struct loading *loading, const char *variable)
{
    const char *value = strchr(variable, '=');
    char name[64], origin[128];

    if (!value)
        return true;
    snprintf(origin, sizeof origin, "environment variable %.*s", (int)(value - variable), variable);
    snprintf(name, sizeof name, "%.*s", (int)(value - variable), variable);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const char *section = name + strlen(ENV_PREFIX), *underscore = strchr(section, '_');
    const struct option *option =
        underscore ? option_find(section, (size_t)(underscore - section), underscore + 1) : NULL;
    if (option)
        return set(loading, origin, option, value + 1);
    snprintf(loading->error, CONFIG_ERROR_SIZE,
             "%s: no such key: expected " ENV_PREFIX "SECTION_KEY (p0f-lookupd -h lists them)",
             origin);
    return false;
}

static bool load_environment(struct loading *loading, char *const *environment)
{
    for (; environment && *environment; environment++)
        if (strncmp(*environment, ENV_PREFIX, strlen(ENV_PREFIX)) == 0 &&
            !load_variable(loading, *environment))
            return false;
    return true;
}

static bool load_override(struct loading *loading, const char *text)
{
    const char *value = strchr(text, '=');
    const char *dot = strchr(text, '.');
    char key[64];

    if (!value || !dot || dot > value) {
        snprintf(loading->error, CONFIG_ERROR_SIZE, "-o %.80s: expected section.key=value", text);
        return false;
    }
    snprintf(key, sizeof key, "%.*s", (int)(value - dot - 1), dot + 1);
    const struct option *option = option_find(text, (size_t)(dot - text), key);
    if (!option) {
        snprintf(loading->error, CONFIG_ERROR_SIZE,
                 "-o %.80s: unknown key (p0f-lookupd -h lists those there are)", text);
        return false;
    }
    return set(loading, "-o", option, value + 1);
}

/* ---- The whole */

static bool load_all(struct loading *loading, const struct config_source *source)
{
    if (!option_set_defaults(loading->config))
        return fail_for_memory(loading);
    if (loading->file && !load_file(loading))
        return false;
    if (!load_environment(loading, source->environ))
        return false;
    for (size_t i = 0; i < source->override_count; i++)
        if (!load_override(loading, source->override[i]))
            return false;
    return true;
}

static const char *file_of(const struct config_source *source)
{
    if (!source->file && source->later_file && access(source->later_file, F_OK) == 0)
        return source->later_file;
    return source->file;
}

struct config *config_load(const struct config_source *source, char error[CONFIG_ERROR_SIZE])
{
    struct loading loading = {.error = error, .file = file_of(source)};
    struct config *config = loading.config = calloc(1, sizeof *config);

    loading.seen = calloc(option_count(), sizeof *loading.seen);
    bool good = config && loading.seen ? load_all(&loading, source) : fail_for_memory(&loading);
    free(loading.seen);
    if (good)
        return config;
    config_free(config);
    errno = loading.no_memory ? ENOMEM : EINVAL;
    return NULL;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    option_release(config);
    free(config);
}

void config_restart_needed(const struct config *before, const struct config *after,
                           void (*changed)(const char *name))
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *option = option_at(i);
        char name[128];
        if (option->reloadable || option_equal(option, before, after))
            continue;
        snprintf(name, sizeof name, "%s.%s", option->section, option->key);
        changed(name);
    }
}

void config_adopt(struct config *running, const struct config *fresh)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *option = option_at(i);
        char space[OPTION_TEXT_SIZE], expected[OPTION_EXPECTED_SIZE];
        if (option->reloadable)
            option_set(option, running, option_format(option, fresh, space), expected);
    }
}

void config_each(const struct config *config,
                 void (*each)(void *ctx, const char *section, const char *key, const char *value),
                 void *ctx)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *option = option_at(i);
        char space[OPTION_TEXT_SIZE];
        each(ctx, option->section, option->key, option_format(option, config, space));
    }
}

void config_print_options(FILE *out)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *option = option_at(i);
        char name[64];
        snprintf(name, sizeof name, "%s.%s", option->section, option->key);
        fprintf(out, "  %-29s %-22s %s\n", name,
                option->default_value[0] ? option->default_value : "(empty)", option->help);
    }
}
