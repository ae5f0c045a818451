/* SPDX-License-Identifier: MIT */
#include "config/option.h"

#include "config/quantity.h"
#include "net/client_header.h"
#include "net/listen_address.h"
#include "net/networks.h"
#include "net/origins.h"
#include "net/server_names.h"
#include "p0fclient.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_LENGTH_MAX 64

static void *field_of(const struct option *option, const void *settings)
{
    return (char *)settings + option->offset;
}

/* Whether the field is a string of its own. */
static bool is_string(const struct option *option)
{
    switch (option->type) {
    case OPTION_PATH:
    case OPTION_FILE:
    case OPTION_LISTEN:
    case OPTION_LISTEN_TCP:
    case OPTION_LISTEN_UNIX:
    case OPTION_NETWORKS:
    case OPTION_ORIGINS:
    case OPTION_SERVER_NAMES:
    case OPTION_CLIENT_HEADER:
    case OPTION_GROUP:
        return true;
    case OPTION_DURATION:
    case OPTION_COUNT:
    case OPTION_AUTO:
    case OPTION_BOOLEAN:
    case OPTION_DIALECT:
    case OPTION_MODE:
        break;
    }
    return false;
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

/* What was probably meant by what is not the path of a socket; NULL if it may be one. */
static const char *correct_socket(const char *value)
{
    size_t length = strlen(value);

    if (strncmp(value, "unix:", 5) == 0)
        return "without unix:, which only http.listen and relay.listen have";
    if (value[0] == '@')
        return "p0f makes no abstract sockets";
    if (value[0] == '"' || value[0] == '\'')
        return "without quotes";
    if (strchr(value, ','))
        return "only one: several sensors are not supported yet";
    if (strstr(value, "=/"))
        return "without a name: several sensors are not supported yet";
    if (value[0] != '/')
        return "it does not begin with /";
    return value[length - 1] == '/' ? "that of the socket, not of its directory" : NULL;
}

static bool set_path(const struct option *option, char **field, const char *value,
                     char expected[OPTION_EXPECTED_SIZE])
{
    int64_t length = (int64_t)strlen(value);
    bool fits = length >= option->min && length <= option->max;
    const char *wrong = fits ? correct_socket(value) : NULL;

    if (fits && !wrong)
        return set_string(field, value);
    snprintf(expected, OPTION_EXPECTED_SIZE, "an absolute path of %lld to %lld bytes%s%s%s",
             (long long)option->min, (long long)option->max, wrong ? " (" : "", wrong ? wrong : "",
             wrong ? ")" : "");
    return false;
}

static bool set_file(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    if (!value[0] || (value[0] == '/' && value[strlen(value) - 1] != '/'))
        return set_string(field, value);
    snprintf(expected, OPTION_EXPECTED_SIZE, "the absolute path of a file%s",
             value[0] == '"' || value[0] == '\'' ? " (without quotes)" : "");
    return false;
}

static bool set_listen(char **field, const char *value, const char *form,
                       char expected[OPTION_EXPECTED_SIZE])
{
    struct listen_address address;
    char why[LISTEN_ADDRESS_ERROR_SIZE];
    struct span list = span_of(value), item;

    if (!value[0])
        return set_string(field, value);
    while (span_next_item(&list, &item)) {
        if (!listen_address_parse(item, &address, why)) {
            snprintf(expected, OPTION_EXPECTED_SIZE, "%s (%s)", form, why);
            return false;
        }
    }
    return set_string(field, value);
}

#define LISTEN_TCP_EXPECTED "comma-separated host:port or [IPv6]:port"

static bool set_listen_tcp(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    struct span list = span_of(value), item;

    while (span_next_item(&list, &item)) {
        if (span_skip(&item, "unix:")) {
            snprintf(expected, OPTION_EXPECTED_SIZE,
                     LISTEN_TCP_EXPECTED " (a unix socket needs no TLS: set it in http.listen)");
            return false;
        }
    }
    return set_listen(field, value, LISTEN_TCP_EXPECTED, expected);
}

#define LISTEN_UNIX_EXPECTED "comma-separated unix:/path"

static bool set_listen_unix(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    struct span list = span_of(value), item;

    while (span_next_item(&list, &item)) {
        if (item.length > 0 && !span_skip(&item, "unix:")) {
            snprintf(expected, OPTION_EXPECTED_SIZE, LISTEN_UNIX_EXPECTED " ('%.*s' %s)",
                     item.length < 60 ? (int)item.length : 60, item.at,
                     item.at[0] == '/' ? "lacks unix:"
                                       : "is not a unix socket; p0f's protocol has no "
                                         "authentication, so it is not served over TCP");
            return false;
        }
    }
    return set_listen(field, value, LISTEN_UNIX_EXPECTED, expected);
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

/* Whether there is such a group is seen when it is needed: that can take long. */
static bool set_group(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    size_t length = strlen(value);

    if (length <= GROUP_LENGTH_MAX && strcspn(value, " \t:,/\"'") == length)
        return set_string(field, value);
    snprintf(expected, OPTION_EXPECTED_SIZE, "the name or the number of one group");
    return false;
}

static bool set_networks(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[NETWORKS_ERROR_SIZE];
    struct networks *networks = networks_parse(value, why);

    if (!networks) {
        snprintf(expected, OPTION_EXPECTED_SIZE, NETWORKS_EXPECTED " (%s)", why);
        return false;
    }
    networks_free(networks);
    return set_string(field, value);
}

static bool set_origins(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[ORIGINS_ERROR_SIZE];
    struct origins *origins = origins_parse(value, why);

    if (!origins) {
        snprintf(expected, OPTION_EXPECTED_SIZE, ORIGINS_EXPECTED " (%s)", why);
        return false;
    }
    origins_free(origins);
    return set_string(field, value);
}

static bool set_server_names(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[SERVER_NAMES_ERROR_SIZE];
    struct server_names *names = server_names_parse(value, why);

    if (!names) {
        snprintf(expected, OPTION_EXPECTED_SIZE, SERVER_NAMES_EXPECTED " (%s)", why);
        return false;
    }
    server_names_free(names);
    return set_string(field, value);
}

static bool set_client_header(char **field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[CLIENT_HEADER_ERROR_SIZE];
    struct client_header header;

    if (client_header_parse(value, &header, why))
        return set_string(field, value);
    snprintf(expected, OPTION_EXPECTED_SIZE, CLIENT_HEADER_EXPECTED " (%s)", why);
    return false;
}

static bool set_boolean(bool *field, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0) {
        snprintf(expected, OPTION_EXPECTED_SIZE, "yes or no");
        return false;
    }
    *field = yes;
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
    void *field = field_of(option, settings);

    switch (option->type) {
    case OPTION_PATH:
        return set_path(option, field, value, expected);
    case OPTION_FILE:
        return set_file(field, value, expected);
    case OPTION_LISTEN:
        return set_listen(field, value, LISTEN_ADDRESS_EXPECTED, expected);
    case OPTION_LISTEN_TCP:
        return set_listen_tcp(field, value, expected);
    case OPTION_LISTEN_UNIX:
        return set_listen_unix(field, value, expected);
    case OPTION_MODE:
        return set_mode(option, field, value, expected);
    case OPTION_GROUP:
        return set_group(field, value, expected);
    case OPTION_DURATION:
        return set_duration(option, field, value, expected);
    case OPTION_COUNT:
    case OPTION_AUTO:
        return set_count(option, field, value, expected);
    case OPTION_BOOLEAN:
        return set_boolean(field, value, expected);
    case OPTION_DIALECT:
        return set_dialect(field, value, expected);
    case OPTION_NETWORKS:
        return set_networks(field, value, expected);
    case OPTION_ORIGINS:
        return set_origins(field, value, expected);
    case OPTION_SERVER_NAMES:
        return set_server_names(field, value, expected);
    case OPTION_CLIENT_HEADER:
        return set_client_header(field, value, expected);
    }
    return false;
}

void option_release(const struct option *option, void *settings)
{
    char **field = field_of(option, settings);

    if (is_string(option)) {
        free(*field);
        *field = NULL;
    }
}

/* ---- Writing a value */

const char *option_format(const struct option *option, const void *settings,
                          char space[OPTION_TEXT_SIZE])
{
    const void *field = field_of(option, settings);

    if (is_string(option))
        return *(char *const *)field;
    switch (option->type) {
    case OPTION_DURATION:
        return quantity_format_duration(*(const int64_t *)field, space);
    case OPTION_BOOLEAN:
        return *(const bool *)field ? "yes" : "no";
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

/* A value has one text, so texts can be compared. */
bool option_equal(const struct option *option, const void *a, const void *b)
{
    char space_a[OPTION_TEXT_SIZE], space_b[OPTION_TEXT_SIZE];

    return strcmp(option_format(option, a, space_a), option_format(option, b, space_b)) == 0;
}
