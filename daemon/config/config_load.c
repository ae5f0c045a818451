/* SPDX-License-Identifier: MIT */
#include "config/config_private.h"

#include "config/correction.h"
#include "config/edit_distance.h"
#include "config/ini_file.h"
#include "config/option_search.h"
#include "core/log.h"
#include "core/number.h"
#include "core/utf8.h"
#include "net/redis_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX_LENGTH 7800 /* of a line, which has room for the key and a comment, too */
#define SHOWN_SIZE 64
#define HINT_SIZE 192

struct loading {
    struct config *config;
    char *error; /* CONFIG_ERROR_SIZE */
    int problem; /* for errno, if it fails */
};

/* ---- Messages */

__attribute__((format(printf, 2, 3))) static bool fail_loading(struct loading *loading,
                                                               const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(loading->error, CONFIG_ERROR_SIZE, format, args);
    va_end(args);
    return false;
}

static bool fail_for_memory(struct loading *loading)
{
    loading->problem = ENOMEM;
    return fail_loading(loading, "out of memory");
}

/* A name, as a message shows it: truncated, and with '?' for control characters. */
static const char *show_name(struct span text, char space[SHOWN_SIZE])
{
    size_t length = text.length < SHOWN_SIZE ? text.length : SHOWN_SIZE - 1;

    for (size_t i = 0; i < length; i++)
        space[i] = iscntrl((unsigned char)text.at[i]) ? '?' : text.at[i];
    space[length] = '\0';
    return space;
}

/* The same for other text, without a password that may be meant for share.server. */
static const char *show(struct span text, char space[SHOWN_SIZE])
{
    char redacted[SHOWN_SIZE];

    redis_url_redact(text, redacted, sizeof redacted);
    return show_name(span_of(redacted), space);
}

/* ---- Setting an option */

/* What a value must be so that a line of a file could hold it, since what is in force can always be
 * written as one; NULL if it is that. */
static const char *line_requirement(const char *value)
{
    size_t length = strlen(value);

    if (length > VALUE_MAX_LENGTH)
        return "at most 7800 bytes";
    if (length > 0 &&
        (isspace((unsigned char)value[0]) || isspace((unsigned char)value[length - 1])))
        return "no space at its beginning or end";
    if (!utf8_valid(value)) /* /status shows it, in JSON */
        return "text in UTF-8";
    for (size_t i = 0; i < length; i++) {
        if (iscntrl((unsigned char)value[i]) && value[i] != '\t')
            return "no control characters";
        if (strchr("#;", value[i]) && (i == 0 || isspace((unsigned char)value[i - 1])))
            return "no comment";
    }
    return NULL;
}

/* "; did you mean …?", or nothing. */
static void correction_hint(const struct option *option, const char *value, char hint[HINT_SIZE])
{
    char corrected[CORRECTION_SIZE];

    if (correction_find(option, value, corrected))
        snprintf(hint, HINT_SIZE, "; did you mean %s?", corrected);
}

/* Whether this is probably meant for share.server. */
static bool may_have_password(const char *value)
{
    return strstr(value, "//") && strchr(value, '@');
}

/* The reason may quote the value. */
static void drop_reason(const struct option *option, char *expected)
{
    char *reason = option->type == OPTION_REDIS_URLS ? NULL : strstr(expected, " (");

    if (reason)
        *reason = '\0';
}

static bool set_option(struct loading *loading, const struct option *option,
                       struct config_origin origin, const char *value)
{
    char expected[OPTION_EXPECTED_SIZE], where[CONFIG_ORIGIN_SIZE], name[CONFIG_NAME_SIZE];
    char shown[SHOWN_SIZE], hint[HINT_SIZE] = "";
    const char *required = line_requirement(value);

    loading->config->origin[option - config_option_at(0)] = origin;
    errno = 0;
    if (!required && option_set(option, loading->config, value, expected))
        return true;
    if (errno == ENOMEM)
        return fail_for_memory(loading);
    if (required)
        snprintf(expected, sizeof expected, "%s", required);
    if (may_have_password(value))
        drop_reason(option, expected);
    else if (!strstr(expected, "did you mean"))
        correction_hint(option, value, hint);
    return fail_loading(
        loading, "%s%s = %s: expected %s%s", config_option_prefix(loading->config, option, where),
        config_option_name(option, name), show(span_of(value), shown), expected, hint);
}

static bool set_defaults(struct loading *loading)
{
    for (size_t i = 0; i < config_option_count(); i++)
        if (!set_option(loading, config_option_at(i), (struct config_origin){CONFIG_DEFAULT, 0},
                        config_option_at(i)->default_value))
            return false;
    return true;
}

/* ---- The file */

static bool load_section(void *ctx, int line, const char *section)
{
    struct loading *loading = ctx;
    const char *meant = option_nearest_section(span_of(section));
    char shown[SHOWN_SIZE];

    if (option_section_exists(span_of(section)))
        return true;
    return fail_loading(
        loading, "%.300s:%d: unknown section %s: expected http, p0f, relay, cache or share%s%s%s",
        loading->config->file, line, show(span_of(section), shown), meant ? "; did you mean [" : "",
        meant ? meant : "", meant ? "]?" : "");
}

/* What was probably meant by a line of the file that sets no key. */
static void hint_for_key(const char *section, const char *key, const char *value,
                         char hint[HINT_SIZE])
{
    struct span rest = span_of(key), first = span_split(&rest, ' ');
    char shown[SHOWN_SIZE], more[SHOWN_SIZE];
    const struct option *meant = option_find(span_of(section), first);

    if (meant && rest.length > 0) { /* "listen 127.0.0.1:5030", which has another separator */
        snprintf(hint, HINT_SIZE, "; did you mean %s = %s:%s?", meant->key,
                 show(span_trim(rest), shown), show(span_of(value), more));
        return;
    }
    if (option_section_exists(span_of(key))) {
        snprintf(hint, HINT_SIZE, "; did you mean [%s]?", key);
        return;
    }
    rest = span_of(key);
    first = span_split(&rest, '.');
    meant = rest.length > 0 ? option_nearest(first, rest)
                            : option_nearest(span_of(section), span_of(key));
    if (!meant)
        snprintf(hint, HINT_SIZE, "; p0f-lookupd -h lists all keys");
    else if (strcmp(meant->section, section) == 0)
        snprintf(hint, HINT_SIZE, "; did you mean %s?", meant->key);
    else
        snprintf(hint, HINT_SIZE, "; did you mean %s in the section [%s]?", meant->key,
                 meant->section);
}

static bool load_setting(void *ctx, int line, const char *section, const char *key,
                         const char *value)
{
    struct loading *loading = ctx;
    const struct option *option = option_find(span_of(section), span_of(key));
    char shown[SHOWN_SIZE], hint[HINT_SIZE];

    if (!option) {
        hint_for_key(section, key, value, hint);
        return fail_loading(loading, "%.300s:%d: unknown key %s%s%s%s", loading->config->file, line,
                            section, section[0] ? "." : "", show(span_of(key), shown), hint);
    }
    const struct config_origin *before = &loading->config->origin[option - config_option_at(0)];
    if (before->source == CONFIG_FILE)
        return fail_loading(loading, "%.300s:%d: duplicate key %s.%s: already set on line %d",
                            loading->config->file, line, section, key, before->line);
    return set_option(loading, option, (struct config_origin){CONFIG_FILE, line}, value);
}

static bool load_file(struct loading *loading)
{
    const struct ini_file_reader reader = {
        .section = load_section, .setting = load_setting, .ctx = loading};

    if (ini_file_read(loading->config->file, &reader, loading->error))
        return true;
    if (errno == ENOMEM)
        return fail_for_memory(loading);
    if (errno == EAGAIN)
        loading->problem = EAGAIN;
    return false;
}

/* ---- The environment */

/* Kubernetes and Docker describe a service in variables that begin with its name. This is what they make
 * of one named p0f-lookupd-http: HTTP_SERVICE_HOST, HTTP_PORT=tcp://…, HTTP_PORT_5030_TCP_ADDR. */
static bool is_of_a_service(struct span key, const char *value)
{
    return span_skip(&key, "service_host") || span_skip(&key, "service_port") ||
           (span_skip(&key, "port") &&
            (key.length == 0 ? strstr(value, "://") != NULL
                             : span_skip(&key, "_") && number_digits(key) > 0));
}

/* A variable that is none of ours may be meant to be, if its section is mistyped or missing. */
static void warn_if_mistyped(struct span variable, struct span name)
{
    char ours[CONFIG_NAME_SIZE];

    for (size_t i = 0; i < config_option_count(); i++) {
        config_option_variable(config_option_at(i), ours);
        if (edit_distance(name, span_of(ours + strlen(CONFIG_ENV_PREFIX))) > 2 &&
            !span_equals(name, config_option_at(i)->key))
            continue;
        log_warnx("ignoring environment variable %.*s; did you mean %s?", (int)variable.length,
                  variable.at, ours);
        return;
    }
}

static bool load_variable(struct loading *loading, struct span variable, const char *value)
{
    char name[CONFIG_NAME_SIZE], ours[CONFIG_NAME_SIZE], shown[SHOWN_SIZE];

    snprintf(name, sizeof name, "%.*s", (int)variable.length, variable.at);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    struct span key = span_from(span_of(name), strlen(CONFIG_ENV_PREFIX));
    struct span all = key, section = span_split(&key, '_');
    if (!option_section_exists(section)) {
        warn_if_mistyped(variable, all);
        return true;
    }
    if (is_of_a_service(key, value))
        return true;
    const struct option *option = option_find(section, key);
    if (option)
        return set_option(loading, option, (struct config_origin){CONFIG_ENVIRONMENT, 0}, value);
    option = option_nearest(section, key);
    if (!option)
        return fail_loading(loading,
                            "environment variable %s: unknown key; p0f-lookupd -h lists all keys",
                            show_name(variable, shown));
    return fail_loading(loading, "environment variable %s: unknown key; did you mean %s?",
                        show_name(variable, shown), config_option_variable(option, ours));
}

static bool load_environment(struct loading *loading, char *const *environment)
{
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (equals && strncmp(*environment, CONFIG_ENV_PREFIX, strlen(CONFIG_ENV_PREFIX)) == 0 &&
            !load_variable(loading, (struct span){*environment, (size_t)(equals - *environment)},
                           equals + 1))
            return false;
    }
    return true;
}

/* ---- The command line, and sockets that were inherited */

static bool load_override(struct loading *loading, const char *text, int source)
{
    const char *value = strchr(text, '=');
    char shown[SHOWN_SIZE], name[CONFIG_NAME_SIZE];

    if (!value)
        return fail_loading(loading, "-o %s: expected section.key=value",
                            show(span_of(text), shown));
    struct span key = span_trim((struct span){text, (size_t)(value - text)});
    struct span section = {text, 0};
    if (memchr(text, '.', key.length))
        section = span_split(&key, '.');
    const struct option *option = option_find(section, key);
    if (option)
        return set_option(loading, option, (struct config_origin){source, 0}, value + 1);
    option = option_nearest(section, key);
    const struct span name_given = {text, (size_t)(value - text)}; /* the value may be a password */
    return fail_loading(loading, "-o %s: %s; %s%s%s", show(name_given, shown),
                        section.length > 0 ? "unknown key" : "expected section.key=value",
                        option ? "did you mean " : "p0f-lookupd -h lists all keys",
                        option ? config_option_name(option, name) : "", option ? "?" : "");
}

/* ---- All of them */

static bool load_all(struct loading *loading, const struct config_source *source)
{
    if (!set_defaults(loading) || (loading->config->file && !load_file(loading)) ||
        !load_environment(loading, source->environ))
        return false;
    for (size_t i = 0; i < source->override_count; i++)
        if (!load_override(loading, source->override[i], CONFIG_COMMAND_LINE))
            return false;
    for (size_t i = 0; source->inherited && i < source->inherited->setting_count; i++)
        if (!load_override(loading, source->inherited->settings[i], CONFIG_INHERITED))
            return false;
    return true;
}

static const char *file_of(const struct config_source *source)
{
    if (!source->file && source->later_file && access(source->later_file, F_OK) == 0)
        return source->later_file;
    return source->file;
}

static struct config *new_config(const char *file)
{
    struct config *config = calloc(1, sizeof *config);

    if (!config || !file)
        return config;
    config->file = strdup(file);
    if (config->file)
        return config;
    free(config);
    return NULL;
}

struct config *config_load(const struct config_source *source, char error[CONFIG_ERROR_SIZE])
{
    struct config *config = new_config(file_of(source));
    struct loading loading = {.config = config, .error = error, .problem = EINVAL};
    bool good = config ? load_all(&loading, source) : fail_for_memory(&loading);

    if (good)
        return config;
    config_free(config);
    errno = loading.problem;
    return NULL;
}
