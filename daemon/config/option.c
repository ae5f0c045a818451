/* SPDX-License-Identifier: MIT */
#include "config/option.h"

#include "config/option_text.h"
#include "config/quantity.h"
#include "net/redis_url.h"
#include "p0fclient.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field_of(const struct option *option, const void *settings)
{
    return (char *)settings + option->offset;
}

/* The rule for a string; NULL for other types. */
static option_text_fn *text_rule(const struct option *option)
{
    switch (option->type) {
    case OPTION_SOCKETS:
        return option_text_sockets;
    case OPTION_FILE:
        return option_text_file;
    case OPTION_LISTEN:
        return option_text_listen;
    case OPTION_LISTEN_TCP:
        return option_text_listen_tcp;
    case OPTION_LISTEN_UNIX:
        return option_text_listen_unix;
    case OPTION_NETWORKS:
        return option_text_networks;
    case OPTION_ORIGINS:
        return option_text_origins;
    case OPTION_SERVER_NAMES:
        return option_text_server_names;
    case OPTION_CLIENT_HEADER:
        return option_text_client_header;
    case OPTION_GROUP:
        return option_text_group;
    case OPTION_REDIS_URLS:
        return option_text_redis_urls;
    case OPTION_SENSOR:
        return option_text_sensor;
    case OPTION_PREFIX:
        return option_text_prefix;
    case OPTION_DURATION:
    case OPTION_COUNT:
    case OPTION_AUTO:
    case OPTION_BOOLEAN:
    case OPTION_ALL_ANY:
    case OPTION_DIALECT:
    case OPTION_MODE:
        break;
    }
    return NULL;
}

/* ---- Reading a value */

static bool set_duration(const struct option *option, int64_t *field, const char *value,
                         char expected[OPTION_EXPECTED_SIZE])
{
    char min[QUANTITY_TEXT_SIZE], max[QUANTITY_TEXT_SIZE];
    int64_t ms;

    if (quantity_read_duration(value, &ms) && ms >= option->min && ms <= option->max) {
        *field = ms;
        return true;
    }
    snprintf(
        expected, OPTION_EXPECTED_SIZE, "a duration with a unit (ms, s, m, h or d), from %s to %s",
        quantity_format_duration(option->min, min), quantity_format_duration(option->max, max));
    return false;
}

static bool set_count(const struct option *option, uint32_t *field, const char *value,
                      char expected[OPTION_EXPECTED_SIZE])
{
    int64_t count;

    if (option->type == OPTION_AUTO && strcmp(value, "auto") == 0) {
        *field = 0;
        return true;
    }
    if (quantity_read_count(value, &count) && count >= option->min && count <= option->max) {
        *field = (uint32_t)count;
        return true;
    }
    snprintf(expected, OPTION_EXPECTED_SIZE, "%sa number from %lld to %lld%s",
             option->type == OPTION_AUTO ? "auto or " : "", (long long)option->min,
             (long long)option->max, option->max > 1024 ? " (k, m or g may follow)" : "");
    return false;
}

/* False with ENOMEM. */
static bool set_string(char **field, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return false;
    free(*field);
    *field = copy;
    return true;
}

static bool set_mode(const struct option *option, uint32_t *field, const char *value,
                     char expected[OPTION_EXPECTED_SIZE])
{
    size_t length = strspn(value, "01234567");
    unsigned long mode =
        length > 0 && length <= 4 && !value[length] ? strtoul(value, NULL, 8) : ULONG_MAX;

    if (mode <= (unsigned long)option->max) {
        *field = (uint32_t)mode;
        return true;
    }
    snprintf(expected, OPTION_EXPECTED_SIZE,
             "permissions in octal, from 0000 to %04o, such as 0660", (unsigned)option->max);
    return false;
}

/* One of two words. */
static bool set_boolean(bool *field, const char *yes, const char *no, const char *value,
                        char expected[OPTION_EXPECTED_SIZE])
{
    bool is_yes = strcmp(value, yes) == 0;

    if (!is_yes && strcmp(value, no) != 0) {
        snprintf(expected, OPTION_EXPECTED_SIZE, "%s or %s", yes, no);
        return false;
    }
    *field = is_yes;
    return true;
}

static bool set_dialect(enum p0f_dialect *field, const char *value,
                        char expected[OPTION_EXPECTED_SIZE])
{
    for (enum p0f_dialect d = P0F_DIALECT_AUTO; d <= P0F_DIALECT_SIG; d++) {
        if (strcmp(value, p0f_dialect_name(d)) == 0) {
            *field = d;
            return true;
        }
    }
    snprintf(expected, OPTION_EXPECTED_SIZE, "auto, p0f3, mtu, mss, api2 or sig");
    return false;
}

bool option_set(const struct option *option, void *settings, const char *value,
                char expected[OPTION_EXPECTED_SIZE])
{
    option_text_fn *is_valid = text_rule(option);
    void *field = field_of(option, settings);

    if (is_valid)
        return is_valid(value, expected) && set_string(field, value);
    switch (option->type) {
    case OPTION_MODE:
        return set_mode(option, field, value, expected);
    case OPTION_DURATION:
        return set_duration(option, field, value, expected);
    case OPTION_BOOLEAN:
        return set_boolean(field, "yes", "no", value, expected);
    case OPTION_ALL_ANY:
        return set_boolean(field, "any", "all", value, expected);
    case OPTION_DIALECT:
        return set_dialect(field, value, expected);
    default:
        return set_count(option, field, value, expected);
    }
}

void option_release(const struct option *option, void *settings)
{
    char **field = field_of(option, settings);

    if (text_rule(option)) {
        free(*field);
        *field = NULL;
    }
}

/* ---- Writing a value */

const char *option_format(const struct option *option, const void *settings,
                          char space[OPTION_TEXT_SIZE])
{
    const void *field = field_of(option, settings);

    if (text_rule(option))
        return *(char *const *)field;
    switch (option->type) {
    case OPTION_DURATION:
        return quantity_format_duration(*(const int64_t *)field, space);
    case OPTION_BOOLEAN:
        return *(const bool *)field ? "yes" : "no";
    case OPTION_ALL_ANY:
        return *(const bool *)field ? "any" : "all";
    case OPTION_DIALECT:
        return p0f_dialect_name(*(const enum p0f_dialect *)field);
    case OPTION_MODE:
        snprintf(space, OPTION_TEXT_SIZE, "%04o", *(const uint32_t *)field);
        return space;
    default: /* a count */
        if (option->type == OPTION_AUTO && *(const uint32_t *)field == 0)
            return "auto";
        snprintf(space, OPTION_TEXT_SIZE, "%u", *(const uint32_t *)field);
        return space;
    }
}

const char *option_show(const struct option *option, const void *settings,
                        char space[OPTION_SHOWN_SIZE])
{
    const char *text = option_format(option, settings, space);

    if (option->type != OPTION_REDIS_URLS)
        return text;
    redis_url_redact(span_of(text), space, OPTION_SHOWN_SIZE);
    return space;
}

/* A value has one text, so texts can be compared. */
bool option_equal(const struct option *option, const void *a, const void *b)
{
    char space_a[OPTION_TEXT_SIZE], space_b[OPTION_TEXT_SIZE];

    return strcmp(option_format(option, a, space_a), option_format(option, b, space_b)) == 0;
}
