/* SPDX-License-Identifier: MIT */
#include "config/option.h"

#include "net/listen_address.h"
#include "net/networks.h"
#include "net/origins.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define MOST_MS (365 * DAY_MS)
#define FIELD(section, key) offsetof(struct config, section.key)

/* clang-format off */
static const struct option options[] = {
    {"http", "listen", OPTION_LISTEN, FIELD(http, listen), "127.0.0.1:5030", 1, 0, false,
     "host:port, [v6]:port or unix:/path, comma separated"},
    {"http", "threads", OPTION_AUTO, FIELD(http, threads), "auto", 1, 256, false,
     "that answer requests; auto is one for each processor"},
    {"http", "max_connections", OPTION_COUNT, FIELD(http, max_connections), "10000", 1, 1000000, false,
     "open at once"},
    {"http", "idle_timeout", OPTION_DURATION, FIELD(http, idle_timeout), "60s", 1000, MOST_MS, false,
     "before a silent connection is closed"},
    {"http", "max_batch", OPTION_COUNT, FIELD(http, max_batch), "1000", 1, 1000000, false,
     "hosts in one POST /hosts"},
    {"http", "token_file", OPTION_RESERVED, FIELD(http, token_file), "", 0, 0, false,
     "reserved for bearer tokens"},
    {"http", "tls_certificate", OPTION_RESERVED, FIELD(http, tls_certificate), "", 0, 0, false,
     "reserved for TLS"},
    {"http", "tls_key", OPTION_RESERVED, FIELD(http, tls_key), "", 0, 0, false,
     "reserved for TLS"},
    {"http", "allow_unauthenticated", OPTION_BOOLEAN, FIELD(http, allow_unauthenticated), "no", 0, 0, false,
     "listen beyond loopback and unix sockets without a token"},
    {"http", "trusted_proxies", OPTION_NETWORKS, FIELD(http, trusted_proxies), "127.0.0.0/8, ::1", 0, 0, false,
     "networks whose X-Forwarded-For is believed, comma separated"},
    {"http", "cors_origins", OPTION_ORIGINS, FIELD(http, cors_origins), "", 0, 0, false,
     "pages that may read answers: https://example.org or *, comma separated"},
    {"http", "access_log", OPTION_BOOLEAN, FIELD(http, access_log), "no", 0, 0, false,
     "log each request"},

    {"p0f", "socket", OPTION_TEXT, FIELD(p0f, socket), P0F_DEFAULT_SOCKET, 1, 107, false,
     "p0f's API socket (p0f -s)"},
    {"p0f", "dialect", OPTION_DIALECT, FIELD(p0f, dialect), "auto", 0, 0, false,
     "of p0f's answers: auto, p0f3, mtu, mss, api2"},
    {"p0f", "connections", OPTION_COUNT, FIELD(p0f, connections), "4", 1, 100, false,
     "to p0f; it serves 20 in all, unless told otherwise (p0f -S)"},
    {"p0f", "pipeline", OPTION_COUNT, FIELD(p0f, pipeline), "16", 1, 1024, false,
     "queries in flight on each connection"},
    {"p0f", "timeout", OPTION_DURATION, FIELD(p0f, timeout), "1s", 1, DAY_MS, true,
     "how long a request waits for p0f"},
    {"p0f", "max_pending", OPTION_COUNT, FIELD(p0f, max_pending), "10000", 1, 1000000, true,
     "lookups waiting; more are refused with 503"},
    {"p0f", "max_rate", OPTION_COUNT, FIELD(p0f, max_rate), "0", 0, 1000000000, true,
     "queries a second at most; 0 is no limit"},
    {"p0f", "max_repeat_rate", OPTION_COUNT, FIELD(p0f, max_repeat_rate), "20000", 0, 1000000000, true,
     "queries a second that repeat one just answered, at most; 0 is no limit"},
    {"p0f", "max_repeat_rate_per_client", OPTION_COUNT, FIELD(p0f, max_repeat_rate_per_client), "2000", 0, 1000000000, true,
     "of these for one client; 0 is no limit"},
    {"p0f", "first_contact_wait", OPTION_DURATION, FIELD(p0f, first_contact_wait), "25ms", 0, 5000, true,
     "how long \"no match\" is asked again before it is believed"},

    {"cache", "ttl", OPTION_DURATION, FIELD(cache, ttl), "30s", 0, MOST_MS, true,
     "of a known host; 0 keeps nothing"},
    {"cache", "incomplete_ttl", OPTION_DURATION, FIELD(cache, incomplete_ttl), "2s", 0, MOST_MS, true,
     "of a known host without OS and HTTP application"},
    {"cache", "negative_ttl", OPTION_DURATION, FIELD(cache, negative_ttl), "1s", 0, MOST_MS, true,
     "of \"no match\""},
    {"cache", "stale_while_revalidate", OPTION_DURATION, FIELD(cache, stale_while_revalidate), "30s", 0, MOST_MS, true,
     "beyond its ttl a host is served while p0f is asked again"},
    {"cache", "stale_if_error", OPTION_DURATION, FIELD(cache, stale_if_error), "1h", 0, MOST_MS, true,
     "beyond its ttl a host is served when p0f fails"},
    {"cache", "max_hosts", OPTION_COUNT, FIELD(cache, max_hosts), "100000", 0, 100000000, false,
     "known hosts kept"},
    {"cache", "max_misses", OPTION_COUNT, FIELD(cache, max_misses), "25000", 0, 100000000, false,
     "\"no match\" entries kept, in a store of their own"},
};
/* clang-format on */

size_t option_count(void)
{
    return sizeof options / sizeof options[0];
}

const struct option *option_at(size_t index)
{
    return &options[index];
}

size_t option_index(const struct option *option)
{
    return (size_t)(option - options);
}

const struct option *option_find(const char *section, size_t section_length, const char *key)
{
    for (size_t i = 0; i < option_count(); i++)
        if (strlen(options[i].section) == section_length &&
            memcmp(options[i].section, section, section_length) == 0 &&
            strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

bool option_has_section(const char *section)
{
    for (size_t i = 0; i < option_count(); i++)
        if (strcmp(options[i].section, section) == 0)
            return true;
    return false;
}

static void *field_of(const struct option *option, const struct config *config)
{
    return (char *)config + option->offset;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}, {NULL, 0},
};

static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}, {NULL, 0},
};

/* Digits and a unit; a lone 0 needs none. */
static bool read_number(const char *text, const struct unit *units, int64_t *number)
{
    size_t digits = strspn(text, "0123456789");
    const char *name = text + digits;
    int64_t value = 0;

    if (digits == 0 || digits > 18)
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (text[i] - '0');
    *number = 0;
    if (value == 0 && *name == '\0')
        return true;
    for (; units->name; units++)
        if (strcmp(name, units->name) == 0)
            return !__builtin_mul_overflow(value, units->factor, number);
    return false;
}

static bool set_duration(const struct option *option, int64_t *place, const char *value,
                         char expected[OPTION_EXPECTED_SIZE])
{
    char min[OPTION_TEXT_SIZE], max[OPTION_TEXT_SIZE];
    int64_t ms;

    if (read_number(value, duration_units, &ms) && ms >= option->min && ms <= option->max) {
        *place = ms;
        return true;
    }
    snprintf(expected, OPTION_EXPECTED_SIZE, "a time with its unit ms, s, m, h or d, from %s to %s",
             option_format_duration(option->min, min), option_format_duration(option->max, max));
    return false;
}

static bool set_count(const struct option *option, uint32_t *place, const char *value,
                      char expected[OPTION_EXPECTED_SIZE])
{
    int64_t count;

    if (option->type == OPTION_AUTO && strcmp(value, "auto") == 0) {
        *place = 0;
        return true;
    }
    if (read_number(value, count_units, &count) && count >= option->min && count <= option->max) {
        *place = (uint32_t)count;
        return true;
    }
    snprintf(expected, OPTION_EXPECTED_SIZE, "%sa number from %lld to %lld (k, m, g may follow)",
             option->type == OPTION_AUTO ? "auto, or " : "", (long long)option->min,
             (long long)option->max);
    return false;
}

static bool set_text(const struct option *option, char **place, const char *value,
                     char expected[OPTION_EXPECTED_SIZE])
{
    size_t length = strlen(value);

    if (length < (size_t)option->min || (option->max > 0 && length > (size_t)option->max)) {
        snprintf(expected, OPTION_EXPECTED_SIZE, "a text of at least %lld%s",
                 (long long)option->min,
                 option->max > 0 ? " and at most 107 bytes (a unix socket's path)" : " byte");
        return false;
    }
    char *copy = strdup(value);
    if (!copy) {
        snprintf(expected, OPTION_EXPECTED_SIZE, "more memory");
        return false;
    }
    free(*place);
    *place = copy;
    return true;
}

static bool set_listen(const struct option *option, char **place, const char *value,
                       char expected[OPTION_EXPECTED_SIZE])
{
    struct listen_address address;
    char why[LISTEN_ADDRESS_ERROR_SIZE];
    struct span list = span_of(value), item;

    while (span_next_item(&list, &item)) {
        if (!listen_address_parse(item, &address, why)) {
            snprintf(expected, OPTION_EXPECTED_SIZE, LISTEN_ADDRESS_EXPECTED " (%s)", why);
            return false;
        }
    }
    return set_text(option, place, value, expected);
}

static bool set_networks(const struct option *option, char **place, const char *value,
                         char expected[OPTION_EXPECTED_SIZE])
{
    char why[NETWORKS_ERROR_SIZE];
    struct networks *networks = networks_parse(value, why);

    if (!networks) {
        snprintf(expected, OPTION_EXPECTED_SIZE, NETWORKS_EXPECTED " (%s)", why);
        return false;
    }
    networks_free(networks);
    return set_text(option, place, value, expected);
}

static bool set_origins(const struct option *option, char **place, const char *value,
                        char expected[OPTION_EXPECTED_SIZE])
{
    char why[ORIGINS_ERROR_SIZE];
    struct origins *cors = origins_parse(value, why);

    if (!cors) {
        snprintf(expected, OPTION_EXPECTED_SIZE, ORIGINS_EXPECTED " (%s)", why);
        return false;
    }
    origins_free(cors);
    return set_text(option, place, value, expected);
}

static bool set_boolean(bool *place, const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0) {
        snprintf(expected, OPTION_EXPECTED_SIZE, "yes or no");
        return false;
    }
    *place = yes;
    return true;
}

static bool set_dialect(enum p0f_dialect *place, const char *value,
                        char expected[OPTION_EXPECTED_SIZE])
{
    for (enum p0f_dialect d = P0F_DIALECT_AUTO; d <= P0F_DIALECT_API2; d++) {
        if (strcmp(value, p0f_dialect_name(d)) == 0) {
            *place = d;
            return true;
        }
    }
    snprintf(expected, OPTION_EXPECTED_SIZE, "auto, p0f3, mtu, mss or api2");
    return false;
}

/* To take a setting and not act on it would be to start on a configuration not understood. */
static bool is_standard(const struct option *option, const char *value,
                        char expected[OPTION_EXPECTED_SIZE])
{
    if (strcmp(value, option->default_value) == 0)
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE,
             "its default \"%s\": this version has no such feature yet", option->default_value);
    return false;
}

bool option_set(const struct option *option, struct config *config, const char *value,
                char expected[OPTION_EXPECTED_SIZE])
{
    void *place = field_of(option, config);

    switch (option->type) {
    case OPTION_TEXT:
        return set_text(option, place, value, expected);
    case OPTION_LISTEN:
        return set_listen(option, place, value, expected);
    case OPTION_DURATION:
        return set_duration(option, place, value, expected);
    case OPTION_COUNT:
    case OPTION_AUTO:
        return set_count(option, place, value, expected);
    case OPTION_BOOLEAN:
        return set_boolean(place, value, expected);
    case OPTION_DIALECT:
        return set_dialect(place, value, expected);
    case OPTION_NETWORKS:
        return set_networks(option, place, value, expected);
    case OPTION_ORIGINS:
        return set_origins(option, place, value, expected);
    case OPTION_RESERVED:
        return is_standard(option, value, expected) && set_text(option, place, value, expected);
    }
    return false;
}

bool option_set_defaults(struct config *config)
{
    char expected[OPTION_EXPECTED_SIZE];

    for (size_t i = 0; i < option_count(); i++)
        if (!option_set(&options[i], config, options[i].default_value, expected))
            return false;
    return true;
}

static bool is_text(const struct option *option)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_LISTEN:
    case OPTION_NETWORKS:
    case OPTION_ORIGINS:
    case OPTION_RESERVED:
        return true;
    case OPTION_DURATION:
    case OPTION_COUNT:
    case OPTION_AUTO:
    case OPTION_BOOLEAN:
    case OPTION_DIALECT:
        break;
    }
    return false;
}

void option_release(struct config *config)
{
    for (size_t i = 0; i < option_count(); i++) {
        char **place = field_of(&options[i], config);
        if (is_text(&options[i])) {
            free(*place);
            *place = NULL;
        }
    }
}

static size_t field_size(const struct option *option)
{
    switch (option->type) {
    case OPTION_DURATION:
        return sizeof(int64_t);
    case OPTION_BOOLEAN:
        return sizeof(bool);
    case OPTION_DIALECT:
        return sizeof(enum p0f_dialect);
    case OPTION_COUNT:
    case OPTION_AUTO:
        return sizeof(uint32_t);
    case OPTION_TEXT:
    case OPTION_LISTEN:
    case OPTION_NETWORKS:
    case OPTION_ORIGINS:
    case OPTION_RESERVED:
        break;
    }
    return sizeof(char *);
}

bool option_equal(const struct option *option, const struct config *a, const struct config *b)
{
    void *in_a = field_of(option, a), *in_b = field_of(option, b);

    if (is_text(option))
        return strcmp(*(char **)in_a, *(char **)in_b) == 0;
    return memcmp(in_a, in_b, field_size(option)) == 0;
}
